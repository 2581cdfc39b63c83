import type { Role } from "../release/target.ts";

/**
 * Whoever reaches the pods of one version alone and does not move with the release: rules of any protocol, mirrors,
 * Services. When those pods go, nobody answers them any more.
 */
export interface Bystanders {
  /**
   * Those who would be left without this version's pods, in words. What may not be read is passed over: the preflight
   * has said so. Rejects when the cluster does not answer.
   */
  strandedWithout(version: Role): Promise<readonly string[]>;
}
