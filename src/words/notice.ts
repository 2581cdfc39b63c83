import type { Instant } from "../lib/duration.ts";
import { plain } from "../lib/markdown.ts";
import type { ClusterName } from "../release/account.ts";
import type { Run } from "../release/release-record.ts";
import type { Target } from "../release/target.ts";
import { runLink } from "./links.ts";
import { logList } from "./log-list.ts";
import { planReport } from "./plan-report.ts";
import type { PlannedRelease } from "./plan-text.ts";
import { subjectHeading, versionOf } from "./subject-heading.ts";
import { timeOf } from "./timestamp.ts";

/** What is told of a command that began no release: what it would do, or why it was refused. */
export type Notice = {
  readonly subject: Pick<Target, "namespace" | "service">;
  readonly cluster: ClusterName;
  readonly run: Run;
  /** When the command began to look. */
  readonly at: Instant;
  /** What the journal says of a release that has not ended; missing where there is no journal to read. */
  readonly journal?: { readonly open: Instant | undefined } | undefined;
} & (
  | { readonly kind: "planned"; readonly planned: PlannedRelease }
  | {
      readonly kind: "refused";
      readonly command: string;
      readonly image?: string | undefined;
      readonly lines: readonly string[];
    }
);

/** As Markdown, for a comment. */
export function noticeReport(notice: Notice): string {
  const body = notice.kind === "planned" ? planReport(notice.planned) : refusalReport(notice);
  return [...body, footOf(notice)].join("\n\n");
}

type RefusedNotice = Extract<Notice, { readonly kind: "refused" }>;

/** What kept a release from beginning, a line each. */
function refusalReport({ subject, command, image, lines }: RefusedNotice): readonly string[] {
  const said = lines.filter((line) => line.trim() !== "");
  const list = said.length > 1 && said[0]?.endsWith(":") ? said.slice(1) : said; // its heading says what ours does
  return [
    `${subjectHeading("❌", subject, versionOf(image))}: ${plain(command)} refused, and nothing was changed`,
    logList(list, { most: 50, longest: 600 }).join("\n"),
  ];
}

function footOf({ cluster, run, at }: Notice): string {
  const where = cluster.host === "" ? `files of ${cluster.context}` : `cluster ${cluster.context}`;
  return `${runLink(run)}, ${plain(where)}, as of ${timeOf(at)} UTC.`;
}
