import type { ReleaseRecord } from "../release/release-record.ts";

/** Where a release survives the job that runs it. */
export interface Journal {
  /**
   * The newest record of the service; undefined when it was never released. Rejects with DeniedError when it cannot be
   * read by this program.
   */
  load(): Promise<ReleaseRecord | undefined>;
  /**
   * Compare-and-set: rejects with TakenOverError when another job saved since this one loaded or saved last. Saves that
   * are begun at once end in the order in which they were begun.
   */
  save(record: ReleaseRecord): Promise<void>;
  /** Reads, and rejects with TakenOverError when the release is another job's by now. */
  confirm(): Promise<void>;
}
