import { highest, lowest, quantileOf, scalarOf, sum } from "./functions.ts";
import { drop, keep, keyOf, type Labels, type Sample, type Value, vector } from "./value.ts";

/** One value of a group. With a parameter it is the scalar before the vector. */
const ofGroup: Readonly<Record<string, (values: readonly number[], parameter: number) => number>> = {
  sum,
  avg: (values) => sum(values) / values.length,
  min: lowest,
  max: highest,
  count: (values) => values.length,
  group: () => 1,
  quantile: (values, parameter) => quantileOf(parameter, values),
};

/** Some samples of a group, as they are. NaN comes last. */
const fromGroup: Readonly<Record<string, (samples: readonly Sample[], count: number) => readonly Sample[]>> = {
  topk: (samples, count) => ordered(samples, (a, b) => b.value - a.value).slice(0, Math.max(0, Math.trunc(count))),
  bottomk: (samples, count) => ordered(samples, (a, b) => a.value - b.value).slice(0, Math.max(0, Math.trunc(count))),
};

export const aggregations: ReadonlySet<string> = new Set([...Object.keys(ofGroup), ...Object.keys(fromGroup)]);
export const withParameter: ReadonlySet<string> = new Set(["quantile", "topk", "bottomk"]);

type Grouping = { readonly by: boolean; readonly labels: readonly string[] };

export function aggregate(
  op: string,
  samples: readonly Sample[],
  parameter: Value | undefined,
  { by, labels: names }: Grouping,
): Value {
  const groups = new Map<string, { readonly labels: Labels; readonly samples: Sample[] }>();
  for (const sample of samples) {
    const labels = by ? keep(sample.labels, names) : drop(sample.labels, [...names, "__name__"]);
    const group = groups.get(keyOf(labels)) ?? { labels, samples: [] };
    groups.set(keyOf(labels), group);
    group.samples.push(sample);
  }
  const all = [...groups.values()];
  const selecting = fromGroup[op];
  if (selecting) return vector(all.flatMap((group) => selecting(group.samples, scalarOf(parameter))));
  const reducing = ofGroup[op];
  return vector(
    reducing
      ? all.map((group) => ({
          labels: group.labels,
          value: reducing(
            group.samples.map(({ value }) => value),
            scalarOf(parameter),
          ),
        }))
      : [],
  );
}

const ordered = (samples: readonly Sample[], order: (a: Sample, b: Sample) => number): readonly Sample[] =>
  samples.toSorted((a, b) => Number(Number.isNaN(a.value)) - Number(Number.isNaN(b.value)) || order(a, b));
