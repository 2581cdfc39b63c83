import { type Conclusion, isHarmOfOneMinute } from "../evidence/conclusion.ts";
import { formatDuration } from "../lib/duration.ts";
import { count, percent } from "../lib/numbers.ts";
import type { OwnFigures } from "../release/verdict.ts";
import { type BadEnd, share, shownSplit } from "./counts-in-words.ts";

type ShownFigures = { readonly value: string; readonly limit: string };

/**
 * For a table: the figure that decided, or is nearest to deciding, and what it is held against. The stage's own where it
 * is known, as all of its row is.
 */
export function conclusionFigures(conclusion: Conclusion, own?: OwnFigures): ShownFigures {
  const { by, slower, average, split, unanswered, bounds } = conclusion;
  const { errors, requests } = countsOf(conclusion, own);
  const divided = shownSplit(split, own);
  const failing = shareOf(errors.canary, requests.canary, "failed");
  switch (by) {
    case "latency":
      if (average && shows(conclusion)) return averageFigures(average);
      return slower && shows(conclusion) ? slowFigures(slower, own) : endingFigures(conclusion, "errors", own);
    case "split":
    case "lost":
      return {
        value: shareOf(divided.canary, divided.canary + divided.stable, "of requests"),
        limit: `planned ${percent(split.planned / 100)}`,
      };
    case "unanswered":
      return {
        value: `${count(unanswered?.ended ?? 0)} requests ended`,
        limit: `about ${count(unanswered?.expected ?? 0)}`,
      };
    case "breaker":
      return { value: failing, limit: `≤ ${percent(bounds.breaker.floor)}` };
    case "objective":
      return { value: failing, limit: `≤ ${percent(bounds.objective ?? 0)}` };
    case "givenUp":
    case "cutOff":
    case "errors":
      return endingFigures(conclusion, by, own);
  }
}

/** Else too little is known of response times to show any. */
const shows = (conclusion: Conclusion): boolean => conclusion.finding === "harm" || isHarmOfOneMinute(conclusion);

const countsOf = ({ judged, seen }: Conclusion, own: OwnFigures | undefined) => {
  if (own) return own;
  return judged.requests.canary > 0 ? judged : seen;
};

function slowFigures({ than, ...seen }: NonNullable<Conclusion["slower"]>, own: OwnFigures | undefined): ShownFigures {
  const { slow, requests } = own?.slow ?? seen;
  return {
    value: shareOf(slow.canary, requests.canary, `slower than ${formatDuration(than)}`),
    limit: ofStable(slow.stable, requests.stable),
  };
}

const averageFigures = ({ means }: NonNullable<Conclusion["average"]>): ShownFigures => ({
  value: `${formatDuration(Math.round(means.canary))} on average`,
  limit: `stable ${formatDuration(Math.round(means.stable))}`,
});

const how: Readonly<Record<BadEnd, string>> = { errors: "failed", givenUp: "given up", cutOff: "cut off" };

function endingFigures(conclusion: Conclusion, ending: BadEnd, own: OwnFigures | undefined): ShownFigures {
  const { requests, ...ended } = countsOf(conclusion, own);
  const { canary, stable } = ended[ending];
  return { value: shareOf(canary, requests.canary, how[ending]), limit: ofStable(stable, requests.stable) };
}

const shareOf = (bad: number, all: number, what: string): string => (all === 0 ? "—" : `${share(bad, all)} ${what}`);

const ofStable = (bad: number, all: number): string => (all === 0 ? "stable" : `stable ${share(bad, all)}`);
