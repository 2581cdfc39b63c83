import type { Millis } from "../../src/lib/duration.ts";
import type { Network } from "../../src/world/world.ts";

/** Starts a Prometheus that scrapes one address. `network`: who carries what it is asked; by default Node. */
export type SetUp = (scrape: {
  readonly url: string;
  readonly interval: Millis;
}) => Promise<{ readonly url: string; readonly network?: Network; readonly close: () => Promise<void> }>;
