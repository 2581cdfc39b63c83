import type { Millis } from "../../../src/lib/duration.ts";
import { type Answer, around, type Behaviour, failing, from, sometimes, usual } from "./answer.ts";

/** Something that can be wrong with a new version, or with the world that it is released in. */
export type Fault = {
  readonly name: string;
  /** How the canary answers, where it is not as the others do. */
  readonly canary?: Behaviour;
  /** How everybody else answers. Default: in 20ms, and one failure in 500. */
  readonly others?: Behaviour;
  /** Of the canary's image, which the simulator's pods go by. */
  readonly tag?: string;
  readonly neverReady?: boolean;
  /** The part of the planned requests that the canary gets. */
  readonly taken?: number;
  /** What happens to the world when the canary has had requests for so long. */
  readonly later?: {
    readonly after: Millis;
    readonly what: "is away" | "does not scrape" | "forgets the canary" | "loses its pods" | "counts from zero";
  };
  readonly gates?: unknown;
  /** Prometheus keeps native histograms, and no classic ones. */
  readonly keepsNative?: true;
  readonly nobodyCalls?: boolean;
  /** So long after the canary's first request. Default: at once, or `later`. */
  readonly begins?: Millis;
  /** Why nothing of the program's finds it, and what would. */
  readonly notJudged?: string;
};

const minute = 60_000;

const fails = (part: number): Behaviour => sometimes(part, failing);
const grpc = (status: string): Answer => ({ code: "200", grpc: status, takes: 15, bad: true });
const rpc: Behaviour = (call) => ({ ...around(20)(call), grpc: "0" });
const givenUp = (after: Millis): Answer => ({ code: "0", flags: "DC", takes: after, bad: true });
const hanging: Answer = { code: "0", takes: 0, hangs: true, bad: true };
const reset: Answer = { code: "503", flags: "UC", takes: 5, bad: true };
const noPod: Answer = { code: "503", flags: "UH", takes: 1, unsent: true, bad: true };
const timedOut: Answer = { code: "504", flags: "UT", takes: 5_000, bad: true };
const quick = (code: string): Answer => ({ code, takes: 10, bad: true });
const always =
  (answer: Answer): Behaviour =>
  () =>
    answer;

/** Twice as slow as stable, whose answers are around so many milliseconds. */
const twice = (middle: Millis, notJudged?: string, spread?: number): Fault => ({
  name: `takes twice as long: ${middle} → ${2 * middle}ms`,
  others: around(middle, spread),
  canary: (call) => ({ ...around(2 * middle, spread)(call), bad: true }),
  ...(notJudged === undefined ? {} : { notJudged }),
});

