/** What a canary can be worse in. They share α. `givenUp`: callers leave it. `cutOff`: resets and time-outs. */
export const allMetrics = ["errors", "latency", "givenUp", "cutOff", "objective"] as const;
export type Metric = (typeof allMetrics)[number];

export type ByMetric<Value> = { readonly [metric in Metric]: Value };

export const byMetric = <Value>(of: (metric: Metric) => Value): ByMetric<Value> => ({
  errors: of("errors"),
  latency: of("latency"),
  givenUp: of("givenUp"),
  cutOff: of("cutOff"),
  objective: of("objective"),
});
