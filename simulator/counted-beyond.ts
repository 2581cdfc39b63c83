import { pollsOf } from "../src/evidence/ledger.ts";
import type { ReleaseRecord } from "../src/release/release-record.ts";
import { roles } from "../src/release/target.ts";
import type { SimulatedMesh } from "./mesh.ts";

/**
 * Whatever Prometheus says, and whoever answers for it: nobody has more requests by the journal than he got by then.
 * Undefined where nobody has, or single polls can no longer be read.
 */
export function countedBeyond({ ledger, target }: ReleaseRecord, mesh: SimulatedMesh): string | undefined {
  if (ledger.folded !== undefined) return undefined;
  const polls = pollsOf(ledger);
  for (const role of roles) {
    const { deployment } = target[role];
    const counted = polls.reduce((sum, poll) => sum + poll[role].requests, 0);
    const sent = mesh.sent(deployment);
    if (counted > sent + 1) return `${counted} requests of ${deployment} were counted, and it got ${Math.round(sent)}`;
  }
  return undefined;
}
