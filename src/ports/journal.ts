import type { Record } from "../release/record.ts";

/** Where a release survives the job that runs it. Compare-and-set: `save` rejects with TakenOverError when another job saved in between. */
export interface Journal {
  load(): Promise<Record | undefined>;
  save(record: Record): Promise<void>;
}
