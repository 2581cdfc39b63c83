import assert from "node:assert/strict";
import test from "node:test";
import { run } from "../../src/engine/run.ts";
import { UnreachableError } from "../../src/lib/errors.ts";
import type { Unserved } from "../../src/release/observation.ts";
import type { ReleaseRecord } from "../../src/release/release-record.ts";
import type { State } from "../../src/release/state.ts";
import { type Behaviour, type Cluster, createWorld, job, judgedByEvidence, planOf, second } from "../support/world.ts";

/* Somebody else's hand, or a version that dies, when the stages are over. */

const ended = async (behaviour: Behaviour, plan = planOf()) => {
  const world = createWorld(plan, behaviour);
  const record = await run(await world.begin(), world.ports, job());
  return { world, ...record };
};

/** Does it once, when it is so. */
function once(when: (cluster: Cluster) => boolean, change: (cluster: Cluster) => void): Behaviour {
  let done = false;
  return {
    meddle(cluster) {
      if (done || !when(cluster)) return;
      done = true;
      change(cluster);
    },
  };
}
const always = (when: (cluster: Cluster) => boolean, change: (cluster: Cluster) => void): Behaviour => ({
  meddle: (cluster) => void (when(cluster) && change(cluster)),
});
const isSwapped = ({ weight }: Cluster): boolean => weight === 100;
const give = (weight: number) => (cluster: Cluster) => {
  cluster.weight = weight;
};

/** Gives the canary requests while its pods start: the first ones, or those for a larger weight. */
const early = (weight: number): Behaviour => {
  const [from, to] = weight === 0 ? [0, 6 * second] : [22 * second, 30 * second];
  let given = false;
  return {
    health: (of, now) => (of === "canary" ? { ready: now < from || now >= to } : {}),
    meddle(cluster, now) {
      if (given || now <= from || now >= to) return;
      given = true;
      cluster.weight = 40;
    },
  };
};

for (const [when, weight] of [
  ["while a canary starts", 0],
  ["while it gets pods for a larger weight", 5],
] as const) {
  test(`weights that somebody changes before the next one are a reason to go back, as in a stage: ${when}`, async () => {
    const { world, state } = await ended(early(weight));
    assert.ok(state.phase === "rolled-back" && state.reason.kind === "drift", JSON.stringify(state));
    assert.equal(state.reason.differences, "v2 has 40%");
    assert.deepEqual(world.cluster, world.before);
    const others = world.writes.filter((write) => write.weight !== 0 && write.weight !== weight);
    assert.deepEqual(others, [], "none was written over them");
  });

  test(`or are put back, and that is told, where the plan says so: ${when}`, async () => {
    const { world, state, log } = await ended(early(weight), planOf({ drift: "put-back" }));
    assert.equal(state.phase, "succeeded");
    assert.equal(log.filter(({ reason }) => reason.kind === "put-back").length, 1);
    assert.deepEqual(
      world.writes.map((write) => write.weight),
      weight === 0 ? [0, 5, 25, 50, 100, 100] : [5, 5, 25, 50, 100, 100],
    );
  });
}

test("a write that failed half-way is the release's own, and nobody else's", async () => {
  let route: Cluster | undefined;
  let failed = false;
  const { state } = await ended({
    meddle: (cluster) => {
      route = cluster;
    },
    fails({ name }) {
      if (failed || name !== "router.write" || !route) return undefined;
      failed = true;
      route.weight = 5;
      return new UnreachableError("no answer");
    },
  });
  assert.ok(failed);
  assert.equal(state.phase, "succeeded");
});

test("what gives everything at once does not mind that somebody gives some of it by hand", async () => {
  const { state } = await ended(early(0), planOf({ stages: [] }));
  assert.equal(state.phase, "succeeded");
});

