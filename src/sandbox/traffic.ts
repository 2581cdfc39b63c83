import { Agent, request } from "undici";
import type { Instant } from "../lib/duration.ts";

export type TrafficOptions = {
  /** The gateway's URL. */
  readonly url: string;
  /** The Host header, which the mesh routes by. */
  readonly host: string;
  /** Requests a second. Default 50. */
  readonly rate?: number;
  /** It stops by itself after this many. Default 6000. */
  readonly most?: number;
};

/** What became of the requests that were sent. */
export type Counts = {
  readonly sent: number;
  /** Answers of 5xx, and requests without any answer. */
  readonly bad: number;
  /** By the version that the answering pod says of itself; `none` where no pod answered. */
  readonly byVersion: Readonly<Record<string, number>>;
  /** When the first and the newest bad answer came. */
  readonly firstBad?: Instant;
  readonly lastBad?: Instant;
};

export interface Traffic {
  /** Since the start, or since the last `lap`. */
  counts(): Counts;
  /** The counts so far, and a new beginning. Requests under way count for what comes next. */
  lap(): Counts;
  /** Sends no more, and resolves when every request has its answer. */
  stop(): Promise<void>;
}

type Tally = { sent: number; bad: number; readonly byVersion: Map<string, number>; firstBad?: Instant; lastBad?: Instant };

const emptyTally = (): Tally => ({ sent: 0, bad: 0, byVersion: new Map() });

/** More at once than this would measure the sender. */
const mostAtOnce = 64;

/** People who use the shop: requests at a steady rate, whatever becomes of them. */
export function startTraffic({ url, host, rate = 50, most = 6_000 }: TrafficOptions): Traffic {
  const agent = new Agent({ connections: mostAtOnce, pipelining: 1 });
  const underWay = new Set<Promise<void>>();
  let tally = emptyTally();
  let sent = 0;

  const timer = setInterval(() => {
    if (underWay.size >= mostAtOnce) return;
    if (++sent >= most) clearInterval(timer);
    const one = send().finally(() => underWay.delete(one));
    underWay.add(one);
  }, 1_000 / rate);

  async function send(): Promise<void> {
    const version = await ask(agent, url, host).catch(() => undefined);
    tally.sent += 1;
    tally.byVersion.set(version?.name ?? "none", (tally.byVersion.get(version?.name ?? "none") ?? 0) + 1);
    if (version?.good) return;
    const now = Date.now();
    tally.bad += 1;
    tally.firstBad ??= now;
    tally.lastBad = now;
  }

  const counts = (): Counts => ({ ...tally, byVersion: Object.fromEntries(tally.byVersion) });

  return {
    counts,
    lap() {
      const before = counts();
      tally = emptyTally();
      return before;
    },
    async stop() {
      clearInterval(timer);
      await Promise.all(underWay);
      await agent.close();
    },
  };
}

/** Which version answered (undefined where a proxy did), and whether the answer is good. */
async function ask(dispatcher: Agent, url: string, host: string): Promise<{ readonly name: string | undefined; readonly good: boolean }> {
  const { statusCode, body } = await request(url, { dispatcher, headers: { host }, headersTimeout: 10_000, bodyTimeout: 10_000 });
  const text = await body.text();
  return { name: /"version":"([^"]+)"/.exec(text)?.[1], good: statusCode < 500 };
}
