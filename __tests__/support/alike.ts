import type { PodSpread } from "../../src/evidence/pod-spread.ts";

/** Ten pods that do not differ. */
export const alike: PodSpread = { pods: 10, errors: 0, slow: [] };
