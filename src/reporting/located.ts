import type { Reporter } from "../ports/reporter.ts";
import type { ClusterName } from "../release/account.ts";

/** A reporter that is told in which cluster a release runs: the release itself need not know. */
export const located = (cluster: ClusterName, reporter: Reporter): Reporter => ({
  report: (account) => reporter.report({ ...account, cluster }),
  flush: (limit) => reporter.flush(limit),
});
