import type { Redaction } from "../lib/redaction.ts";
import type { Reporter } from "../ports/reporter.ts";

/**
 * A reporter that never gets to see a secret. Before anything is rendered: escaping would hide a secret from a search
 * for it. The ledger is numbers alone, thousands of lines of them, in which a short secret would be found by chance.
 */
export const redacted = (redaction: Redaction, reporter: Reporter): Reporter => ({
  report: ({ ledger, ...told }) => reporter.report({ ...redaction.redactAll(told), ledger }),
  flush: (limit) => reporter.flush(limit),
});
