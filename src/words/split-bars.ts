import type { Count, Tally } from "../evidence/tally.ts";
import { count, percent } from "../lib/numbers.ts";
import type { Account } from "../release/account.ts";
import type { StageRecord } from "../release/release-record.ts";
import { quantilesInWords } from "./times-in-words.ts";

/** The split as it was counted. Percents of the requests that reached a version, to one tenth. */
export type ObservedSplit = {
  readonly stable: number;
  readonly canary: number;
  readonly requests: { readonly stable: number; readonly canary: number };
};

/**
 * Undefined when nothing was counted: no data is not zero. Requests of the first scrape count only while there are no
 * others.
 */
export function observedSplit({ tally, served }: Pick<StageRecord, "tally" | "served">): ObservedSplit | undefined {
  const { stable, canary } = served ?? { stable: tally.stable.requests, canary: tally.canary.requests };
  if (stable + canary === 0) return undefined;
  const share = Math.round((canary / (stable + canary)) * 1_000) / 10;
  return { stable: Math.round((100 - share) * 10) / 10, canary: share, requests: { stable, canary } };
}

/**
 * Block characters: they are shown everywhere, in mail and on terminals too. Anything above nothing is at least one
 * block.
 */
export function bar(percent: number, width: number): string {
  let filled = 0;
  if (percent > 0) filled = Math.min(width, Math.max(1, Math.round((percent / 100) * width)));
  return "█".repeat(filled) + "░".repeat(width - filled);
}

const width = 40;

/**
 * The planned and the counted split of the newest stage, one above the other, as text of a fixed width. Undefined
 * before the first stage.
 */
export function splitBars({ stages }: Account): { readonly stage: number; readonly text: string } | undefined {
  const record = stages.at(-1);
  if (!record) return undefined;
  const lines = [plannedLine(record), observedLine(record), failedLine(record.tally), tookLine(record)].filter(
    (line) => line !== undefined,
  );
  return { stage: record.stage + 1, text: lines.join("\n") };
}

const plannedLine = ({ weight }: StageRecord): string => `planned   ${bar(weight, width)}  ${weight} % canary`;

function observedLine(record: StageRecord): string {
  const observed = observedSplit(record);
  if (!observed) return "observed  no request was counted";
  const { canary, stable } = observed.requests;
  const all = canary + stable;
  return `observed  ${bar(observed.canary, width)}  ${percent(canary / all)} canary: ${count(canary)} of ${count(all)} requests`;
}

function failedLine({ stable, canary, unattributed }: Tally): string | undefined {
  if (stable.requests + canary.requests + unattributed.requests === 0) return undefined;
  const line = `failed    canary ${failures(canary)}, stable ${failures(stable)}`;
  if (unattributed.errors === 0) return line;
  return `${line}, and ${count(unattributed.errors)} that reached no pod`;
}

/** Where evidence judges: it has the histograms. */
function tookLine({ verdicts }: StageRecord): string | undefined {
  for (const { figures } of verdicts) {
    if (figures.of !== "evidence" || !("conclusion" in figures) || !figures.own?.times) continue;
    const { canary, stable } = figures.own.times;
    return `took      canary ${quantilesInWords(canary)}; stable ${quantilesInWords(stable)}`;
  }
  return undefined;
}

function failures({ requests, errors }: Count): string {
  if (requests === 0) return "—";
  return `${count(errors)} of ${count(requests)} (${percent(errors / requests)})`;
}
