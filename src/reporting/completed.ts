import type { Reporter } from "../ports/reporter.ts";
import type { Account } from "../release/account.ts";

/** A reporter that is told more of a release than the release itself knows: in which cluster it runs, and its logs. */
export const completed = (more: (account: Account) => Partial<Account>, reporter: Reporter): Reporter => ({
  report: (account) => reporter.report({ ...account, ...more(account) }),
  flush: (limit) => reporter.flush(limit),
});
