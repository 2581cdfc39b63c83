import type { Instant } from "../../lib/duration.ts";
import { type Answered, type NoAnswer, samplesOf } from "./answered.ts";
import { instantQuery } from "./instant-query.ts";
import type { CountingProxy, PrometheusOptions } from "./prometheus-options.ts";
import { seriesSelectors } from "./series-selectors.ts";

/** Why each is taken before those after it. */
export const preference: readonly { readonly reporter: CountingProxy; readonly because: string }[] = [
  { reporter: "source", because: "callers alone see the requests that reach no pod" },
  { reporter: "waypoint", because: "no caller's proxy has counted any" },
  {
    reporter: "destination",
    because: "neither a caller's proxy nor a waypoint has counted any; requests that reach no pod may go unseen",
  },
];

/** Whose counters are read, decided once: one release must not compare one proxy's counts with another's. */
export type ProxyChoice = {
  /** Asks when nothing is known yet. As long as nobody has counted anything it is source, and still open. */
  decide(at: Instant, signal: AbortSignal): Promise<CountingProxy | NoAnswer>;
  /** Decides by the reporters of stable's series, unless that is done. */
  learn(found: readonly string[]): CountingProxy;
};

export function chooseProxy(options: PrometheusOptions): ProxyChoice {
  let kept = options.reporter === "auto" ? undefined : options.reporter;
  let asked = false;
  const learn = (found: readonly string[]): CountingProxy => {
    asked = true;
    kept ??= preference.find(({ reporter }) => found.includes(reporter))?.reporter;
    return kept ?? "source";
  };
  return {
    learn,
    async decide(at, signal) {
      // Later polls learn from what they ask anyway.
      if (kept !== undefined || asked) return kept ?? "source";
      const answer = await instantQuery(
        options,
        seriesSelectors(options.target, "source", options).present,
        at,
        signal,
      );
      return "because" in answer ? answer : learn(proxiesIn(answer, options));
    },
  };
}

/** Who has counted requests of stable, by an answer to `present`. */
export const proxiesIn = (
  present: Answered,
  { labels, target }: Pick<PrometheusOptions, "labels" | "target">,
): readonly string[] =>
  samplesOf(present).flatMap((sample) =>
    sample.labels[labels.workload] === target.stable.deployment ? (sample.labels[labels.reporter] ?? []) : [],
  );