test("a route that somebody gives back to stable while a swap drains keeps stable's pods: the release goes back", async () => {
  for (const weight of [0, 55]) {
    const { world, state } = await ended(once(isSwapped, give(weight)));
    assert.ok(state.phase === "rolled-back" && state.reason.kind === "drift", JSON.stringify(state));
    assert.deepEqual(world.cluster, world.before);
    assert.ok(!world.calls.some(({ name }) => name === "workload.retire"));
  }
});

test("or is written again, where the plan says so, and requests have time to leave stable again", async () => {
  const { world, state } = await ended(once(isSwapped, give(55)), planOf({ drift: "put-back" }));
  assert.equal(state.phase, "succeeded");
  assert.equal(world.cluster.weight, 100);
  const written = world.writes.findLast(({ weight }) => weight === 100)?.at ?? 0;
  const retired = world.calls.find(({ name }) => name === "workload.retire")?.at ?? 0;
  assert.ok(retired - written >= 10 * second, `${retired - written}`);
});

/** Between the last look before the call and what it writes, the first time that `when` the call is made. */
function justBefore(call: string, weight: number, when: (cluster: Cluster) => boolean): Behaviour {
  let route: Cluster | undefined;
  let given = false;
  return {
    meddle: (cluster) => {
      route = cluster;
    },
    fails({ name }) {
      if (given || name !== call || !route || !when(route)) return undefined;
      given = true;
      route.weight = weight;
      return undefined;
    },
  };
}

for (const [what, call, when, more] of [
  ["the next weight", "router.write", ({ weight }: Cluster) => weight === 25, {}],
  ["the end of a swap", "router.finish", isSwapped, {}],
  ["the end of one without stages", "router.finish", isSwapped, { stages: [] }],
] as const) {
  test(`weights that somebody changes between the last look and ${what} are not written over: the release goes back`, async () => {
    const { world, state } = await ended(justBefore(call, 55, when), planOf(more));
    assert.ok(state.phase === "rolled-back" && state.reason.kind === "drift", JSON.stringify(state));
    assert.equal(state.reason.differences, "v2 has 55%");
    assert.deepEqual(world.cluster, world.before);
  });

  test(`or are put back, and that is told, where the plan says so: before ${what}`, async () => {
    const { world, state, log } = await ended(justBefore(call, 55, when), planOf({ ...more, drift: "put-back" }));
    assert.equal(state.phase, "succeeded");
    assert.equal(world.cluster.weight, 100);
    assert.equal(log.filter(({ reason }) => reason.kind === "put-back").length, 1);
  });
}

for (const promotion of ["swap", "update"] as const)
  test(`weights that somebody changes before a bad canary loses its own are written over at once, and told: ${promotion}`, async () => {
    const { world, state, log } = await ended(
      { ...justBefore("router.finish", 55, () => true), errors: (now) => (now > 30 * second ? 0.6 : 0) },
      planOf({ promotion }),
    );
    assert.ok(state.phase === "rolled-back" && state.reason.kind === "gate-failed", JSON.stringify(state));
    assert.deepEqual(world.cluster, world.before);
    const told = { kind: "put-back", differences: "v2 has 55%" };
    assert.deepEqual(
      log.filter(({ reason }) => reason.kind === "put-back").map(({ reason }) => reason),
      [told],
    );
    assert.ok(world.accounts.some(({ reason }) => JSON.stringify(reason) === JSON.stringify(told)));
    const [failed, back] = [log.find(({ reason }) => reason.kind === "gate-failed"), world.writes.at(-1)];
    assert.ok(failed && back && back.at - failed.at <= second, "nobody looks again first");
  });

test("what the release was about to write when it goes back is its own, and what it goes back for is told once", async () => {
  const half = await ended({
    ...justBefore("router.finish", 25, () => true),
    errors: (now) => (now > 10 * second ? 0.6 : 0),
  });
  const strange = await ended(early(5));
  for (const { log, state } of [half, strange]) {
    assert.equal(state.phase, "rolled-back");
    assert.ok(!log.some(({ reason }) => reason.kind === "put-back"), JSON.stringify(log));
  }
});

