import type { Redaction } from "../lib/redaction.ts";
import type { Reporter } from "../ports/reporter.ts";

/** A reporter that never gets to see a secret. Before anything is rendered: escaping would hide a secret from a search for it. */
export const redacted = (redaction: Redaction, reporter: Reporter): Reporter => ({
  report: (account) => reporter.report(redaction.redactAll(account)),
  flush: (limit) => reporter.flush(limit),
});
