import { tell } from "../lib/errors.ts";
import { inert } from "../lib/lines.ts";
import { accountOf } from "../release/account.ts";
import { plannedTraffic } from "../release/planned-weight.ts";
import type { ReleaseRecord } from "../release/release-record.ts";
import { heldBy, isOver, isRunning } from "../release/state.ts";
import { clusterInWords } from "../words/scene-setting.ts";
import { notAsItShouldBe } from "../words/standing-text.ts";
import { noReleaseAnswer, statusAnswer } from "../words/status-answer.ts";
import { type Deviation, statusText } from "../words/status-text.ts";
import type { ExitCode, Session } from "./session.ts";
import { strays, unanswered } from "./strays.ts";
import { straysWithoutJournal, unlessUnknown } from "./without-journal.ts";

/**
 * Where the newest release of the service is, from the journal, and whether its routes are as it left them: also when it
 * is over, and as far as that can be known when there is no journal.
 */
export async function status(session: Session): Promise<ExitCode> {
  const begun = await session.journal.load();
  if (!begun) return statusWithoutJournal(session);
  const { cluster, config, messages, clock } = session;
  const record = config.watch ? await watched(session, begun) : begun;
  const deviation = await deviationOf(session, record);
  if (config.json) messages.answer(statusAnswer(cluster, record, deviation));
  else messages.print(statusText(cluster, record, deviation, clock.now()));
  if (needsSomebody(record, deviation)) return 3;
  return 0;
}

const watchEvery = 1_000;

/** Tells of the release as long as a job runs it, and gives how it stands then. */
async function watched(session: Session, begun: ReleaseRecord): Promise<ReleaseRecord> {
  const { journal, reporter, clock } = session;
  const newest = async (before: ReleaseRecord): Promise<ReleaseRecord> => (await journal.load()) ?? before;
  let record = begun;
  while (isRunning(record.state) && (await isWatched(session))) {
    reporter.report(accountOf(record, record.log.at(-1)?.reason ?? { kind: "deploying" }, clock.now(), []));
    await clock.sleepUntil(clock.now() + watchEvery);
    record = await newest(record);
  }
  await reporter.flush(watchEvery);
  return newest(record);
}

/** Something is not as it should be, it is held, it got stuck, or its job is dead. */
const needsSomebody = ({ state }: ReleaseRecord, { differences, watched }: Deviation): boolean =>
  differences.length > 0 || heldBy(state) !== undefined || state.phase === "failed" || watched === false;

async function statusWithoutJournal(session: Session): Promise<ExitCode> {
  const { cluster, config, messages } = session;
  const { namespace, service } = config;
  await unlessUnknown(session, "");
  const differences = await straysWithoutJournal(session);
  let standing = `${namespace}/${service}: no release was ever begun here.`;
  if (differences.length > 0)
    standing = notAsItShouldBe(`${namespace}/${service}: there is no journal here`, differences);
  if (config.json) messages.answer(noReleaseAnswer(cluster, config, differences));
  else messages.print(`${inert(clusterInWords(cluster))}\n${standing}`);
  if (differences.length > 0) return 3;
  return 0;
}

async function deviationOf(session: Session, record: ReleaseRecord): Promise<Deviation> {
  if (isOver(record.state)) return { drift: undefined, differences: await strays(session, record), watched: undefined };
  const { router } = session.connect(record);
  const [drift, differences, watched] = await Promise.all([
    router.drift(plannedTraffic(record)).catch((error: unknown) => tell(error)),
    unanswered(session, record),
    isRunning(record.state) ? isWatched(session) : undefined,
  ]);
  return { drift, differences, watched };
}

const isWatched = async ({ lock }: Session): Promise<boolean> => (await lock({ force: false }).holder()) !== undefined;
