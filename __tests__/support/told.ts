import type { Reason } from "../../src/release/reason.ts";

/** A reason in words of somebody else's, for tests to which the words are what counts. */
export const told = (words: string): Reason => ({ kind: "cancelled", words });
