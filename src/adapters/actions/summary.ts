import { writeFileSync } from "node:fs";
import type { Reporter } from "../../ports/reporter.ts";
import type { Links } from "../../words/links.ts";
import { renderReport } from "../../words/report.ts";

/** The job summary. The step's file is written anew each time, so a job that is killed leaves the newest picture. GitHub drops one of more than 1 MiB whole; a report has at most 65,536 characters. */
export function summary({ file, links }: { readonly file: string; readonly links: Links }): Reporter {
  return { report: (account) => writeFileSync(file, `${renderReport(account, links)}\n`), flush: async () => {} };
}
