import assert from "node:assert/strict";
import test from "node:test";
import { conclude, exitCodeOf } from "../../src/commands/conclude.ts";
import { DeniedError, TakenOverError } from "../../src/lib/errors.ts";
import type { Held } from "../../src/release/reason.ts";
import type { State } from "../../src/release/state.ts";
import { createSession } from "../support/session.ts";
import { told } from "../support/told.ts";
import type { Behaviour } from "../support/world.ts";
import { samples } from "../words/sample.ts";

const account = samples.waiting ?? assert.fail();
const passed = { kind: "stage-passed", stage: "25%" } as const;
const waiting: State = { phase: "waiting", stage: 1, since: account.now, reason: passed };
const verdict = { gate: "budget", kind: "wait", figures: { of: "budget", largest: 20, weight: 25 } } as const;
const held: Held = { kind: "held", stage: "25%", question: "budget", verdict };

const ends: readonly (readonly [what: string, state: State, settled: boolean, code: number])[] = [
  ["succeeded", { phase: "succeeded" }, true, 0],
  ["waits for an approval that the plan asks for", waiting, true, 0],
  ["is held because its evidence does not decide", { ...waiting, reason: held }, true, 3],
  ["was rolled back", { phase: "rolled-back", reason: told("it was bad") }, true, 1],
  ["was rolled back and is not settled", { phase: "rolled-back", reason: told("it was bad") }, false, 3],
  ["succeeded and is not settled", { phase: "succeeded" }, false, 3],
];

for (const [what, state, settled, code] of ends) {
  test(`the exit code of a release that ${what} is ${code}`, () => {
    assert.equal(exitCodeOf({ ...account, state, settled }), code);
  });
}

test("a release that is over is settled only if its routes are with whoever won", async () => {
  for (const [phase, weight, settled] of [
    ["rolled-back", 0, true],
    ["rolled-back", 55, false],
    ["succeeded", 100, true],
    ["succeeded", 55, false],
  ] as const) {
    const state: State = phase === "succeeded" ? { phase } : { phase, reason: told("it was bad") };
    const { session, cluster, load } = await createSession({ state, differences: async () => [] });
    cluster.weight = weight;
    const account = await conclude(session, load() ?? assert.fail(), new AbortController().signal, { taken: false });
    assert.equal(account.settled, settled, `${phase} at ${weight}%`);
  }
});

test("a release that waits is settled only if its requests go where it left them, and are answered", async () => {
  for (const [what, behaviour] of [
    ["somebody else's weight", { meddle: (cluster) => void Object.assign(cluster, { weight: 55 }) }],
    ["a subset that is gone", { unserved: () => ({ canary: "no DestinationRule has the subset v2" }) }],
    [
      "a cluster that cannot be read",
      { fails: ({ name }) => (name === "router.drift" ? new Error("no answer") : undefined) },
    ],
    ["nothing", {}],
  ] as const satisfies readonly (readonly [string, Behaviour])[]) {
    const { session, cluster, load } = await createSession({
      state: { phase: "waiting", stage: 0, since: 0, reason: passed },
      behaviour,
    });
    cluster.weight = 10;
    const told = await conclude(session, load() ?? assert.fail(), new AbortController().signal, { taken: false });
    assert.deepEqual([told.settled, exitCodeOf(told)], what === "nothing" ? [true, 0] : [false, 3], what);
    assert.equal(told.unread, what === "a cluster that cannot be read", what);
  }
});

test("a job that fails after it has lost its release fails with what it failed with", async () => {
  const broken = new RangeError("no such stage");
  const { session, load } = await createSession({ state: { phase: "baking", stage: 0, since: 0, putBacks: 0 } });
  const lost = new AbortController();
  const connect: typeof session.connect = (record) => {
    const ports = session.connect(record);
    const now = (): never => {
      lost.abort(new DeniedError("another job took over"));
      throw broken;
    };
    return { ...ports, clock: { ...ports.clock, now } };
  };
  const concluded = conclude({ ...session, connect }, load() ?? assert.fail(), lost.signal, { taken: false });
  await assert.rejects(concluded, (error) => error === broken);
});

test("a job that has lost its release ends with that and what it leaves behind, by whatever error it hears of it", async () => {
  const { session, load } = await createSession({ state: { phase: "baking", stage: 0, since: 0, putBacks: 0 } });
  const lost = AbortSignal.abort(new DeniedError("another job took over"));
  const concluded = conclude(session, load() ?? assert.fail(), lost, { taken: false });
  const { next } = await concluded.then(
    () => assert.fail("it went on"),
    (error: unknown) => (error instanceof TakenOverError ? error : assert.fail(String(error))),
  );
  assert.match(next ?? "", /^This job has stopped\. Requests went so then: .*v1 100, v2 0\./);
});
