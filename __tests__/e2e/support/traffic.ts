import { setTimeout as sleep } from "node:timers/promises";
import { Agent, request } from "undici";

export type TrafficOptions = {
  readonly url: string;
  /** The Host header, by which the gateway routes. */
  readonly host?: string;
  readonly perSecond: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Requests in flight at most; what would be more is sent later. Default 64. */
  readonly inFlight?: number;
  /** Reads the version from an answer; one that cannot be read names none. Default: the `version` in its JSON. */
  readonly versionOf?: (body: string) => string | undefined;
};

export type Counts = {
  readonly total: number;
  /** By status; "0" for requests that got no answer. */
  readonly byStatus: Readonly<Record<string, number>>;
  /** By the version that the answer names; bad answers of a version count too. */
  readonly byVersion: Readonly<Record<string, number>>;
  /** The newest answer of each version: the how many-th of all it was, and when it came in milliseconds since the epoch. */
  readonly newest: Readonly<Record<string, { readonly nth: number; readonly at: number }>>;
  /** Answers of 500 and more, and requests without an answer. */
  readonly bad: number;
  /** Milliseconds since the epoch. */
  readonly firstBadAt: number | undefined;
  readonly lastBadAt: number | undefined;
  /** The first few bad answers, for the message of a test that fails. */
  readonly badSamples: readonly string[];
};

export type Traffic = {
  readonly counts: () => Counts;
  /** What came since the last call of this function: `{ v1: 45, v2: 5 }` over the last stage, say. */
  readonly sinceLast: () => Counts;
  /** Sends no more, waits for what is under way, and gives the last counts. */
  readonly stop: () => Promise<Counts>;
};

/** Sends requests at an even rate over kept-alive connections until stopped. Lives in this process: never block it by a synchronous child. */
export function startTraffic({
  url,
  host,
  perSecond,
  headers = {},
  inFlight = 64,
  versionOf = versionIn,
}: TrafficOptions): Traffic {
  const agent = new Agent({
    connections: inFlight,
    pipelining: 1,
    keepAliveTimeout: 60_000,
    connect: { timeout: 2_000 },
  });
  const target = new URL(url);
  const all = newTally(versionOf);
  let recent = newTally(versionOf);
  const underWay = new Set<Promise<void>>();
  const began = performance.now();
  let sent = 0;

  async function send(): Promise<void> {
    try {
      const answer = await request(target, {
        dispatcher: agent,
        headers: { ...headers, ...(host === undefined ? {} : { host }) },
        headersTimeout: 20_000,
      });
      const body = await answer.body.text();
      note(answer.statusCode, body);
    } catch (error) {
      note(0, String(error));
    }
  }
  const note = (status: number, body: string): void => {
    for (const tally of [all, recent]) tally.add(status, body);
  };
  // A busy machine fires late; what is due is sent then, so that the rate holds over the seconds.
  const timer = setInterval(
    () => {
      const due = Math.floor(((performance.now() - began) / 1_000) * perSecond);
      for (; sent < due && underWay.size < inFlight; sent++) {
        const one = send().finally(() => underWay.delete(one));
        underWay.add(one);
      }
      if (sent < due - perSecond) sent = due - perSecond; // never make up for more than a second
    },
    Math.max(5, Math.min(100, 1_000 / perSecond)),
  );

  return {
    counts: () => all.counts(),
    sinceLast() {
      const counts = recent.counts();
      recent = newTally(versionOf);
      return counts;
    },
    async stop() {
      clearInterval(timer);
      await Promise.race([Promise.allSettled(underWay), sleep(20_000, undefined, { ref: false })]);
      await agent.destroy();
      return all.counts();
    },
  };
}

/** Sends exactly `count` requests, `inFlight` at a time, and counts the answers. */
export async function sendRequests(
  count: number,
  { url, host, headers = {}, inFlight = 8, versionOf = versionIn }: Omit<TrafficOptions, "perSecond">,
): Promise<Counts> {
  const agent = new Agent({ connections: inFlight, pipelining: 1 });
  const tally = newTally(versionOf);
  let left = count;
  const client = async (): Promise<void> => {
    while (left-- > 0) {
      try {
        const answer = await request(url, {
          dispatcher: agent,
          headers: { ...headers, ...(host === undefined ? {} : { host }) },
        });
        tally.add(answer.statusCode, await answer.body.text());
      } catch (error) {
        tally.add(0, String(error));
      }
    }
  };
  await Promise.all(Array.from({ length: inFlight }, client));
  await agent.close();
  return tally.counts();
}

function newTally(versionOf: (body: string) => string | undefined): {
  readonly add: (status: number, body: string) => void;
  readonly counts: () => Counts;
} {
  const byStatus: Record<string, number> = {};
  const byVersion: Record<string, number> = {};
  const newest: Record<string, { readonly nth: number; readonly at: number }> = {};
  const badSamples: string[] = [];
  let total = 0;
  let bad = 0;
  let firstBadAt: number | undefined;
  let lastBadAt: number | undefined;
  return {
    add(status, body) {
      total += 1;
      byStatus[status] = (byStatus[status] ?? 0) + 1;
      const version = named(body, versionOf);
      if (version !== undefined) {
        byVersion[version] = (byVersion[version] ?? 0) + 1;
        newest[version] = { nth: total, at: Date.now() };
      }
      if (status !== 0 && status < 500) return;
      bad += 1;
      lastBadAt = Date.now();
      firstBadAt ??= lastBadAt;
      if (badSamples.length < 10)
        badSamples.push(`${new Date(lastBadAt).toISOString()} ${status} ${body.slice(0, 300)}`);
    },
    counts: () => ({
      total,
      byStatus: { ...byStatus },
      byVersion: { ...byVersion },
      newest: { ...newest },
      bad,
      firstBadAt,
      lastBadAt,
      badSamples: [...badSamples],
    }),
  };
}

const versionIn = (body: string): string | undefined => (JSON.parse(body) as { readonly version?: string }).version;

/** Envoy's own answers are plain text, and name no version. */
function named(body: string, versionOf: (body: string) => string | undefined): string | undefined {
  try {
    return versionOf(body);
  } catch {
    return undefined;
  }
}
