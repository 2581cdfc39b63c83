import assert from "node:assert/strict";
import test from "node:test";
import { DeniedError, UnreachableError } from "../../src/lib/errors.ts";
import type { MovedRoute, MovedRoutes } from "../../src/ports/route-family.ts";
import type { Aim } from "../../src/release/aim.ts";
import { splitAt } from "../../src/release/split.ts";
import { oneStep } from "../../src/routes/one-step.ts";

const wordOf = (aim: Aim): string => (aim.to === "split" ? String(aim.canary) : aim.to);

/** Routes that write down what they are asked, in order; `reach` of one of them may do something else. */
function family(
  said: string[],
  names: readonly string[],
  reach: (name: string, aim: Aim) => Promise<void> | void = () => {},
): MovedRoutes {
  const route = (name: string): MovedRoute => ({
    async reach(aim, superseded) {
      if (superseded.aborted) return;
      said.push(`${name} ${wordOf(aim)}`);
      await reach(name, aim);
    },
    written: async () => [],
    takeBack: async () => void said.push(`take back ${name}`),
    splits: async () => [`${name}: v1 alone`],
    serving: async () => ["stable"],
    differences: async (aim) => [`${name} is not ${wordOf(aim)}`],
  });
  return {
    routes: names.map(route),
    prepare: async () => void said.push(`prepare ${names}`),
    cleanUp: async (winner) => void said.push(`clean up ${names} for ${winner}`),
    fence: async () => void said.push(`fence ${names}`),
    unserved: async (among) => Object.fromEntries(among.map((role) => [role, `nobody is behind ${names}`])),
    differences: async (winner) => [`${names} are left for ${winner}`],
  };
}

test("routes of several families are written as one step, in order", async () => {
  const said: string[] = [];
  const router = oneStep([family(said, ["a", "b"]), family(said, ["c"])]);
  await router.prepare();
  await router.write(splitAt(10));
  await router.write(splitAt(0));
  await router.finish("canary");
  await router.cleanUp("canary");
  assert.deepEqual(said, [
    "prepare a,b",
    "prepare c",
    ...["a 10", "b 10", "c 10"],
    ...["a before", "b before", "c before"],
    ...["a swapped", "b swapped", "c swapped"],
    "clean up a,b for canary",
    "clean up c for canary",
  ]);
});

test("a refusal leaves the routes behind it as they are, and the way back gives back those before it", async () => {
  const said: string[] = [];
  const refusing = family(said, ["b"], (_, aim) => {
    if (aim.to === "split") throw new DeniedError("b says no");
  });
  const router = oneStep([family(said, ["a"]), refusing, family(said, ["c"])]);
  await assert.rejects(router.write(splitAt(10)), /b says no/);
  await router.finish("stable");
  assert.deepEqual(said, ["a 10", "b 10", "a before", "b before", "c before"]);
});

test("a weight that is still being written is given up by the way back, which looks once more after it", async () => {
  const said: string[] = [];
  const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
  const slow = family(said, ["a"], async (_, aim) => {
    if (aim.to === "split") await answered;
  });
  const router = oneStep([slow, family(said, ["b"])]);
  const written = router.write(splitAt(10));
  const back = router.finish("stable");
  answer();
  await Promise.all([written, back]);
  assert.deepEqual(said, ["a 10", "a before", "b before", "a before", "b before"]);
});

for (const [other, worst] of [
  [new UnreachableError("no answer for b"), UnreachableError],
  [new DeniedError("b is forbidden"), DeniedError],
] as const) {
  test(`every route is given back, and of several failures the worst decides: no answer and ${other.name} are ${worst.name}`, async () => {
    const said: string[] = [];
    const failing = family(said, ["a", "b", "c"], (name) => {
      if (name === "a") throw new UnreachableError("no answer for a");
      if (name === "b") throw other;
    });
    await assert.rejects(oneStep([failing]).finish("stable"), (error) => {
      assert.ok(error instanceof worst);
      assert.equal(error.message, `no answer for a; ${other.message}`);
      return true;
    });
    assert.deepEqual(said, ["a before", "b before", "c before"]);
  });
}

test("drift is told of the first three routes, differences of all, with what was added for them", async () => {
  const router = oneStep([family([], ["a", "b"]), family([], ["c", "d"])]);
  assert.equal(await router.drift(splitAt(10)), "a is not 10; b is not 10; c is not 10; and 1 more");
  assert.deepEqual(await router.differences("canary"), [
    ...["a", "b", "c", "d"].map((name) => `${name} is not swapped`),
    "a,b are left for canary",
    "c,d are left for canary",
  ]);
  assert.deepEqual((await router.differences("stable")).slice(0, 1), ["a is not before"]);
});

test("without routes there is no drift", async () =>
  assert.equal(await oneStep([family([], [])]).drift(splitAt(10)), undefined));
