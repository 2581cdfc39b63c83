import type { Plan } from "../release/plan.ts";
import type { Metrics } from "./metrics.ts";

/** Requests are counted by one source, and another one, which has a history, answers every other question. */
export const countedBy = (counting: Metrics, other: Metrics): Metrics => ({
  ...other,
  watch(plan) {
    const counts = counting.watch(plan);
    const answers = other.watch(plan);
    return { look: counts.look, query: answers.query };
  },
  async inspect(plan, at, signal) {
    const [ofCounts, ofQueries] = await Promise.all([
      counting.inspect(
        withGates(plan, (kind) => kind !== "query"),
        at,
        signal,
      ),
      other.inspect(
        withGates(plan, (kind) => kind === "query"),
        at,
        signal,
      ),
    ]);
    return [...ofCounts, ...ofQueries];
  },
});

const withGates = (plan: Plan, so: (kind: Plan["stages"][number]["gates"][number]["kind"]) => boolean): Plan => ({
  ...plan,
  stages: plan.stages.map((stage) => ({ ...stage, gates: stage.gates.filter(({ kind }) => so(kind)) })),
});
