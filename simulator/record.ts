/** A fault that the simulator, or the method before it, found in Istio Canary. */
export type FoundFault = {
  readonly what: string;
  /** The seed that shows it where its mend is taken back. Undefined: the simulator has not played it. */
  readonly seed: number | undefined;
  /** The commit that mended it. */
  readonly mended: string | undefined;
};

/** Seeds are those of the version that has this file: another draw may make another story of them. */
export const foundFaults: readonly FoundFault[] = [];
