import { type Share, wilson } from "../evidence/wilson.ts";
import { formatDuration, type Instant, type Millis } from "../lib/duration.ts";
import { newestWrite } from "../release/newest-write.ts";
import { plannedWeight } from "../release/planned-weight.ts";
import type { ReleaseRecord } from "../release/release-record.ts";
import { isOutcome } from "../release/state.ts";
import type { Target } from "../release/target.ts";
import { type CountedSplit, splitCountText, type WrittenAgo } from "../words/split-count-text.ts";
import { required } from "./preconditions.ts";
import { requestSplit } from "./request-split.ts";
import type { ExitCode, Session } from "./session.ts";

/** Counts how traffic really splits now, and says whether that is what was planned. */
export async function verify(session: Session): Promise<ExitCode> {
  const record = await session.journal.load();
  const target = asReleased(required(session.config).target, record);
  const written = record && writtenAgo(record, session, session.clock.now());
  const count = await countSplit(session, target, written);
  if ("because" in count) {
    session.messages.print(`The split of ${target.namespace}/${target.service} could not be counted: ${count.because}`);
    return 3;
  }
  const planned = record && !isOutcome(record.state) ? plannedWeight(record) : undefined;
  const share = wilson(count.canary, count.canary + count.stable);
  const isComparable = written?.comparableIn === undefined;
  const asPlanned = share && planned !== undefined && isComparable ? agrees(planned, share) : undefined;
  if (session.config.json) session.messages.answer({ ...count, planned, written, ...share, asPlanned });
  else session.messages.print(splitCountText(target, { count, share, planned, written, asPlanned }));
  return share === undefined || asPlanned === false ? 3 : 0;
}

const agrees = (planned: number, { low, high }: Share): boolean => planned >= low * 100 && planned <= high * 100;

/** What is planned is the share of the release's canary, which after a swap is the configuration's stable version. */
function asReleased(configured: Target, record: ReleaseRecord | undefined): Target {
  if (record?.target.canary.deployment !== configured.stable.deployment) return configured;
  return { ...configured, stable: configured.canary, canary: configured.stable };
}

/** Scrapes after a write that still have something of the weight before: the caller's proxy's, and a version's own. */
const mixedScrapes = 2;

/** Scrapes that a count is made of at least: with one, a scrape that comes late leaves nothing to count. */
const fewestScrapes = 2;

function writtenAgo(
  record: ReleaseRecord,
  { config: { metrics, verify } }: Session,
  now: Instant,
): WrittenAgo | undefined {
  const at = newestWrite(record);
  if (at === undefined) return undefined;
  const ago = Math.max(0, now - at);
  if (verify.url !== undefined || !metrics) return { ago, mixed: 0 };
  const mixed = mixedScrapes * metrics.interval;
  const comparableIn = mixed + fewestScrapes * metrics.interval - ago;
  return comparableIn > 0 ? { ago, mixed, comparableIn } : { ago, mixed };
}

async function countSplit(
  session: Session,
  target: Target,
  written: WrittenAgo | undefined,
): Promise<CountedSplit | { readonly because: string }> {
  const { metrics, verify } = session.config;
  if (verify.url !== undefined) return requestSplit({ ...verify, url: verify.url }, target, session);
  const window = windowOf(verify.window, written, metrics?.interval ?? 0);
  const tally = await session.history.traffic(target, window);
  if ("because" in tally) return tally;
  const { stable, canary, unattributed } = tally;
  return {
    stable: stable.requests,
    canary: canary.requests,
    neither: unattributed.requests,
    from: countedBy(metrics?.source, window, tally.covered),
  };
}

/** Proxies keep no history: they were looked at for a moment. */
const countedBy = (source: "prometheus" | "proxies" | undefined, window: Millis, covered: Millis): string =>
  source === "proxies"
    ? `the proxies, the last ${formatDuration(covered)}`
    : `Prometheus, the last ${formatDuration(window)}`;

/** No further back than the weight that there is now; while that is too new to be counted alone, since it was written. */
function windowOf(longest: Millis, written: WrittenAgo | undefined, interval: Millis): Millis {
  if (!written) return longest;
  const { ago, mixed, comparableIn } = written;
  return Math.min(longest, comparableIn === undefined ? ago - mixed : Math.max(ago, interval));
}
