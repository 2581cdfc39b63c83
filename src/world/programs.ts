/** A program to be run, without a shell. */
export type Program = {
  readonly command: readonly [string, ...string[]];
  /** Added to the environment of the job. */
  readonly env: Readonly<Record<string, string>>;
  /** Of what it prints, this much is kept of its end. */
  readonly mostOutput: number;
};

export type ProgramEnd = {
  readonly how: { readonly kind: "exit"; readonly code: number } | { readonly kind: "signal"; readonly signal: string };
  /** The end of what it wrote on standard output. */
  readonly stdout: string;
  /** The end of all that it wrote. */
  readonly output: string;
};

export type RunningProgram = {
  /** Resolves when nothing of its process group runs any more. Rejects with the system's error when it could not be started. */
  readonly ended: Promise<ProgramEnd>;
  /**
   * Ends its process group: it, and what it began that did not leave the group. First it is asked to, and a moment later
   * it is made to.
   */
  stop(): void;
};

/**
 * Runs programs. When the process ends, so do their process groups; who left his (a daemon) is not found, and a process
 * that is killed with -9 ends nobody.
 */
export interface Programs {
  /** Never throws. */
  start(program: Program): RunningProgram;
}
