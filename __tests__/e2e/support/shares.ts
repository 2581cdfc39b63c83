import assert from "node:assert/strict";
import type { Counts } from "./traffic.ts";

/**
 * Every answer was good, and every version has its share of them, within what chance allows: five standard deviations of a
 * binomial share leave one false alarm in a million runs. A share of 0 or 1 is exact.
 */
export function assertShares(
  { total, byStatus, byVersion, badSamples }: Counts,
  shares: Readonly<Record<string, number>>,
): void {
  assert.deepEqual(byStatus, { "200": total }, badSamples.join("\n"));
  for (const version of Object.keys({ ...byVersion, ...shares })) {
    const [count, share] = [byVersion[version] ?? 0, shares[version] ?? 0];
    const allowed = 5 * Math.sqrt(total * share * (1 - share));
    assert.ok(
      Math.abs(count - total * share) <= allowed,
      `${version} gave ${count} of ${total} answers, and ${share} of them were to be its share`,
    );
  }
}
