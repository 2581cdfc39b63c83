import { count, percent } from "../lib/numbers.ts";
import type { StageRecord } from "../release/release-record.ts";

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

/** Of the planned share: what is nearer is as planned, to whoever only looks. */
const worthTelling = 0.1;
/** Beside chance: four standard deviations. */
const beyondChance = 4;

/** Where requests divide otherwise than planned, in a sentence; most often they do not, and nobody has to read it. */
export function splitSentence(record: StageRecord): string | undefined {
  const observed = observedSplit(record);
  // What comes before weights has no planned share of the requests.
  if (!observed || record.weight === 0) return undefined;
  const { canary, stable } = observed.requests;
  const all = canary + stable;
  const planned = record.weight / 100;
  const away = Math.abs(canary / all - planned);
  const chance = Math.sqrt((planned * (1 - planned)) / all);
  if (away <= Math.max(worthTelling * planned, beyondChance * chance)) return undefined;
  return `Stage ${record.stage + 1} was to give the canary ${record.weight}% of the requests; it got ${percent(canary / all)} (${count(canary)} of ${count(all)}).`;
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
