import { Agent, request } from "undici";
import type { Instant, Millis } from "../src/lib/duration.ts";

export type TrafficOptions = {
  /** The gateway's URL. */
  readonly url: string;
  /** The Host header, which the mesh routes by. */
  readonly host: string;
  /** Requests a second; 0 is nobody. Default 50. */
  readonly rate?: number;
  /** It stops by itself after this many. Default 6000. */
  readonly most?: number;
  /** How long they wait for an answer before they leave. Default: 10s. */
  readonly patience?: Millis;
};

/** What became of the requests that were sent and have ended. */
export type Counts = {
  readonly requests: number;
  /** Answers of 5xx, and requests without any answer. */
  readonly bad: number;
  /** By the version that the answering pod says of itself; `none` where no pod answered. */
  readonly byVersion: Readonly<Record<string, number>>;
  /** When the first and the newest bad answer came. */
  readonly firstBad?: Instant;
  readonly lastBad?: Instant;
};

export interface Traffic {
  /** Requests that were sent since the start, or since the last `lap`. */
  counts(): Counts;
  /** Begins to count anew, and resolves with the older counts when every request in them has ended. */
  lap(): Promise<Counts>;
  /** Sends no more, and resolves when every request has its answer. */
  stop(): Promise<void>;
}

type Tally = {
  requests: number;
  bad: number;
  readonly byVersion: Map<string, number>;
  firstBad?: Instant;
  lastBad?: Instant;
};

const emptyTally = (): Tally => ({ requests: 0, bad: 0, byVersion: new Map() });

/** More at once than this would measure the sender. */
const mostAtOnce = 64;

/** People who use the shop: requests at a steady rate, whatever becomes of them. */
export function startTraffic({ url, host, rate = 50, most = 6_000, patience = 10_000 }: TrafficOptions): Traffic {
  const agent = new Agent({ connections: mostAtOnce, pipelining: 1 });
  const underWay = new Set<Promise<void>>();
  let tally = emptyTally();
  let sent = 0;
  let stopped: Promise<void> | undefined;

  const timer = rate > 0 ? setInterval(next, 1_000 / rate) : undefined;

  function next(): void {
    if (underWay.size >= mostAtOnce) return;
    sent += 1;
    if (sent >= most) clearInterval(timer);
    const one = send(tally).finally(() => underWay.delete(one));
    underWay.add(one);
  }

  /** A request counts for the lap in which it was sent. */
  async function send(tally: Tally): Promise<void> {
    const { version, good } = await ask(agent, url, host, patience).catch(() => noAnswer);
    tally.requests += 1;
    tally.byVersion.set(version, (tally.byVersion.get(version) ?? 0) + 1);
    if (good) return;
    const now = Date.now();
    tally.bad += 1;
    tally.firstBad ??= now;
    tally.lastBad = now;
  }

  async function stop(): Promise<void> {
    clearInterval(timer);
    await Promise.all(underWay);
    await agent.close();
  }

  return {
    counts: () => countsOf(tally),
    async lap() {
      const before = tally;
      tally = emptyTally();
      await Promise.all(underWay);
      return countsOf(before);
    },
    stop() {
      stopped ??= stop();
      return stopped;
    },
  };
}

const countsOf = (tally: Tally): Counts => ({ ...tally, byVersion: Object.fromEntries(tally.byVersion) });

type Answer = { readonly version: string; readonly good: boolean };

const noAnswer: Answer = { version: "none", good: false };

async function ask(dispatcher: Agent, url: string, host: string, patience: Millis): Promise<Answer> {
  // undici's timers tick with the process: one that was busy has not waited in vain, as a timer of the clock would say.
  const { statusCode, body } = await request(url, {
    dispatcher,
    headers: { host },
    headersTimeout: patience,
    bodyTimeout: patience,
  });
  const text = await body.text();
  return { version: /"version":"([^"]+)"/.exec(text)?.[1] ?? noAnswer.version, good: statusCode < 500 };
}
