import assert from "node:assert/strict";
import test from "node:test";
import { promote } from "../../src/commands/promote.ts";
import { release } from "../../src/commands/release.ts";
import { rollback } from "../../src/commands/rollback.ts";
import { settle } from "../../src/commands/settle.ts";
import { tell } from "../../src/lib/errors.ts";
import type { State } from "../../src/release/state.ts";
import type { Target } from "../../src/release/target.ts";
import { createSession } from "../support/session.ts";

const baking: State = { phase: "baking", stage: 0, since: 0, putBacks: 0 };
const waiting: State = { phase: "waiting", stage: 0, since: 0, reason: { kind: "stage-passed", stage: "10%" } };
const promoting: State = { phase: "promoting", step: "finishing", since: 0 };
const mine = { id: "this-job" };

/** A session with a journal whose target somebody changed. */
async function sessionWith(state: State, change: (target: Target) => Target, earlierRun = { id: "another-job" }) {
  const made = await createSession({ state, earlierRun });
  const { journal } = made.session;
  const record = (await journal.load()) ?? assert.fail();
  await journal.save({ ...record, target: change(record.target) });
  made.events.length = 0;
  return made;
}

const toBank = (target: Target): Target => ({ ...target, stable: { ...target.stable, deployment: "bank" } });
const toGateway = (target: Target): Target => ({
  ...target,
  routes: [{ kind: "VirtualService", namespace: "istio-system", name: "all", routes: [] }],
});

for (const [command, state, earlierRun] of [
  [release, promoting, undefined],
  [promote, waiting, undefined],
  [rollback, baking, undefined],
  [settle, baking, mine],
] as const) {
  for (const [what, change, words] of [
    ["Deployment", toBank, /is about Deployment shop\/bank, of which the configuration says nothing/],
    ["route", toGateway, /is about VirtualService istio-system\/all, of which the configuration says nothing/],
  ] as const)
    test(`${command.name} refuses a journal about another ${what} than it was asked for, and says what else works`, async () => {
      const { session, events, cluster, world } = await sessionWith(state, change, earlierRun);
      await assert.rejects(command(session), (error) => {
        assert.match(tell(error), words);
        assert.match(tell(error), /end it by what the journal says: istio-canary rollback --namespace shop --service/);
        return true;
      });
      assert.deepEqual(
        events.filter((event) => !/lock/.test(event)),
        [],
      );
      assert.deepEqual(cluster, world.before);
    });
}

test("the two versions of a release that goes the other way round are those that were asked for", async () => {
  const exchanged = ({ stable, canary, ...target }: Target): Target => ({ ...target, stable: canary, canary: stable });
  const { session } = await sessionWith(baking, exchanged);
  assert.equal(await rollback(session), 0);
});

test("whoever gives no configuration goes by the journal", async () => {
  const { session, load } = await sessionWith(baking, toBank);
  const { release: _, ...config } = session.config;
  assert.equal(await rollback({ ...session, config }), 0);
  assert.equal(load()?.state.phase, "rolled-back");
});
