/** The last lines of one container of the canary's, read before its pod went. */
export type KeptLog = {
  readonly pod: string;
  readonly container: string;
  /** Of its run before the last restart. */
  readonly previous: boolean;
  readonly lines: readonly string[];
};

/** What the canary's pods said in the time that decided. */
export type KeptLogs = {
  /** Those first that are in trouble. */
  readonly logs: readonly KeptLog[];
  /** Pods whose logs are not kept, because others are enough. */
  readonly left: number;
  /** Where they lie as files; missing where none is written. */
  readonly folder?: string | undefined;
  /** Pods of which something could not be written there. */
  readonly unwritten?: number;
  /** Why some could not be read. */
  readonly because?: string | undefined;
};
