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
  /** Asks as long as nobody has counted anything: it is source until then, and still open. */
  decide(prometheus: PrometheusOptions, at: Instant, signal: AbortSignal): Promise<CountingProxy | NoAnswer>;
  /** Decides by the reporters of stable's series, unless that is done. */
  learn(found: readonly string[]): CountingProxy;
};

export function chooseProxy({ reporter }: Pick<PrometheusOptions, "reporter">): ProxyChoice {
  let kept = reporter === "auto" ? undefined : reporter;
  const learn = (found: readonly string[]): CountingProxy => {
    kept ??= preference.find((each) => found.includes(each.reporter))?.reporter;
    return kept ?? "source";
  };
  return {
    learn,
    async decide(prometheus, at, signal) {
      if (kept !== undefined) return kept;
      const { present } = seriesSelectors(prometheus.target, "source", prometheus);
      const answer = await instantQuery(prometheus, present, at, signal);
      return "because" in answer ? answer : learn(proxiesIn(answer, prometheus));
    },
  };
}

/** Who has counted requests of stable, by an answer to `present`. */
const proxiesIn = (
  present: Answered,
  { labels, target }: Pick<PrometheusOptions, "labels" | "target">,
): readonly string[] =>
  samplesOf(present).flatMap((sample) =>
    sample.labels[labels.workload] === target.stable.deployment ? (sample.labels[labels.reporter] ?? []) : [],
  );
