import { renameSync, writeFileSync } from "node:fs";
import type { Reporter } from "../ports/reporter.ts";
import type { Account } from "../release/account.ts";

/** The report for machines: `version` changes when somebody who read the older form could not read it. */
export type Report = { readonly version: 1; readonly account: Account };

/** Writes the JSON report; whoever reads it meanwhile finds the older one whole. */
export function reportFile({ file }: { readonly file: string }): Reporter {
  return {
    report(account) {
      writeFileSync(`${file}.part`, `${JSON.stringify(reportOf(account), undefined, 2)}\n`);
      renameSync(`${file}.part`, file);
    },
    flush: async () => {},
  };
}

/** Of the user's own manifests only what they are: they may hold more than a report should show. */
export function reportOf(account: Account): Report {
  const { source } = account.target;
  if (source.from !== "manifests") return { version: 1, account };
  const objects = source.objects.map(({ apiVersion, kind, metadata }) => ({ apiVersion, kind, metadata: { name: nameOf(metadata) } }));
  return { version: 1, account: { ...account, target: { ...account.target, source: { ...source, objects } } } };
}

const nameOf = (metadata: unknown): unknown => (typeof metadata === "object" && metadata !== null && "name" in metadata ? metadata.name : undefined);
