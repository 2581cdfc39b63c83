import type { Millis } from "../lib/duration.ts";
import type { Settings } from "./defaults.ts";
import { addPoll, type Evidence, noEvidence } from "./evidence.ts";
import type { Poll } from "./poll.ts";
import { type Count, endings, timed } from "./tally.ts";

/**
 * Every poll of a release, oldest first; what is proven follows from it and the settings alone. Plain JSON, and small:
 * a poll is one line of whole numbers, about 150 characters with Istio's histogram.
 */
export type Ledger = {
  /** What older polls came to, where they were folded to save room. */
  readonly folded?: Evidence;
  /** The finite edges of histograms that lines refer to by position. */
  readonly edges: readonly (readonly number[])[];
  /**
   * `weight age lost from joined pods waiting / stable / canary`, each version as `requests errors`, and with a histogram
   * `edges n n n …`: how many requests fell between two edges. Where some were given up or cut off, ` / ` and how many
   * of stable's, then of the canary's: `givenUp cutOff givenUp cutOff`; where it is known, how many milliseconds stable's
   * took, then the canary's. `joined`, `pods` and `waiting` only where they are known.
   */
  readonly polls: readonly string[];
};

export const emptyLedger: Ledger = { edges: [], polls: [] };

export function append(ledger: Ledger, poll: Poll): Ledger {
  const edges = [poll.stable, poll.canary].map(finiteEdges).reduce(withEdges, ledger.edges);
  const { weight, age, lost, from, joined, pods, waiting } = poll;
  const head = [weight, age, lost, from];
  if (joined !== undefined || pods !== undefined) head.push(joined ?? 0);
  if (pods !== undefined) head.push(pods);
  if (pods !== undefined && waiting !== undefined) head.push(waiting);
  const parts = [head.join(" "), write(poll.stable, edges), write(poll.canary, edges)];
  const ended = [poll.stable, poll.canary].flatMap(({ givenUp = 0, cutOff = 0 }) => [givenUp, cutOff]);
  const took = [poll.stable, poll.canary].map(({ took = -1 }) => took);
  const isTimed = took.some((time) => time >= 0);
  if (isTimed || ended.some((times) => times > 0)) parts.push([...ended, ...(isTimed ? took : [])].join(" "));
  return { ...ledger, edges, polls: [...ledger.polls, parts.join(" / ")] };
}

/** The polls that are still there one by one. Throws a SyntaxError where a line is not what `append` writes. */
export const pollsOf = ({ edges, polls }: Ledger): readonly Poll[] => polls.map((line) => readLine(line, edges));

/** All that the ledger proves. */
export const evidenceOf = (ledger: Ledger, settings: Settings): Evidence =>
  pollsOf(ledger).reduce((evidence, poll) => addPoll(evidence, poll, settings), ledger.folded ?? noEvidence);

/**
 * More lines than this are folded to the newest half: with an hour of polls at 15s nothing is, and the rest of two
 * stays below 150 kB.
 */
const mostLines = 480;

/**
 * The ledger for a place with little room. It proves the same, bit for bit; only single polls can no longer be read.
 */
export function fold(ledger: Ledger, settings: Settings): Ledger {
  if (ledger.polls.length <= mostLines) return ledger;
  const older = { ...ledger, polls: ledger.polls.slice(0, -mostLines / 2) };
  return { folded: evidenceOf(older, settings), edges: ledger.edges, polls: ledger.polls.slice(-mostLines / 2) };
}

/** The same proof without any single poll. */
export const foldWhole = (ledger: Ledger, settings: Settings): Ledger =>
  ledger.polls.length === 0 ? ledger : { folded: evidenceOf(ledger, settings), edges: ledger.edges, polls: [] };

/** Undefined without a histogram. */
const finiteEdges = ({ buckets }: Count): readonly number[] | undefined =>
  buckets.length === 0 ? undefined : buckets.slice(0, -1).map(({ le }) => le);

const indexOf = (edges: Ledger["edges"], wanted: readonly number[]): number =>
  edges.findIndex((one) => String(one) === String(wanted));

const withEdges = (edges: Ledger["edges"], wanted: readonly number[] | undefined): Ledger["edges"] =>
  wanted === undefined || indexOf(edges, wanted) >= 0 ? edges : [...edges, wanted];

function write(count: Count, edges: Ledger["edges"]): string {
  const { requests, errors, buckets } = count;
  const wanted = finiteEdges(count);
  if (wanted === undefined) return `${requests} ${errors}`;
  const between = buckets.map((bucket, index) => bucket.count - (buckets[index - 1]?.count ?? 0));
  return [requests, errors, indexOf(edges, wanted), ...between].join(" ");
}

function readLine(line: string, edges: Ledger["edges"]): Poll {
  const parts = line.split(" / ").map((part) => part.split(" ").map(Number));
  const [[weight, age, lost, from = unknown, joined, pods, waiting] = [], stable, canary, ended = []] = parts;
  if (
    weight === undefined ||
    age === undefined ||
    lost === undefined ||
    !stable ||
    !canary ||
    !parts.flat().every(Number.isFinite)
  )
    throw new SyntaxError(`this line is no poll: ${line}`);
  const [ofStable = 0, cutOfStable = 0, ofCanary = 0, cutOfCanary = 0, stableTook = -1, canaryTook = -1] = ended;
  return {
    weight,
    age,
    from,
    ...podsIn(joined, pods, waiting),
    stable: { ...read(stable, edges), ...endings(ofStable, cutOfStable), ...readTime(stableTook) },
    canary: { ...read(canary, edges), ...endings(ofCanary, cutOfCanary), ...readTime(canaryTook) },
    lost,
  };
}

const readTime = (took: Millis): Pick<Count, "took"> => timed(took < 0 ? undefined : took);

/** Where all pods were there from the start, nobody joined. */
function podsIn(joined: Millis = 0, pods?: number, waiting?: number): Pick<Poll, "joined" | "pods" | "waiting"> {
  return {
    ...(joined > 0 && { joined }),
    ...(pods !== undefined && { pods }),
    ...(waiting !== undefined && { waiting }),
  };
}

/** Lines of older programs do not say it: they tell nothing of the split at one weight. */
const unknown: Millis = -1;

function read([requests = 0, errors = 0, which, ...between]: readonly number[], edges: Ledger["edges"]): Count {
  if (which === undefined) return { requests, errors, buckets: [] };
  let count = 0;
  const ends = [...(edges[which] ?? []), Infinity];
  const buckets = ends.map((le, index) => {
    count += between[index] ?? 0;
    return { le, count };
  });
  return { requests, errors, buckets };
}