test("weights that somebody changes before an update ends are told of, and stable, which is the new version, gets everything", async () => {
  for (const drift of ["put-back", "rollback"] as const) {
    const plan = planOf({ promotion: "update", drift });
    const { world, state, log } = await ended(justBefore("router.finish", 55, isSwapped), plan);
    assert.equal(state.phase, "succeeded", JSON.stringify(state));
    assert.equal(world.cluster.weight, 0);
    const told = log.flatMap(({ reason }) => (reason.kind === "put-back" ? [reason.differences] : []));
    assert.deepEqual(told, ["v2 has 55%"]);
  }
});

test("a canary that somebody gives requests again and again after a rollback keeps its pods, and somebody has to look", async () => {
  let back = false;
  const { world, state } = await ended({
    errors: () => 0.3,
    ...always(
      ({ weight }) => back && weight === 0,
      (cluster) => give(40)(cluster),
    ),
    fails({ name }) {
      back ||= name === "router.finish";
      return undefined;
    },
  });
  assert.ok(state.phase === "failed" && state.reason.kind === "kept" && !state.returned, JSON.stringify(state));
  assert.equal(state.reason.version, "canary");
  assert.equal(world.writes.filter(({ weight }) => weight === 0).length, 3);
  assert.equal(world.cluster.canary, "deployed");
});

test("a canary that dies after a swap gives everything back to a stable that is as it was", async () => {
  let isPromoted = false;
  const { world, state } = await ended({
    fails({ name }) {
      isPromoted ||= name === "router.finish";
      return undefined;
    },
    health: (of) => (of === "canary" && isPromoted ? { available: 0, because: "0 of 1 pods is available" } : {}),
  });
  assert.ok(state.phase === "rolled-back" && state.reason.kind === "pods-gone", JSON.stringify(state));
  assert.deepEqual(
    world.writes.map(({ weight }) => weight),
    [5, 25, 50, 100, 100, 0],
  );
  assert.deepEqual(world.cluster, world.before);
});

const noRule = (version: string): string => `no DestinationRule in namespace shop has the subset ${version}`;
const unservedFrom = (start: number, unserved: Unserved, end = Infinity): Behaviour => ({
  unserved: (now) => (now >= start && now < end ? unserved : {}),
});

test("a stage whose DestinationRule somebody deletes is not passed: stable gets its route back", async () => {
  const nowhere = { stable: noRule("v1"), canary: noRule("v2") };
  const { world, state } = await ended(unservedFrom(15 * second, nowhere));
  assert.ok(state.phase === "rolled-back" && state.reason.kind === "unserved", JSON.stringify(state));
  assert.equal(state.reason.version, "canary");
  assert.deepEqual(
    world.writes.map(({ weight }) => weight),
    [5, 0],
  );
  assert.ok((world.writes.at(-1)?.at ?? Infinity) <= 20 * second);
});

test("no weight is given to a canary whose subset is gone before its first one", async () => {
  const { world, state } = await ended(unservedFrom(1 * second, { canary: noRule("v2") }));
  assert.equal(state.phase, "rolled-back");
  assert.ok(!world.writes.some(({ weight }) => weight > 0), JSON.stringify(world.writes));
});

test("no stage passes while stable's subset is gone; when it comes back in time the release goes on", async () => {
  const { world, state } = await ended(unservedFrom(10 * second, { stable: noRule("v1") }, 39 * second));
  assert.equal(state.phase, "succeeded");
  const [, second25] = world.writes;
  assert.ok(second25?.weight === 25 && second25.at >= 39 * second, JSON.stringify(second25));
});

test("a stable whose subset stays away leaves the canary what it has, and somebody has to look", async () => {
  const { world, state } = await ended(unservedFrom(10 * second, { stable: noRule("v1") }));
  assert.ok(state.phase === "failed" && state.reason.kind === "stable-away" && !state.returned, JSON.stringify(state));
  assert.deepEqual(
    world.writes.map(({ weight }) => weight),
    [5],
  );
  assert.ok(world.accounts.some(({ reason }) => reason.kind === "unserved" && reason.version === "stable"));
});

