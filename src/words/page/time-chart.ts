import { scaleLinear, scaleLog, scaleUtc } from "d3-scale";
import { area, curveLinear, curveStepAfter, line } from "d3-shape";
import type { Instant } from "../../lib/duration.ts";
import { escaped } from "../../lib/html.ts";

/** What stands over one moment. A value that is missing interrupts the line. */
export type ChartPoint = {
  readonly at: Instant;
  readonly value: number | undefined;
  /** Between these the true value lies, as far as is known. */
  readonly band?: { readonly low: number; readonly high: number } | undefined;
};

export type ChartSeries = {
  readonly name: string;
  /** Which of the page's colours and dashes. */
  readonly look: "stable" | "canary" | "plan" | "proof";
  readonly points: readonly ChartPoint[];
  /** A value holds until the next one. */
  readonly steps?: boolean;
  /** Less important than the other one of its look. */
  readonly thin?: boolean;
};

export type TimeChart = {
  readonly title: string;
  /** What there is to see, in a sentence for whoever cannot see it. */
  readonly summary: string;
  readonly from: Instant;
  readonly until: Instant;
  readonly series: readonly ChartSeries[];
  readonly scale: "linear" | "logarithmic";
  /** The values between which the axis goes. */
  readonly values: readonly [low: number, high: number];
  readonly ticks?: readonly number[];
  readonly inWords: (value: number) => string;
  /** What a line is held against. */
  readonly bounds?: readonly { readonly value: number; readonly name: string }[];
  /** Moments with a number, which the page's list of decisions explains. */
  readonly decisions: readonly { readonly at: Instant; readonly number: number }[];
};

const [width, height] = [760, 190];
const frame = { left: 62, right: 730, top: 20, bottom: 162 };

/** Draws a chart as SVG. Colours are the page's, by class. */
export function timeChart(chart: TimeChart): string {
  const x = scaleUtc()
    .domain([chart.from, Math.max(chart.until, chart.from + 1)])
    .range([frame.left, frame.right]);
  const y = valueScale(chart);
  const parts = [
    `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(`${chart.title}. ${chart.summary}`)}">`,
    ...(chart.ticks ?? roundTicks(chart, y.ticks(4))).map((value) => horizontal(y(value), chart.inWords(value))),
    ...x.ticks(6).map((at) => tick(x(at), at)),
    ...apart(chart.decisions.map(({ at, number }) => ({ x: x(at), first: number, last: number }))).map(decision),
    ...(chart.bounds ?? []).map(({ value, name }) => bound(y(value), name)),
    ...chart.series.flatMap((series) => drawn(series, x, y)),
    "</svg>",
  ];
  return parts.join("\n");
}

type Scale = (value: number) => number;

/** Of a logarithmic axis 1, 2 and 5 of each decade: more numbers would stand in each other. */
const roundTicks = ({ scale }: TimeChart, ticks: readonly number[]): readonly number[] =>
  scale === "linear" ? ticks : ticks.filter((tick) => ["1", "2", "5"].includes(tick.toExponential().slice(0, 1)));

/** Decisions that were made within one width of their number stand there as one. */
type DecisionMark = { readonly x: number; readonly first: number; readonly last: number };

function apart(marks: readonly DecisionMark[]): readonly DecisionMark[] {
  const shown: DecisionMark[] = [];
  for (const mark of marks) {
    const before = shown.at(-1);
    if (before === undefined || mark.x - before.x >= widthOfNumber) shown.push(mark);
    else shown[shown.length - 1] = { ...before, last: mark.last };
  }
  return shown;
}

const widthOfNumber = 36;

function valueScale({ scale, values }: TimeChart): Scale & { ticks: (count: number) => number[] } {
  const [low, high] = values;
  const made = scale === "linear" ? scaleLinear() : scaleLog();
  return made
    .domain([low, Math.max(high, low + Number.EPSILON)])
    .range([frame.bottom, frame.top])
    .clamp(true);
}

function drawn({ look, points, steps, thin }: ChartSeries, x: Scale, y: Scale): readonly string[] {
  const curve = steps ? curveStepAfter : curveLinear;
  const path = line<ChartPoint>()
    .defined(({ value }) => value !== undefined)
    .x(({ at }) => x(at))
    .y(({ value }) => y(value ?? 0))
    .curve(curve)
    .digits(1);
  const band = area<ChartPoint>()
    .defined((point) => point.band !== undefined)
    .x(({ at }) => x(at))
    .y0((point) => y(point.band?.low ?? 0))
    .y1((point) => y(point.band?.high ?? 0))
    .digits(1);
  return [
    `<path class="band ${look}" d="${band(points) ?? ""}"/>`,
    `<path class="line ${look}${thin ? " thin" : ""}" d="${path(points) ?? ""}"/>`,
    ...alone(points).map(
      ({ at, value = 0 }) => `<circle class="${look}" cx="${one(x(at))}" cy="${one(y(value))}" r="2"/>`,
    ),
  ];
}

/** Points without a neighbour, which no line shows. */
const alone = (points: readonly ChartPoint[]): readonly ChartPoint[] =>
  points.filter(
    ({ value }, index) =>
      value !== undefined && points[index - 1]?.value === undefined && points[index + 1]?.value === undefined,
  );

const one = (value: number): string => value.toFixed(1);

const horizontal = (y: number, words: string): string =>
  `<path class="grid" d="M${frame.left} ${one(y)}H${frame.right}"/><text class="end" x="${frame.left - 6}" y="${one(y + 4)}">${escaped(words)}</text>`;

const tick = (x: number, at: Date): string =>
  `<path class="grid" d="M${one(x)} ${frame.bottom}v4"/><text class="middle" x="${one(x)}" y="${frame.bottom + 18}">${at.toISOString().slice(11, 19)}</text>`;

function decision({ x, first, last }: DecisionMark): string {
  const numbers = first === last ? String(first) : `${first}–${last}`;
  return `<path class="decision" d="M${one(x)} ${frame.top}V${frame.bottom}"/><text class="middle" x="${one(x)}" y="${frame.top - 6}">${numbers}</text>`;
}

const bound = (y: number, name: string): string =>
  `<path class="bound" d="M${frame.left} ${one(y)}H${frame.right}"/><text class="end" x="${frame.right}" y="${one(y - 4)}">${escaped(name)}</text>`;
