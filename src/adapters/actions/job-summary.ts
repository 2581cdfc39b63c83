import { summary } from "@actions/core";
import type { Reporter } from "../../ports/reporter.ts";
import type { Account } from "../../release/account.ts";
import type { Links } from "../../words/links.ts";
import { renderReport } from "../../words/report.ts";

/**
 * The job summary, GITHUB_STEP_SUMMARY. The step's file is written anew each time, so a job that is killed leaves the
 * newest picture. GitHub drops one of more than 1 MiB whole; a report has at most 65,536 characters.
 */
export function jobSummary(links: Links): Reporter {
  let newest: Account | undefined;
  let written: Promise<void> = Promise.resolve();

  async function write(): Promise<void> {
    const account = newest;
    newest = undefined;
    if (account) await summary.emptyBuffer().addRaw(renderReport(account, links), true).write({ overwrite: true });
  }

  return {
    report(account) {
      newest = account;
      written = written.catch(() => undefined).then(write); // one at a time, and of those that wait the newest alone
      written.catch(() => undefined); // told by whoever flushes
    },
    flush: () => written,
  };
}