for (const [what, plan] of [
  ["by a gate of one's own", planOf()],
  ["by evidence", judgedByEvidence(planOf())],
] as const)
  test(`a canary that keeps its requests after a cancellation, as stable gets none, goes on being judged: ${what}`, async () => {
    const stop = new AbortController();
    const world = createWorld(plan, {
      ...unservedFrom(15 * second, { stable: noRule("v1") }),
      errors(now) {
        if (now >= 20 * second) stop.abort("the job was cancelled");
        return now >= 30 * second ? 0.6 : 0;
      },
    });
    const { state } = await run(await world.begin(), world.ports, job({ stop: stop.signal }));
    assert.ok("reason" in state && state.reason.kind === "cancelled", JSON.stringify(state));
    const back = world.writes.find(({ weight, at }) => weight === 0 && at > 0);
    assert.ok(back && back.at >= 30 * second && back.at <= 55 * second, `${back?.at}`);
  });

test("a canary that loses its subset while a swap drains gives everything back to stable", async () => {
  let drains: number | undefined;
  const { world, state } = await ended({
    unserved: (now) => (drains !== undefined && now > drains ? { canary: noRule("v2") } : {}),
    fails({ name, at }) {
      if (name === "router.finish") drains ??= at;
      return undefined;
    },
  });
  assert.ok(state.phase === "rolled-back" && state.reason.kind === "unserved", JSON.stringify(state));
  assert.deepEqual(world.cluster, world.before);
});

test("nobody loses pods while no request reaches either version: the release fails, and both keep theirs", async () => {
  for (const promotion of ["swap", "update"] as const) {
    let drains: number | undefined;
    const { world, state } = await ended(
      {
        unserved: (now) => (drains !== undefined && now > drains ? { stable: noRule("v1"), canary: noRule("v2") } : {}),
        fails({ name, at }) {
          if (name === "router.finish") drains ??= at;
          return undefined;
        },
      },
      planOf({ promotion }),
    );
    assert.ok(state.phase === "failed" && state.reason.kind === "unserved", JSON.stringify(state));
    assert.ok(!world.calls.some(({ name }) => name === "workload.retire"));
  }
});

test("a canary that dies after a swap gives everything to a stable that somebody has changed meanwhile, too", async () => {
  let isPromoted = false;
  const { state, world } = await ended({
    fails({ name }) {
      isPromoted ||= name === "router.finish";
      return undefined;
    },
    health: (of) => ({
      ...(of === "stable" ? { untouched: false } : {}),
      ...(of === "canary" && isPromoted ? { available: 0, because: "it is scaled to 0" } : {}),
    }),
  });
  assert.ok(state.phase === "rolled-back" && state.reason.kind === "pods-gone", JSON.stringify(state));
  assert.equal(world.cluster.weight, 0);
});

test("a canary that dies while stable gets the image leaves its requests to stable, which is updated all the same", async () => {
  let updating: number | undefined;
  const { world, state } = await ended(
    {
      fails({ name, at }) {
        if (name === "workload.updateStable") updating ??= at;
        return undefined;
      },
      health(of, now) {
        if (updating === undefined) return {};
        return of === "canary" ? { ready: false, available: 0 } : { ready: now > updating + 30 * second };
      },
    },
    planOf({ promotion: "update" }),
  );
  assert.equal(state.phase, "succeeded", JSON.stringify(state));
  const given = world.writes.find(({ weight, at }) => weight === 0 && at > 0);
  assert.ok(given && updating !== undefined && given.at <= updating + 2 * second, `${given?.at} ${updating}`);
});