/** Each with a name that is its seed. */
export const faults: readonly Fault[] = [
  { name: "fails always", canary: fails(1) },
  { name: "fails in half of its answers", canary: fails(0.5) },
  { name: "fails in 20%", canary: fails(0.2) },
  { name: "fails in 5%", canary: fails(0.05) },
  { name: "fails in 2%, ten times as often as stable", canary: fails(0.02) },
  { name: "fails for one path, 3% of the requests", canary: sometimes(0.03, failing) },
  { name: "fails for one method: half of the writes, 10% of the requests", canary: sometimes(0.1, fails(0.5)) },
  { name: "fails for one caller of ten", canary: sometimes(0.1, failing) },
  { name: "one pod of three fails", canary: sometimes(1 / 3, failing) },
  {
    name: "fails for six seconds of every minute",
    canary: (call) => fails(call.since % minute < 6_000 ? 1 : 0.002)(call),
  },
  { name: "begins to fail after three minutes", canary: from(3 * minute, fails(0.5)), begins: 3 * minute },
  { name: "begins to fail a little after seven minutes", canary: from(7 * minute, fails(0.05)), begins: 7 * minute },
  { name: "gRPC: INTERNAL in 10%", others: rpc, canary: sometimes(0.1, grpc("13"), rpc) },
  { name: "gRPC: UNAVAILABLE in 3%", others: rpc, canary: sometimes(0.03, grpc("14"), rpc) },
  { name: "gRPC: DEADLINE_EXCEEDED in 15%", others: rpc, canary: sometimes(0.15, grpc("4"), rpc) },
  { name: "callers miss their deadline in 15%, and leave", canary: sometimes(0.15, givenUp(1_000)) },
  { name: "hangs, and callers leave after a second", canary: always(givenUp(1_000)) },
  { name: "hangs, and the route gives up after five seconds", canary: always(timedOut) },
  { name: "hangs, and nobody has a time-out", canary: always(hanging) },
  { name: "half of its requests hang, and nobody has a time-out", canary: sometimes(0.5, hanging) },
  {
    name: "stops answering after seven minutes, and nobody has a time-out",
    canary: from(7 * minute, always(hanging)),
    begins: 7 * minute,
  },
  { name: "resets 5% of its connections", canary: sometimes(0.05, reset) },
  { name: "refuses connections", canary: always({ code: "503", flags: "UF", takes: 1, bad: true }) },
  { name: "is ejected: its requests find no pod", canary: always(noPod) },
  twice(2, "answers below 10ms are never called slow (`evidence.slowFrom`)"),
  twice(4, "less than 10ms longer is called slow by nobody (`evidence.slowerBy`)"),
  twice(18),
  twice(35),
  twice(70),
  twice(112, undefined, 0.05),
  {
    ...twice(112, undefined, 0.05),
    name: "takes twice as long: 112 → 224ms, and Prometheus keeps native histograms",
    keepsNative: true,
  },
  twice(120),
  twice(180),
  twice(350),
  twice(700),
  twice(1_800),
  { name: "takes ten times as long", canary: (call) => ({ ...around(200)(call), bad: true }) },
  { name: "takes two seconds more in 3%", canary: sometimes(0.03, (call) => ({ ...around(2_020)(call), bad: true })) },
  {
    name: "is slow in its first minute: a cold start",
    canary: from(minute, usual, (call) => ({ ...around(300)(call), bad: true })),
    notJudged: "the first two minutes of a pod are its warm-up (`evidence.warmUp`), in which only plain failure counts",
  },
  { name: "leaks memory, and is killed after four minutes", tag: "v2-die240" },
  { name: "crashes after two seconds, again and again", tag: "v2-die2" },
  { name: "its image cannot be pulled", tag: "v2-stuck" },
  { name: "never becomes ready", neverReady: true },
  { name: "its pods go away during a stage", later: { after: 3 * minute, what: "loses its pods" } },
  {
    name: "answers 404 in 20%",
    canary: sometimes(0.2, quick("404")),
    notJudged: "4xx are the callers' own errors in every counter; a `query` gate on them, as below",
  },
  {
    name: "answers 404 in 20%, with a gate on 4xx",
    canary: sometimes(0.2, quick("404")),
    gates: [
      "auto",
      {
        query:
          'sum(rate(istio_requests_total{destination_workload="reviews-v2",response_code=~"4.."}[1m])) / sum(rate(istio_requests_total{destination_workload="reviews-v2"}[1m])) or vector(0)',
        atMost: 0.05,
        name: "share of 4xx",
      },
    ],
  },
  {
    name: "answers the wrong content with 200",
    canary: (call) => ({ ...usual(call), bad: true }),
    notJudged: "no counter shows it; a gate that asks for content has to (`run`, `query`)",
  },
  {
    name: "redirects every tenth request to a wrong place",
    canary: sometimes(0.1, quick("302")),
    notJudged: "a redirect is an answer like any other; a gate that asks for content has to (`run`, `query`)",
  },
  { name: "callers go around the route: it gets a tenth of its requests", taken: 0.1 },
  { name: "callers go around the route: it gets half of its requests", taken: 0.5 },
  { name: "callers stick to it: it gets three times its requests", taken: 3 },
  { name: "its counters vanish", later: { after: 3 * minute, what: "forgets the canary" } },
  { name: "Prometheus is away", later: { after: 3 * minute, what: "is away" } },
  { name: "Prometheus does not scrape any more", later: { after: 3 * minute, what: "does not scrape" } },
  { name: "nobody calls", nobodyCalls: true },
  {
    name: "fails in 5%, and the proxy that counts is replaced",
    canary: from(3 * minute, fails(0.05)),
    later: { after: 3 * minute, what: "counts from zero" },
  },
];
