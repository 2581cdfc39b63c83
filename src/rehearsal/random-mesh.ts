import type { Count, Tally } from "../evidence/tally.ts";
import type { Millis } from "../lib/duration.ts";
import { type Chance, chance, poisson } from "./chance.ts";
import type { Traffic } from "./detection.ts";

/** A service with a canary. */
export type RehearsedService = Traffic & {
  /** The part of the canary's requests that fails. */
  readonly failing: number;
  /**
   * How many times as much as independent failures the service's vary: they come in clusters then. 1 where they do not.
   */
  readonly phi: number;
};

type Expected = { readonly stable: number; readonly canary: number };
const nothing: Expected = { stable: 0, canary: 0 };

/** Requests that come at random, and a Prometheus that scrapes them: what is read is what the newest scrape had. */
export type RandomMesh = {
  /** Gives the canary this share in percent, at once. */
  readonly route: (weight: number) => void;
  readonly weight: () => number;
  /** How long ago the canary got more pods than it began with, where it did. */
  readonly joined?: () => Millis | undefined;
  /** How many pods the canary has, where somebody looks. */
  readonly pods?: () => number;
  readonly pass: (time: Millis) => void;
  /** What was scraped since it was read last, and how long ago that begins. */
  readonly read: () => Tally & { readonly ago: Millis };
  /** Failed requests of the canary until now, those that nobody has read as well. */
  readonly failed: () => number;
};

/** Canaries of any kind meet the same requests at the same seed, as far as they differ in nothing else. */
export function randomMesh(
  { rate, baseline, failing, phi }: RehearsedService,
  scrape: Millis,
  seed: number,
): RandomMesh {
  const [moments, goods, bads] = [chance(seed), chance(seed + 1), chance(seed + 2)];
  let weight = 0;
  let untilScrape = moments() * scrape;
  let open = nothing;
  let scraped = nothing;
  let failed = 0;
  /** Since the newest scrape that was read, and since the newest one. */
  let [sinceRead, sinceScrape] = [0, 0];

  /** The sum of requests at random is at random, too: they are drawn when they are read. */
  function serve(time: Millis): void {
    const all = (rate * time) / 1_000;
    open = { stable: open.stable + all * (1 - weight / 100), canary: open.canary + (all * weight) / 100 };
  }

  function read(): ReturnType<RandomMesh["read"]> {
    const ago = sinceRead;
    sinceRead = sinceScrape;
    const stable = countOf(scraped.stable, baseline, phi, moments, moments);
    const canary = countOf(scraped.canary, failing, phi, goods, bads);
    scraped = nothing;
    failed += canary.errors;
    return { ago, stable, canary, unattributed: countOf(0, 0, 1, moments, moments) };
  }

  return {
    route(to) {
      weight = to;
    },
    weight: () => weight,
    pass(time) {
      let left = time;
      for (; left >= untilScrape; untilScrape = scrape) {
        serve(untilScrape);
        left -= untilScrape;
        sinceRead += untilScrape;
        sinceScrape = 0;
        scraped = { stable: scraped.stable + open.stable, canary: scraped.canary + open.canary };
        open = nothing;
      }
      serve(left);
      untilScrape -= left;
      sinceRead += left;
      sinceScrape += left;
    },
    read,
    failed: () => failed + countOf(scraped.canary + open.canary, failing, phi, goods, bads).errors,
  };
}

function countOf(expected: number, failing: number, phi: number, goods: Chance, bads: Chance): Count {
  if (phi <= 1) {
    const errors = poisson(expected * failing, bads);
    return { requests: errors + poisson(expected * (1 - failing), goods), errors, buckets: [] };
  }
  const requests = poisson(expected, goods);
  return {
    requests,
    errors: failing >= 1 ? requests : Math.min(requests, clustered(expected * failing, phi, bads)),
    buckets: [],
  };
}

/** Clusters of a geometric size with the mean (φ + 1) / 2: their failures vary φ times as much as they are many. */
function clustered(expected: number, phi: number, next: Chance): number {
  const size = (phi + 1) / 2;
  let failed = 0;
  for (let left = poisson(expected / size, next); left > 0; left--)
    failed += 1 + Math.floor(Math.log1p(-next()) / Math.log1p(-1 / size));
  return failed;
}
