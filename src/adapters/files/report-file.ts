import { renameSync, rmSync, writeFileSync } from "node:fs";
import { extname } from "node:path";
import type { Instant } from "../../lib/duration.ts";
import type { Reporter } from "../../ports/reporter.ts";
import { type Account, judgements } from "../../release/account.ts";
import { accountInWords } from "../../words/in-words.ts";
import { reportPages } from "../../words/page/report-page.ts";

/** The report for machines: `version` changes when somebody who read the older form could not read it. */
export type Report = { readonly version: 1; readonly account: ReturnType<typeof accountInWords> };

/** Between two writes while nothing changes but counts: the ledger is written as a whole each time, and grows. */
const quietTime = 10_000;

/** Whether a report at this path is a page with the JSON in it. */
export const isPage = (file: string): boolean => [".html", ".htm"].includes(extname(file).toLowerCase());

/** Writes the report as JSON, or as a page where the file's name asks for one. A ledger's polls stand on a line each. */
export function reportFile({ file }: { readonly file: string }): Reporter {
  let written: { readonly gist: string; readonly at: Instant } | undefined;
  let unwritten: Account | undefined;
  const page = reportPages();

  function write(account: Account): void {
    const report = reportOf(account);
    writeWhole(file, isPage(file) ? page(report.account, report) : `${JSON.stringify(report, undefined, 2)}\n`);
    written = { gist: gist(account), at: account.now };
    unwritten = undefined;
  }

  return {
    report(account) {
      unwritten = account;
      if (written === undefined || written.gist !== gist(account) || account.now - written.at >= quietTime)
        write(account);
    },
    async flush() {
      if (unwritten) write(unwritten);
    },
  };
}

/** Whoever reads the file meanwhile finds the older one whole. */
export function writeWhole(file: string, text: string): void {
  const part = `${file}.part`;
  rmSync(part, { force: true }); // left by a job that died, or a link that somebody put there to have its target written
  writeFileSync(part, text, { flag: "wx" });
  renameSync(part, file);
}

/** What is worth a write at once: where the release is, and what gates say of it. */
const gist = (account: Account): string =>
  JSON.stringify([account.startedAt, account.state, account.settled, judgements(account)]);

/** Of the user's own manifests only what they are: they may hold more than a report should show. */
export function reportOf({ logs: _, ...account }: Account): Report {
  const { source } = account.target; // the canary's logs lie beside it
  if (source.from !== "manifests") return { version: 1, account: accountInWords(account) };
  const objects = source.objects.map(({ apiVersion, kind, metadata }) => ({
    apiVersion,
    kind,
    metadata: { name: nameOf(metadata) },
  }));
  const target = { ...account.target, source: { ...source, objects } };
  return { version: 1, account: accountInWords({ ...account, target }) };
}

const nameOf = (metadata: unknown): unknown =>
  typeof metadata === "object" && metadata !== null && "name" in metadata ? metadata.name : undefined;
