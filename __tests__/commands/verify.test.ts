import assert from "node:assert/strict";
import test from "node:test";
import { verify } from "../../src/commands/verify.ts";
import { emptyCount } from "../../src/evidence/tally.ts";
import type { Millis } from "../../src/lib/duration.ts";
import type { LogEntry, ReleaseRecord } from "../../src/release/release-record.ts";
import type { State } from "../../src/release/state.ts";
import { configured, sound } from "../config/configured.ts";
import { createSession } from "../support/session.ts";
import { second } from "../support/world.ts";

const minute = 60 * second;

/** The routes have been given all to the canary, then 10%, that long ago. */
const written = (ago: Millis, now: Millis): readonly LogEntry[] => [
  { at: now - ago - minute, do: "finish", reason: { kind: "promoted", winner: "canary" } },
  { at: now - ago, do: "route", reason: { kind: "giving-weight", weight: 10 } },
  { at: now - ago + 1, do: "nothing", reason: { kind: "stage-passed", stage: "10%" } },
];

const baking: State = { phase: "baking", stage: 0, since: 0, putBacks: 0 };

type Situation = {
  /** How long ago the weight was written. */
  readonly ago: Millis;
  readonly state?: State;
  readonly counted?: { readonly stable: number; readonly canary: number };
  readonly record?: (record: ReleaseRecord) => Partial<ReleaseRecord>;
  readonly inputs?: Readonly<Record<string, string>>;
};

/** What `verify` says, how far back it counted, and how it ends. */
async function ask({ ago, state = baking, counted = { stable: 9, canary: 5_441 }, record, inputs }: Situation) {
  const { session, printed, load } = await createSession({ state });
  const config = await configured({ file: sound, inputs: { command: "verify", ...inputs } });
  const windows: Millis[] = [];
  let sent = 0;
  const now = 3_600 * second;
  const loaded = load() ?? assert.fail();
  const asked = await verify({
    ...session,
    config,
    transport: {
      send: async () => ({ status: 200, headers: {}, text: sent++ % 10 === 0 ? "reviews-v2" : "reviews-v1" }),
    },
    clock: { ...session.clock, now: () => now },
    journal: {
      ...session.journal,
      load: async () => ({ ...loaded, log: written(ago, now), ...record?.(loaded) }),
    },
    history: {
      ...session.history,
      async traffic({ stable }, covered) {
        windows.push(covered);
        const exchanged = stable.deployment === "reviews-v2";
        const [left, right] = exchanged ? [counted.canary, counted.stable] : [counted.stable, counted.canary];
        const of = (requests: number) => ({ ...emptyCount, requests });
        return { stable: of(left), canary: of(right), unattributed: emptyCount, covered };
      },
    },
  });
  return { said: printed.join("\n"), windows, exit: asked };
}

test("a weight that was written a moment ago is not contradicted by requests of the weight before", async () => {
  const { said, exit, windows } = await ask({ ago: 7 * second });
  assert.match(said, /^reviews-v2 got 5441 of 5450 requests: 99\.8%.*the last 15s\)/);
  assert.match(
    said,
    /Planned: 10%, written 7s ago: the count may have some of the weight before in it, so that it is compared with nothing; ask again in 53s\.$/,
  );
  assert.deepEqual([exit, windows], [0, [15 * second]]);
});

test("the count reaches no further back than the first scrape that has nothing of the weight before", async () => {
  const { said, exit, windows } = await ask({ ago: 2 * minute, counted: { stable: 900, canary: 100 } });
  assert.deepEqual([exit, windows], [0, [90 * second]]);
  assert.match(said, /Prometheus, the last 1m30s\)[\s\S]*Planned: 10%, written 2m ago; the count agrees with it\.$/);
  const long = await ask({ ago: 20 * minute });
  assert.deepEqual([long.exit, long.windows], [3, [5 * minute]]);
  assert.match(long.said, /Planned: 10%, written 20m ago; the count contradicts it\.$/);
});

test("requests of one's own know nothing of the weight before, and are compared with the new one at once", async () => {
  const { said, exit, windows } = await ask({
    ago: second,
    inputs: { "verify-url": "http://shop.test/", requests: "1" },
  });
  assert.deepEqual([exit, windows], [0, []], said);
  assert.match(said, /Planned: 10%, written 1s ago; the count agrees with it\.$/);
});

test("a weight that was put back counts from then on", async () => {
  const { exit } = await ask({
    ago: 20 * minute,
    record: ({ startedAt }) => ({
      log: [
        { at: startedAt, do: "route", reason: { kind: "giving-weight", weight: 10 } },
        { at: 3_600 * second - 5 * second, do: "route", reason: { kind: "put-back", differences: "v2 has 50%" } },
      ],
    }),
  });
  assert.equal(exit, 0);
});

test("after a release the window says nothing of the time before its end", async () => {
  const soon = await ask({ ago: 10 * second, state: { phase: "succeeded" } });
  assert.match(soon.said, /No release is under way, and the routes were written 10s ago: .* ask again in 50s\.$/);
  const later = await ask({ ago: 3 * minute, state: { phase: "succeeded" } });
  assert.match(later.said, /No release is under way\.$/);
  assert.deepEqual([soon.exit, later.exit, later.windows], [0, 0, [150 * second]]);
});

test("when the roles are exchanged, what is planned is compared with the version that is on trial", async () => {
  const exchanged = await ask({
    ago: 20 * minute,
    counted: { stable: 100, canary: 900 },
    record: ({ target }) => ({ target: { ...target, stable: target.canary, canary: target.stable } }),
  });
  assert.match(exchanged.said, /^reviews-v1 got 100 of 1000 requests: 10%/);
  assert.equal(exchanged.exit, 0);
});

test("a release that was killed before it wrote anything is compared with nothing written", async () => {
  const { windows } = await ask({ ago: 0, record: () => ({ log: [], stages: [] }) });
  assert.deepEqual(windows, [5 * minute]);
});

test("a count is said with its bounds, and contradicts a plan only where chance would in one of a thousand", async () => {
  const likely = await ask({ ago: 600 * second, counted: { stable: 81, canary: 19 } });
  assert.match(likely.said, /19 of 100 requests: 19% \(99\.9% confidence: 9\.4% to 34\.7%;/);
  assert.match(likely.said, /Planned: 10%, written 10m ago; the count agrees with it\./);
  const unlikely = await ask({ ago: 600 * second, counted: { stable: 78, canary: 22 } });
  assert.match(unlikely.said, /22 of 100 requests[\s\S]*the count contradicts it\./);
  assert.deepEqual([likely.exit, unlikely.exit], [0, 3]);
});
