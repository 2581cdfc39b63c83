import type { Censor } from "./censor.ts";

/** What should not stop a release and should be known. */
export type Warnings = {
  /** Tells a warning at once, once, and keeps it for the reports. */
  readonly warn: (warning: string) => void;
  readonly all: () => readonly string[];
};

/** `tell` gets each warning through the censor; what is kept goes there with the report that has it. */
export function createWarnings({ text }: Pick<Censor, "text">, tell: (warning: string) => void): Warnings {
  const known = new Set<string>();
  return {
    warn(warning) {
      if (known.has(warning)) return;
      known.add(warning);
      tell(text(warning));
    },
    all: () => [...known],
  };
}
