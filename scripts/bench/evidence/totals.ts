import type { Count } from "../../../src/evidence/tally.ts";
import type { Release } from "./world.ts";

/** What both versions had counted in all before each poll, so that what any window counted is a difference. */
type Totals = { readonly stable: readonly Count[]; readonly canary: readonly Count[] };

type Counted = Readonly<Record<keyof Totals, Count>>;
/** Many judges ask one release, and much the same of it. */
type Answers = { readonly totals: Totals; readonly windows: Map<number, Counted> };

const nothing: Count = { requests: 0, errors: 0, buckets: [] };
const known = new WeakMap<Release, Answers>();

/** What both versions counted in polls `from` to `to`, the last one left out. */
export function between(release: Release, from: number, to: number): Counted {
  const answers = known.get(release) ?? { totals: totalsOf(release), windows: new Map() };
  known.set(release, answers);
  const key = Math.max(0, from) * 1_000 + to;
  const { stable, canary } = answers.totals;
  const of = (all: readonly Count[]): Count => combined(all[to] ?? nothing, all[Math.max(0, from)] ?? nothing, -1);
  const counted = answers.windows.get(key) ?? { stable: of(stable), canary: of(canary) };
  answers.windows.set(key, counted);
  return counted;
}

function totalsOf({ polls }: Release): Totals {
  const of = (version: keyof Totals): readonly Count[] => {
    const all = [nothing];
    for (const poll of polls) all.push(combined(poll[version], all.at(-1) ?? nothing, 1));
    return all;
  };
  return { stable: of("stable"), canary: of("canary") };
}

const combined = (one: Count, other: Count, sign: 1 | -1): Count => ({
  requests: one.requests + sign * other.requests,
  errors: one.errors + sign * other.errors,
  buckets: one.buckets.map(({ le, count }, index) => ({
    le,
    count: count + sign * (other.buckets[index]?.count ?? 0),
  })),
});

export const failureRate = ({ requests, errors }: Count): number => (requests === 0 ? Number.NaN : errors / requests);

/** Prometheus's `histogram_quantile`: linear within a bucket, and the last finite edge beyond it. */
export function quantile(buckets: Count["buckets"], q: number): number {
  const all = buckets.at(-1)?.count ?? 0;
  if (all === 0) return Number.NaN;
  const index = buckets.findIndex(({ count }) => count >= q * all);
  const [above, below] = [buckets[index], buckets[index - 1] ?? { le: 0, count: 0 }];
  if (!above || above.le === Infinity) return buckets.at(-2)?.le ?? Number.NaN;
  return below.le + ((above.le - below.le) * (q * all - below.count)) / (above.count - below.count);
}
