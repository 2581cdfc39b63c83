import type { Redaction } from "../lib/redaction.ts";

/** What should not stop a release and should be known. */
export type Warnings = {
  /** Tells a warning at once, once, and keeps it for the reports. */
  readonly warn: (warning: string) => void;
  readonly all: () => readonly string[];
};

/** `tell` gets each warning without the secrets in it; what is kept is redacted with the report that has it. */
export function createWarnings({ redact }: Pick<Redaction, "redact">, tell: (warning: string) => void): Warnings {
  const known = new Set<string>();
  return {
    warn(warning) {
      if (known.has(warning)) return;
      known.add(warning);
      tell(redact(warning));
    },
    all: () => [...known],
  };
}
