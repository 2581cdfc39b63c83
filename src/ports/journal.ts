import type { ReleaseRecord } from "../release/release-record.ts";

/** Where a release survives the job that runs it. Compare-and-set: `save` rejects with TakenOverError when another job saved in between. */
export interface Journal {
  load(): Promise<ReleaseRecord | undefined>;
  save(record: ReleaseRecord): Promise<void>;
}
