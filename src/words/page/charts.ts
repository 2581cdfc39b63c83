import { quantileOf } from "../../evidence/quantile.ts";
import { wilson } from "../../evidence/wilson.ts";
import { count, percent, percentWord } from "../../lib/numbers.ts";
import type { Role } from "../../release/target.ts";
import { failedOf } from "../counts-in-words.ts";
import { millis } from "../times-in-words.ts";
import { type ChartMoment, totalOf } from "./chart-moments.ts";
import type { PagedReport } from "./paged-report.ts";
import type { ChartPoint, ChartSeries, TimeChart } from "./time-chart.ts";

const versions = ["stable", "canary"] as const satisfies readonly Role[];

/** The charts of the page, over one axis of time. */
export function chartsOf(report: PagedReport, moments: readonly ChartMoment[]): readonly TimeChart[] {
  const axis: Axis = {
    from: report.startedAt,
    until: report.now,
    decisions: report.log.map(({ at }, index) => ({ at, number: index + 1 })),
  };
  return [
    traffic(report, moments, axis),
    failures(moments, axis),
    ...responseTimes(moments, axis),
    proofs(report, moments, axis),
  ];
}

type Axis = Pick<TimeChart, "from" | "until" | "decisions">;

function traffic(report: PagedReport, moments: readonly ChartMoment[], axis: Axis): TimeChart {
  const observed = moments.map(({ at, stable, canary }) => {
    const all = stable.requests + canary.requests;
    return { at, value: all === 0 ? undefined : canary.requests / all, band: wilson(canary.requests, all) };
  });
  return {
    ...axis,
    title: "The canary's share of requests",
    summary: `Planned were ${report.stages.map(({ weight }) => `${weight}%`).join(", ") || "no stages"}.`,
    scale: "linear",
    values: [0, 1],
    ticks: [0, 0.25, 0.5, 0.75, 1],
    inWords: percentWord,
    series: [
      { name: "planned", look: "plan", points: plannedShares(report), steps: true },
      { name: "counted", look: "canary", points: observed },
    ],
  };
}

/** The last weight was written with the last decision of that kind: an update gives its traffic back late. */
function plannedShares({ stages, weight, startedAt, now, log }: PagedReport): readonly ChartPoint[] {
  const points = [
    { at: startedAt, value: 0 },
    ...stages.map(({ since, weight }) => ({ at: since, value: weight / 100 })),
  ];
  const last = stages.at(-1);
  const [first, ...others] = log.filter(({ at, do: done }) => writes.includes(done) && at >= (last?.until ?? Infinity));
  if (first !== undefined && others.length > 0) points.push({ at: first.at, value: 1 }); // all traffic, for an update
  const written = log.findLast((entry) => writes.includes(entry.do))?.at ?? now;
  return [
    ...points,
    { at: last?.weight === weight ? now : written, value: weight / 100 },
    { at: now, value: weight / 100 },
  ];
}

/** What writes weights. */
const writes: readonly string[] = ["route", "finish"];

function failures(moments: readonly ChartMoment[], axis: Axis): TimeChart {
  const series = versions.map((version) => ({
    name: version,
    look: version,
    points: moments.map((moment) => failed(moment, version)),
  }));
  const most = Math.max(0.01, ...valuesOf(series).map((value) => value * 1.2));
  return {
    ...axis,
    title: "Requests that failed",
    summary: versions.map((version) => `${version}: ${failedOf(totalOf(moments, version))} failed.`).join(" "),
    scale: "linear",
    values: [0, Math.min(1, most)],
    inWords: percent,
    series,
  };
}

function failed(moment: ChartMoment, version: Role): ChartPoint {
  const { requests, errors } = moment[version];
  return { at: moment.at, value: requests === 0 ? undefined : errors / requests, band: wilson(errors, requests) };
}

const quantiles = [0.5, 0.99] as const;

/** None where nobody counted them. */
function responseTimes(moments: readonly ChartMoment[], axis: Axis): readonly TimeChart[] {
  const series = versions.flatMap((version) =>
    quantiles.map((quantile) => ({
      name: `${version} p${quantile * 100}`,
      look: version,
      thin: quantile !== 0.99,
      points: moments.map((moment) => ({
        at: moment.at,
        value: finite(quantileOf(moment[version].buckets, quantile)),
      })),
    })),
  );
  const values = valuesOf(series);
  if (values.length === 0) return [];
  return [
    {
      ...axis,
      title: "Response times",
      summary: `At most this, by the edges of the histogram: half of the requests (p50), and 99 of 100 (p99).`,
      scale: "logarithmic",
      values: [Math.min(...values) / 2, Math.max(...values) * 2],
      inWords: millis,
      series,
    },
  ];
}

/** Slower than the last edge: nobody knows how slow. */
const finite = (edge: number | undefined): number | undefined => (edge === Infinity ? undefined : edge);

/** E-values are shown as powers of ten between these. */
const [least, most] = [-3, 7];

function proofs({ plan }: PagedReport, moments: readonly ChartMoment[], axis: Axis): TimeChart {
  const { alpha, beta, breaker } = plan.evidence.settings;
  const of = (name: string, look: ChartSeries["look"], value: (moment: ChartMoment) => number): ChartSeries => ({
    name,
    look,
    points: moments.map((moment) => ({ at: moment.at, value: Math.max(least, value(moment) / Math.LN10) })),
  });
  return {
    ...axis,
    title: "What is proven, as e-values",
    summary: "A line that reaches its bound is proof; chance alone brings it there less than once in so many releases.",
    scale: "linear",
    values: [least, most],
    ticks: [-3, 0, 3, 6],
    inWords: powerInWords,
    bounds: boundsOf([
      { alpha, name: "worse than stable" },
      { alpha: beta, name: "not broken" },
      { alpha: breaker.alpha, name: "broken" },
    ]),
    series: [
      of("worse than stable", "canary", ({ proven }) => proven.harm),
      of("not broken", "stable", ({ proven }) => proven.sound),
      of("broken", "proof", ({ proven }) => Math.max(proven.breaker, proven.deserted)),
    ],
  };
}

/** Those of the same height stand on one line. */
function boundsOf(
  proofs: readonly { readonly alpha: number; readonly name: string }[],
): NonNullable<TimeChart["bounds"]> {
  return [...Map.groupBy(proofs, ({ alpha }) => alpha)].map(([alpha, same]) => {
    const needed = count(Math.round(1 / alpha));
    return { value: -Math.log10(alpha), name: `${needed} is proof: ${same.map(({ name }) => name).join(", ")}` };
  });
}

const powerInWords = (power: number): string => (power < 0 ? `1/${count(10 ** -power)}` : count(10 ** power));

const valuesOf = (series: readonly Pick<ChartSeries, "points">[]): readonly number[] =>
  series.flatMap(({ points }) => points.flatMap(({ value }) => (value === undefined ? [] : [value])));
