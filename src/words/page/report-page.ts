import { formatDuration } from "../../lib/duration.ts";
import { escaped, jsonInHtml } from "../../lib/html.ts";
import { count, percent } from "../../lib/numbers.ts";
import { keepHistory, type LedgerHistory } from "../../rehearsal/ledger-history.ts";
import { failedOf } from "../counts-in-words.ts";
import { lasted, verdictMarks } from "../stage-table.ts";
import { dateOf, timeOf } from "../timestamp.ts";
import { type ChartMoment, chartMoments, totalOf } from "./chart-moments.ts";
import { chartsOf } from "./charts.ts";
import type { PagedReport } from "./paged-report.ts";
import { style } from "./style.ts";
import { type TimeChart, timeChart } from "./time-chart.ts";

/** The element of the page that holds the JSON report, for programs that read it again. */
export const reportElement = "report";

/**
 * A release as one HTML file that needs nothing else: no script runs, nothing is loaded. `json` is the report that it
 * shows, whole.
 */
export const reportPage = (report: PagedReport, json: unknown): string => reportPages()(report, json);

/** The same for a release that goes on: what was drawn before is not thought through again. */
export function reportPages(): typeof reportPage {
  const history = keepHistory();
  return (report, json) => page(report, json, history);
}

function page(report: PagedReport, json: unknown, history: LedgerHistory): string {
  const moments = chartMoments(report, history);
  const title = `${report.target.namespace}/${report.target.service}: ${report.headline.words}`;
  return `${[
    "<!doctype html>",
    '<html lang="en">',
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    // Nothing may be loaded or run, whatever a name or a message contains.
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`,
    `<title>${escaped(title)}</title>`,
    `<style>${style}</style>`,
    "<main>",
    ...head(report, title),
    ...figures(report, moments),
    ...stageTable(report),
    ...chartsOf(report, moments).flatMap(figure),
    ...foldedPolls(report),
    ...decisions(report),
    ...planned(report),
    ...counted(moments),
    "</main>",
    `<script type="application/json" id="${reportElement}">${jsonInHtml(json)}</script>`,
    "</html>",
  ].join("\n")}\n`;
}

function head(report: PagedReport, title: string): readonly string[] {
  const { target, cluster, run, headline, differences = [] } = report;
  const facts = [
    `stable <code>${escaped(target.stable.deployment)}</code>`,
    `canary <code>${escaped(target.canary.deployment)}</code>`,
  ];
  if (target.image !== undefined) facts.push(`image <code>${escaped(target.image)}</code>`);
  if (cluster !== undefined) facts.push(`cluster <code>${escaped(`${cluster.context} (${cluster.host})`)}</code>`);
  facts.push(runOf(run));
  return [
    `<h1>${headline.mark} ${escaped(title)}</h1>`,
    `<p>${facts.join(" · ")}</p>`,
    `<p class="reason">${escaped(report.because)}</p>`,
    `<p>From ${dateOf(report.startedAt)}, ${formatDuration(report.now - report.startedAt)}.</p>`,
    ...list("Not as it should be", differences),
    ...list("Noticed on the way", report.warnings),
  ];
}

function runOf({ id, url, actor }: PagedReport["run"]): string {
  const by = actor === undefined ? "" : ` by ${escaped(actor)}`;
  if (url === undefined || !/^https?:\/\//.test(url)) return `run ${escaped(id)}${by}`;
  return `<a href="${escaped(url)}">run ${escaped(id)}</a>${by}`;
}

const list = (title: string, items: readonly string[]): readonly string[] =>
  items.length === 0 ? [] : [`<h2>${title}</h2>`, "<ul>", ...items.map((item) => `<li>${escaped(item)}`), "</ul>"];

/** What users felt. */
function figures({ stages }: PagedReport, moments: readonly ChartMoment[]): readonly string[] {
  const [canary, stable] = [totalOf(moments, "canary"), totalOf(moments, "stable")];
  const { requests, errors } = canary;
  const cells = [
    [count(requests), "requests to the canary in its stages"],
    [count(errors), `of them failed${requests === 0 ? "" : ` (${percent(errors / requests)})`}`],
  ];
  if (stable.requests > 0 && requests > 0) {
    const expected = (requests * stable.errors) / stable.requests;
    cells.push([count(Math.max(0, Math.round(errors - expected))), "more than stable would have failed"]);
  }
  cells.push([`${Math.max(0, ...stages.map(({ weight }) => weight))}%`, "largest share of requests"]);
  return [
    '<dl class="figures">',
    ...cells.map(([value, what]) => `<div><dt>${what}</dt><dd>${value}</dd></div>`),
    "</dl>",
  ];
}

/** A report from outside may have a kind that nobody knows. */
const marks: Readonly<Record<string, string>> = verdictMarks;

function stageTable(report: PagedReport): readonly string[] {
  return [
    "<h2>Stages</h2>",
    "<table>",
    "<thead><tr><th>Stage</th><th>Lasted</th><th>Canary failed</th><th>Stable failed</th></tr></thead>",
    `<tbody>${report.plan.stages.flatMap((_, index) => stageRows(report, index)).join("\n")}</tbody>`,
    "</table>",
  ];
}

/** What its gates said stands below a stage: beside it there is no room on a phone. */
function stageRows({ plan, stages, now }: PagedReport, index: number): readonly string[] {
  const stage = plan.stages[index] ?? { weight: 0, wait: 0 };
  const record = stages.findLast((entered) => entered.stage === index);
  const name = `<th scope="row">${index + 1} · ${stage.weight}%</th>`;
  if (record === undefined) return [`<tr>${name}<td colspan="3">not reached</td></tr>`];
  const { stable, canary } = record.tally;
  const verdicts = record.verdicts.map(({ kind, because }) => `<li>${marks[kind] ?? ""} ${escaped(because)}`);
  return [
    `<tr>${name}<td>${lasted(stage, record, now)}</td><td>${failedOf(canary)}</td><td>${failedOf(stable)}</td></tr>`,
    `<tr class="gates"><td colspan="4"><ul>${verdicts.join("")}</ul></td></tr>`,
  ];
}

function figure(chart: TimeChart): readonly string[] {
  const keys = chart.series.map(
    ({ name, look, thin }) =>
      `<span class="key"><svg viewBox="0 0 28 8" aria-hidden="true"><path class="line ${look}${thin ? " thin" : ""}" d="M0 4H28"/></svg>${escaped(name)}</span>`,
  );
  return [
    "<figure>",
    `<figcaption><b>${escaped(chart.title)}</b> ${keys.join(" ")}</figcaption>`,
    timeChart(chart),
    "</figure>",
  ];
}

const foldedPolls = ({ ledger }: PagedReport): readonly string[] =>
  ledger.folded === undefined
    ? []
    : [
        `<p>The first ${count(ledger.folded.polls)} looks are kept as what they prove, and have no points in the charts.</p>`,
      ];

function decisions({ log }: PagedReport): readonly string[] {
  const times = (often = 1): string => (often === 1 ? "" : ` (${count(often)} times)`);
  const items = log.map(
    ({ at, because, times: often }) => `<li><time>${timeOf(at)}</time> ${escaped(because)}${times(often)}`,
  );
  return ["<h2>What was decided (UTC)</h2>", '<ol class="decisions">', ...items, "</ol>"];
}

function planned({ plan }: PagedReport): readonly string[] {
  const lines = plan.stages.map(({ weight, wait, deadline, approval, gates }, index) => {
    const names = gates.map(({ name }) => escaped(name)).join(", ") || "no gates";
    const asks = approval ? ", then an approval" : "";
    return `<li>Stage ${index + 1}: ${weight}% for ${formatDuration(wait)}, at most ${formatDuration(deadline)}; ${names}${asks}`;
  });
  const { promotion, drift, pollEvery, drain, deadline } = plan;
  return [
    "<details><summary>The plan</summary>",
    "<ul>",
    ...lines,
    `<li>Promotion by ${escaped(promotion)}; a look every ${formatDuration(pollEvery)}; drain ${formatDuration(drain)}; at most ${formatDuration(deadline)} in all; weights that somebody else changes: ${escaped(drift)}`,
    "</ul>",
    "</details>",
  ];
}

/** The charts' numbers, for those who cannot see them. */
function counted(moments: readonly ChartMoment[]): readonly string[] {
  const rows = moments.map(
    ({ at, weight, stable, canary }) =>
      `<tr><th scope="row">${timeOf(at)}</th><td>${weight}%</td><td>${failedOf(canary)}</td><td>${failedOf(stable)}</td></tr>`,
  );
  return [
    "<details><summary>What was counted, in numbers</summary>",
    '<div class="scroll"><table>',
    "<thead><tr><th>Until (UTC)</th><th>Weight</th><th>Canary failed</th><th>Stable failed</th></tr></thead>",
    `<tbody>${rows.join("\n")}</tbody>`,
    "</table></div>",
    "</details>",
  ];
}