test("a stable that somebody scaled to 0 gets its pods, and they are awaited, before a bad canary loses its requests", async () => {
  let revived: number | undefined;
  const { world, state } = await ended({
    errors: (now) => (now > 30 * second ? 0.6 : 0),
    ...once(
      ({ weight }) => weight === 25,
      (cluster) => {
        cluster.stable = "emptied";
      },
    ),
    fails({ name, at }) {
      if (name === "workload.revive") revived = at;
      return undefined;
    },
    health: (of, now) =>
      of === "stable" && revived !== undefined && now < revived + 7 * second ? { ready: false, available: 0 } : {},
  });
  assert.equal(state.phase, "rolled-back");
  const [back] = world.writes.filter(({ weight }) => weight === 0);
  assert.ok(revived !== undefined && back && back.at >= revived + 7 * second, `${revived} ${back?.at}`);
  assert.deepEqual(world.cluster, world.before);
});

for (const promotion of ["swap", "update"] as const)
  for (const step of ["draining", "retiring"] as const)
    test(`a stable that somebody scales to 0 when it has its requests back gets its pods: ${promotion}, ${step}`, async () => {
      let emptied: number | undefined;
      let revived: number | undefined;
      const world = createWorld(planOf({ promotion }), {
        errors: () => 0.6,
        fails({ name, at }) {
          const { state } = world.load() ?? assert.fail();
          if (state.phase === "rolling-back" && state.step === step && emptied === undefined) {
            emptied = at;
            world.cluster.stable = "emptied";
          }
          if (name === "workload.revive") revived = at;
          return undefined;
        },
        health: (of, now) =>
          of === "stable" && revived !== undefined && now < revived + 40 * second
            ? { ready: false, available: 0, because: "0 of 1 pods is available" }
            : {},
      });
      const { state } = await run(await world.begin(), world.ports, job());
      assert.equal(state.phase, "rolled-back", JSON.stringify(state));
      assert.ok(emptied !== undefined && revived !== undefined && revived - emptied <= 2 * second, `${revived}`);
      const restored = world.calls.find(({ name }) => name === "workload.restore")?.at ?? 0;
      assert.ok(restored >= revived + 40 * second, "the canary's pods were kept until stable had some");
      assert.deepEqual(world.cluster, world.before);
    });

test("a stable that is revived and gets no pod keeps the canary's, and somebody has to look", async () => {
  let emptied = false;
  const { world, state } = await ended({
    errors: () => 0.6,
    fails({ name }) {
      emptied ||= name === "router.finish";
      return undefined;
    },
    health: (of) => (of === "stable" && emptied ? { ready: false, available: 0, desired: 0 } : {}),
  });
  assert.ok(state.phase === "failed" && state.reason.kind === "unserved" && state.returned, JSON.stringify(state));
  assert.equal(world.calls.filter(({ name }) => name === "workload.revive").length, 2);
  assert.equal(world.cluster.canary, "deployed");
});

test("a stable whose pods do not come leaves the canary its requests, and somebody has to look", async () => {
  const { world, state } = await ended({
    errors: (now) => (now > 30 * second ? 0.6 : 0),
    health: (of, now) => (of === "stable" && now > 25 * second ? { ready: false, available: 0 } : {}),
  });
  assert.ok(state.phase === "failed" && state.reason.kind === "stable-away" && !state.returned, JSON.stringify(state));
  assert.ok(world.cluster.weight > 0);
});

test("a stable that cannot be looked at holds a rollback up for a second, and no longer", async () => {
  let failed: number | undefined;
  const { world, state } = await ended({
    errors(now) {
      if (now > 30 * second) failed ??= now;
      return now > 30 * second ? 0.6 : 0;
    },
    takes: ({ name }) => (failed !== undefined && name === "workload.health stable" ? 60 * second : undefined),
  });
  assert.equal(state.phase, "rolled-back");
  const [back] = world.writes.filter(({ weight }) => weight === 0);
  assert.ok(back && failed !== undefined && back.at - failed <= second, `${failed} ${back?.at}`);
});

