import { usualSpread } from "../evidence/pod-spread.ts";
import type { MeasuredDispersion } from "./metrics.ts";

/** Where nobody knows how stable's errors varied. */
export const unmeasured = (because: string): MeasuredDispersion => ({
  phi: 1,
  because: `errors are taken as independent: ${because}`,
  spread: usualSpread,
});
