import assert from "node:assert/strict";
import test from "node:test";
import { inspectEarlier } from "../../src/commands/earlier-release.ts";
import { DeniedError, RefusedError, UnreachableError } from "../../src/lib/errors.ts";
import type { State } from "../../src/release/state.ts";
import { jumpingClock } from "../support/clock.ts";
import { createWorld, planOf } from "../support/world.ts";

const clock = jumpingClock();
const begun = await createWorld(planOf()).begin();
const now = clock.now();

const journaled = (load: () => Promise<typeof begun | undefined>) => inspectEarlier({ journal: { load }, clock });

test("plan refuses beside a release that waits for somebody, as release does", async () => {
  const reason = { kind: "stage-passed", stage: "10 %" } as const;
  const state: State = { phase: "waiting", stage: 0, since: now - 60_000, reason };
  const [finding, ...more] = await journaled(async () => ({ ...begun, state }));
  assert.deepEqual(more, []);
  assert.equal(finding?.level, "refuse");
  assert.match(finding.what, /the release of registry\.test\/reviews:v2 waits for somebody to decide since 1 m\.$/);
  assert.match(finding.next ?? "", /istio-canary promote .*istio-canary rollback/);
});

test("plan tells of a release that has not ended, and of none that is over or never was", async () => {
  const [finding] = await journaled(async () => begun);
  assert.equal(finding?.level, "warn");
  assert.match(finding.what, /^the release of registry\.test\/reviews:v2 has not ended: /);
  const state: State = { phase: "rolled-back", reason: { kind: "left-half-way" } };
  const over = { ...begun, state };
  assert.deepEqual(await journaled(async () => over), []);
  assert.deepEqual(await journaled(async () => undefined), []);
});

test("a journal that release would refuse is refused; one that may not be read is told among the permissions", async () => {
  const broken = await journaled(() => Promise.reject(new RefusedError("the journal is damaged", { next: "Look." })));
  assert.deepEqual(broken, [{ level: "refuse", what: "the journal is damaged", next: "Look." }]);
  assert.deepEqual(await journaled(() => Promise.reject(new DeniedError("forbidden"))), []);
  await assert.rejects(
    journaled(() => Promise.reject(new UnreachableError("no answer"))),
    UnreachableError,
  );
});
