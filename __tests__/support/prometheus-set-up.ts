import type { Millis } from "../../src/lib/duration.ts";

/** Starts a Prometheus that scrapes one address. */
export type SetUp = (scrape: {
  readonly url: string;
  readonly interval: Millis;
}) => Promise<{ readonly url: string; readonly close: () => Promise<void> }>;
