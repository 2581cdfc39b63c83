import assert from "node:assert/strict";
import test from "node:test";
import { run } from "../../src/engine/run.ts";
import type { Instant } from "../../src/lib/duration.ts";
import type { Learners, Learnt } from "../../src/release/learnt.ts";
import { type Behaviour, createWorld, job, planOf, second } from "../support/world.ts";

/* What the proxies of the mesh have learnt of what a release wrote: it is awaited within bounds, told, and holds nothing up. */

const learners: Learners = { gateways: 2, callers: 3, without: [], unread: 0 };

/** `looks`: what a look gives, so long after the write; undefined: it hangs. */
async function released(looks: ((since: number) => Learners | undefined) | undefined, behaviour: Behaviour = {}) {
  const world = createWorld(planOf({ confirm: "proxies" }), behaviour);
  const { ports } = world;
  const late: Learnt[] = [];
  const proxies = looks && {
    teach: () => {
      const begun = world.now();
      return {
        look: async (): Promise<Learners> => looks(world.now() - begun) ?? new Promise<Learners>(() => {}),
      };
    },
  };
  const record = await run(await world.begin(), { ...ports, proxies }, job({ unlearnt: (one) => late.push(one) }));
  const told = record.log.flatMap(({ reason }) => (reason.kind === "proxies-learnt" ? [reason] : []));
  const timeOf = (name: string): Instant | undefined => world.calls.find((call) => call.name === name)?.at;
  return { world, record, told, late, timeOf };
}

const after400 = (since: number): Learners => (since < 400 ? { ...learners, without: ["gateway a/b"] } : learners);
const never = (): Learners => ({ ...learners, without: ["gateway a/b"] });
const unknown = (): Learners => ({ gateways: 0, callers: 0, without: [], unread: 0, because: "nobody answers" });
const hangs = (): undefined => undefined;
const bad: Behaviour = { errors: (now) => (now > 30 * second ? 0.5 : 0) };

test("each write is told with the time that it took, and the first weight comes as soon as the pods are known", async () => {
  const { record, told, late, timeOf } = await released(after400);
  assert.equal(record.state.phase, "succeeded");
  assert.deepEqual(
    told.map(({ lesson, after }) => `${lesson} ${after}`),
    // Deployed; three stages and the canary alone, which the end follows at once.
    ["canary 700", "routes 700", "routes 700", "routes 700", "routes 700"],
  );
  assert.deepEqual([late, timeOf("router.write")], [[], 700]);
});

test("who never learns it is named at each weight, and the release goes on within its bounds", async () => {
  const [without, { record, told, late, world }] = await Promise.all([released(undefined), released(never)]);
  assert.equal(record.state.phase, "succeeded");
  const [pods, ...weights] = told;
  assert.deepEqual([pods?.lesson, late.length, late[0]?.without], ["canary", weights.length, ["gateway a/b"]]);
  assert.ok(told.every(({ after }) => after <= planOf().drain));
  // Only who loses keeps its pods for longer: for as long again as requests may take to end.
  assert.ok(world.now() - without.world.now() <= planOf().drain + second);
});

test("proxies that cannot be read, or hang, are told of once, and cost nothing", async () => {
  const without = await released(undefined);
  for (const looks of [unknown, hangs]) {
    const { record, told, late, world } = await released(looks);
    assert.equal(record.state.phase, "succeeded");
    assert.deepEqual([told.length, late], [1, []]);
    const longer = world.now() - without.world.now();
    assert.ok(looks === hangs ? longer <= planOf().drain + second : longer <= second, `${longer}`);
  }
});

test("a rollback is written as soon as if nobody were asked, whatever the proxies do", async () => {
  const [without, ...others] = await Promise.all([
    released(undefined, bad),
    ...[after400, never, unknown, hangs].map((looks) => released(looks, bad)),
  ]);
  const [soonest = 0] = [without.timeOf("router.finish")];
  for (const { record, timeOf } of others) {
    assert.equal(record.state.phase, "rolled-back");
    assert.ok((timeOf("router.finish") ?? Infinity) <= soonest + planOf().pollEvery);
  }
});

test("a stage that has passed waits for proxies that learn, and no longer than they may take", async () => {
  const short = planOf({ confirm: "proxies", meshDelay: 30 * second });
  const world = createWorld(short);
  const proxies = { teach: () => ({ look: async () => never() }) };
  const record = await run(await world.begin(), { ...world.ports, proxies }, job());
  const [first] = record.stages;
  assert.equal(record.state.phase, "succeeded");
  const lasted = (first?.until ?? 0) - (first?.since ?? 0);
  assert.ok(lasted >= 28 * second && lasted <= 36 * second, `${lasted}`);
});
