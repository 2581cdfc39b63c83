import { type Result, type Row, tools } from "./measure.ts";
import { scenarios } from "./scenarios.ts";

const percent = (value: number): string => `${(value * 100).toFixed(value > 0 && value < 0.0995 ? 1 : 0)} %`;
const whole = (value: number): string => (value < 100 ? value.toFixed(1) : Math.round(value).toLocaleString("en"));
const time = (seconds: number): string =>
  seconds < 120 ? `${seconds} s` : `${(seconds / 60).toFixed(seconds % 60 === 0 ? 0 : 1)} min`;

/** Rolled back · after (median) · served. */
function cell({ rolledBack, medianSeconds, served }: Result, keep: boolean): string {
  if (keep) return percent(rolledBack);
  return `${percent(rolledBack)} · ${medianSeconds === undefined ? "—" : time(medianSeconds)} · ${whole(served)}`;
}

/** Markdown: false rollbacks first, then what is found, how fast, and at what price. */
export function table(rows: readonly Row[]): string {
  const isKeep = (row: Row): boolean => scenarios.find(({ name }) => name === row.scenario)?.right === "keep";
  const ended = ({ passed, sound, undecided, held }: Result): string =>
    `${percent(passed)} / ${percent(sound)} / ${percent(undecided)}${held > 0 ? ` / held ${percent(held)}` : ""}`;
  const lines = (part: readonly Row[], keep: boolean): readonly string[] =>
    part.map(
      ({ scenario, runs, ours, peers }) =>
        `| ${scenario} | ${runs.toLocaleString("en")} | ${[ours, ...peers].map((result) => cell(result, keep)).join(" | ")} | ${ended(ours)} |`,
    );
  const head = (first: string): readonly string[] => [
    `| ${first} | runs | ${tools.join(" | ")} | ended safe / sound / undecided |`,
    `|${"---|".repeat(tools.length + 3)}`,
  ];
  return [
    "Rolled back although nothing was wrong:",
    "",
    ...head("scenario"),
    ...lines(rows.filter(isKeep), true),
    "",
    "Rolled back · median time until then · bad requests served on average (in scenarios of latency and split: all canary requests):",
    "",
    ...head("scenario"),
    ...lines(
      rows.filter((row) => !isKeep(row)),
      false,
    ),
  ].join("\n");
}
