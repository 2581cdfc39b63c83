/** What a command says by itself, besides the accounts of a release. No secret gets through. */
export interface Messages {
  /** For people, to standard output. */
  print(text: string): void;
  /** For a program that asked for JSON, to standard output. */
  answer(value: object): void;
  /** Told at once, once, and kept for the reports. */
  warn(warning: string): void;
  warnings(): readonly string[];
  /** Says in the action's outputs that nothing is left half-way, where no release of this job says it. */
  nothingLeft(): void;
  /** Says in the action's outputs that something is not as it should be. */
  somethingLeft(): void;
}
