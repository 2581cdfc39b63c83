import { RefusedError, tell } from "../lib/errors.ts";
import { reportPage } from "../words/page/report-page.ts";
import { readPagedReport, reportText } from "./read-report.ts";
import type { Desk, ExitCode } from "./session.ts";

/** Makes a page of a JSON report. */
export async function report(desk: Desk): Promise<ExitCode> {
  const { config, writePage, messages } = desk;
  const path = config.reporting.report;
  const { account, json } = readPagedReport(await reportText(desk), path);
  const page = config.output ?? `${path.replace(/\.(json|html?)$/i, "")}.html`;
  write(page, reportPage(account, json), writePage);
  messages.print(`Wrote ${page}.`);
  return 0;
}

function write(page: string, text: string, writePage: Desk["writePage"]): void {
  try {
    writePage(page, text);
  } catch (cause) {
    throw new RefusedError(`the page cannot be written to ${page}: ${tell(cause)}`, {
      next: "Give a path in a folder that is there, and may be written to: --output PAGE.",
      cause,
    });
  }
}