test("an updated stable that dies while the canary drains gives its requests to the canary, and gets them when it is well", async () => {
  const phases: State["phase"][] = [];
  let died: number | undefined;
  const { world, state } = await ended(
    {
      fails({ name, at }) {
        if (name === "router.finish") died ??= at + second;
        return undefined;
      },
      health: (of, now) =>
        of === "stable" && died !== undefined && now >= died && now < died + 20 * second
          ? { ready: false, available: 0, because: "0 of 1 pods is available" }
          : {},
    },
    planOf({ promotion: "update" }),
  );
  assert.equal(state.phase, "succeeded", JSON.stringify({ state, phases }));
  assert.deepEqual(
    world.writes.map(({ weight }) => weight),
    [5, 25, 50, 100, 0, 100, 0],
  );
  assert.deepEqual(world.cluster, { weight: 0, canary: "as before", stable: "new image", subset: false });
});

const late = 'VirtualService shop/late: route "a" sends 100% of its requests to reviews subset v1';

test("a rule for stable alone that somebody makes while a swap goes on keeps stable's pods, and somebody has to look", async () => {
  const { world, state } = await ended({ stranded: (version) => (version === "stable" ? [late] : []) });
  assert.deepEqual(state, {
    phase: "failed",
    during: "promoting",
    returned: false,
    reason: { kind: "stranded", version: "stable", by: late },
  });
  assert.equal(world.cluster.weight, 100);
  assert.equal(world.cluster.stable, "as before");
});

test("nobody is asked for where the old version is kept", async () => {
  const { world, state } = await ended({ stranded: () => [late] }, planOf({ keepOld: true }));
  assert.equal(state.phase, "succeeded");
  assert.ok(!world.calls.some(({ name }) => name === "bystanders.strandedWithout"));
});

test("a rule for the canary alone that somebody makes before a rollback keeps the canary's pods, without any other request", async () => {
  const { world, state } = await ended({
    errors: () => 0.3,
    stranded: (version) => (version === "canary" ? ["a tester's rule"] : []),
  });
  assert.deepEqual(state, {
    phase: "failed",
    during: "rolling-back",
    returned: true,
    reason: { kind: "stranded", version: "canary", by: "a tester's rule" },
  });
  assert.equal(world.cluster.weight, 0);
  assert.equal(world.cluster.canary, "deployed");
});

test("an update asks who needs the canary before it takes its pods", async () => {
  const { world, state } = await ended(
    { stranded: (version) => (version === "canary" ? ["a tester's rule"] : []) },
    planOf({ promotion: "update" }),
  );
  assert.ok(state.phase === "failed" && state.reason.kind === "stranded" && state.returned, JSON.stringify(state));
  assert.equal(world.cluster.canary, "deployed");
});

test("no pods are taken as long as nobody knows whom that would leave", async () => {
  let asked = 0;
  const { world, state } = await ended({
    fails: ({ name }) =>
      name === "bystanders.strandedWithout" && asked++ < 3 ? new UnreachableError("no answer") : undefined,
  });
  assert.equal(state.phase, "succeeded");
  const names = world.calls.map(({ name }) => name);
  assert.ok(names.indexOf("workload.retire") > names.lastIndexOf("bystanders.strandedWithout"));
  assert.equal(asked, 4);
});

test("what another job still wrote before its release was fenced is seen before pods are taken", async () => {
  let landed = false;
  const world = createWorld(planOf(), {
    latency(request) {
      if (request === "fence" && !landed) {
        landed = true;
        give(45)(world.cluster);
      }
      return 0;
    },
  });
  const begun = await world.begin();
  Object.assign(world.cluster, { weight: 100, canary: "deployed", subset: true });
  const record: ReleaseRecord = { ...begun, state: { phase: "promoting", step: "retiring", since: world.now() } };
  const { state } = await run(record, world.ports, job({ taken: true }));
  assert.ok(state.phase === "rolled-back" && state.reason.kind === "drift", JSON.stringify(state));
  assert.ok(!world.calls.some(({ name }) => name === "workload.retire"));
});
