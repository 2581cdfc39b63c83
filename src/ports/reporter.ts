import type { Account } from "../release/account.ts";

/** Tells people. Never rejects, never waits for the network in `report`, never holds a release. */
export interface Reporter {
  report(account: Account): void;
  /** Sends what is still unsaid; resolves after `limit` ms at the latest. */
  flush(limit: number): Promise<void>;
}
