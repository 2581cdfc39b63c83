import { defaults } from "../../../src/evidence/defaults.ts";
import type { Result, Row } from "./measure.ts";
import { scenarios } from "./scenarios.ts";
import type { Tuned } from "./tuned.ts";

const percent = (value: number): string => `${(value * 100).toFixed(value > 0 && value < 0.0995 ? 1 : 0)}%`;
const whole = (value: number): string => (value < 100 ? value.toFixed(1) : Math.round(value).toLocaleString("en"));
const time = (seconds: number): string =>
  seconds < 120 ? `${seconds}s` : `${(seconds / 60).toFixed(seconds % 60 === 0 ? 0 : 1)} min`;

/** Rolled back · after (median) · served. */
function cell({ rolledBack, medianSeconds, served }: Result, keep: boolean): string {
  if (keep) return percent(rolledBack);
  return `${percent(rolledBack)} · ${medianSeconds === undefined ? "—" : time(medianSeconds)} · ${whole(served)}`;
}

const ended = ({ passed, sound, undecided, held }: Result): string =>
  `${percent(passed)} / ${percent(sound)} / ${percent(undecided)}${held > 0 ? ` / held ${percent(held)}` : ""}`;

const scenarioOf = (row: Row) => scenarios.find(({ name }) => name === row.scenario);
const isKeep = (row: Row): boolean => scenarioOf(row)?.right === "keep";

function lines(rows: readonly Row[], last: string, lastCell: (row: Row) => string): readonly string[] {
  const tools = [rows[0]?.ours, ...(rows[0]?.peers ?? [])].map((result) => result?.tool ?? "");
  return [
    `| scenario | runs | ${tools.join(" | ")} | ${last} |`,
    `|${"---|".repeat(tools.length + 3)}`,
    ...rows.map((row) => {
      const cells = [row.ours, ...row.peers].map((result) => cell(result, isKeep(row)));
      return `| ${row.scenario} | ${row.runs.toLocaleString("en")} | ${cells.join(" | ")} | ${lastCell(row)} |`;
    }),
  ];
}

/** Two are even when they are closer than this. */
const even = 1.05;

/** The rules of thumb are no tools, and one of ours without its warm-up is none that anybody gets. */
const rivals = ({ ours, peers }: Row): readonly Result[] => [
  ours,
  ...peers.filter(({ tool }) => ["Flagger", "Argo", "Kayenta-style"].includes(tool)),
];

/** Who served the fewest bad requests, of those that keep a healthy canary of this service on a quiet day. */
function winner(row: Row, rows: readonly Row[]): string {
  if (scenarioOf(row)?.right === "hold") return `ours held ${percent(row.ours.held)}`;
  if (scenarioOf(row)?.right !== "roll back") return "";
  const { name } = scenarios.find(({ service }) => service === scenarioOf(row)?.service) ?? {};
  const quiet = rows.find(({ scenario }) => scenario === name);
  const allowed = rivals(row).filter(({ tool }) => {
    const own = quiet && rivals(quiet).find((result) => result.tool === tool);
    return own !== undefined && own.rolledBack <= defaults.alpha;
  });
  const fewest = Math.min(...allowed.map(({ served }) => served));
  return allowed
    .filter(({ served }) => served <= even * fewest)
    .map(({ tool }) => tool)
    .join(", ");
}

/** Markdown: false rollbacks first, then what is found, how fast, at what price, and by whom best. */
export function table(rows: readonly Row[]): string {
  return [
    "Rolled back although nothing was wrong:",
    "",
    ...lines(rows.filter(isKeep), "ours ended safe / sound / undecided", ({ ours }) => ended(ours)),
    "",
    "Rolled back · median time until then · bad requests served on average (for response times: all canary requests; for the split: failed ones). *Fewest*: who served the fewest bad requests, of those that roll at most 5% of this service's healthy releases back:",
    "",
    ...lines(
      rows.filter((row) => !isKeep(row)),
      "fewest",
      (row) => winner(row, rows),
    ),
  ].join("\n");
}

/** What each peer was set to for each service. */
export function settingsTable(all: readonly Tuned[]): string {
  const services = [...new Set(all.map(({ service }) => service))];
  const tools = [...new Set(all.map(({ tool }) => tool))];
  const of = (service: string, tool: string): string => {
    const found = all.find((one) => one.service === service && one.tool === tool);
    return found ? `${found.said} (${percent(found.blamed)})` : "";
  };
  return [
    `| service | ${tools.join(" | ")} |`,
    `|${"---|".repeat(tools.length + 1)}`,
    ...services.map((service) => `| ${service} | ${tools.map((tool) => of(service, tool)).join(" | ")} |`),
  ].join("\n");
}
