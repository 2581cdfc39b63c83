import assert from "node:assert/strict";
import test, { after, before } from "node:test";
import { DeniedError, RefusedError, TakenOverError } from "../../src/lib/errors.ts";
import { splitAt } from "../../src/release/split.ts";
import { allRoutes } from "../../src/routes/routes.ts";
import { fencePassed, noFence } from "../support/fences.ts";
import { stageOf } from "../support/world.ts";
import {
  createRouteScene,
  type RouteMaker,
  type RouterWorld,
  type RouteScene,
  type RuleSketch,
} from "./route-scene.ts";

const alone: readonly RuleSketch[] = [{ to: [["v1"]] }];
const primary = (...to: RuleSketch["to"]): RuleSketch => ({ name: "primary", to });
const both = [primary(["v1", 100], ["v2", 0])];

/** What any family of routes has to do on any API server. */
export function routerContract(name: string, setUp: () => Promise<RouterWorld>, maker: RouteMaker): void {
  const { kind, title, word, ofRequests, setsCookies, mostRules } = maker;
  const first = word("primary", 0);
  let world: RouterWorld;
  before(async () => {
    world = await setUp();
  });
  after(() => world.close());

  const fact = (what: string, body: (scene: RouteScene) => Promise<void>): void => {
    test(`${name}, ${title}: ${what}`, async () => body(await createRouteScene(world, maker)));
  };
  /** What needs several rules in an object. */
  const among: typeof fact = (what, body) => (mostRules > 1 ? fact(what, body) : undefined);

  const letIn = { testers: [{ headers: { "x-canary": { exact: "yes" } } }, { cookies: { canary: { prefix: "a" } } }] };
  const beginWithTesters = (scene: RouteScene) =>
    scene.beginForMany({ reviews: [{ path: "/other/", to: [["other"]] }, ...both] }, maker.family, letIn);
  const testersAlone = { ...splitAt(0), ...letIn };

  const letsIn: typeof fact = (what, body) => (ofRequests ? fact(what, body) : undefined);

  letsIn(
    "testers are let in before any weight by one write, and by a rule before that of everybody else",
    async (scene) => {
      const router = (await beginWithTesters(scene))(noFence);
      await router.write(testersAlone);
      assert.deepEqual(scene.calls.splice(0), ["get reviews", "patch reviews", "get reviews"]);
      assert.equal(await scene.weights("reviews"), "other; v2; v1 100, v2 0");
      assert.equal(await router.drift(testersAlone), undefined);
      await router.write({ ...splitAt(30), ...letIn }, testersAlone);
      assert.equal(await scene.weights("reviews"), "other; v2; v1 70, v2 30");
      const written = (await router.written()).map(({ is, destinations }) => [is, destinations.length]);
      assert.deepEqual(
        written,
        [
          ["other", 1],
          ["added", 1],
          ["moved", 2],
        ],
        "what proxies have to have",
      );
      await router.write({ ...splitAt(30), ...letIn });
      assert.deepEqual(scene.calls.splice(0).slice(-1), ["get reviews"], "writing twice is writing once");
    },
  );

  for (const [how, winner] of [
    ["given back", "stable"],
    ["swapped", "canary"],
  ] as const)
    letsIn(`the rule for testers goes when a release is ${how}, by whichever job`, async (scene) => {
      const open = await beginWithTesters(scene);
      const original = await scene.spec("reviews");
      await open(noFence).write({ ...splitAt(30), ...letIn });
      const other = open(noFence);
      await other.fence();
      assert.match((await other.differences(winner)).join(), /added for testers, is still there/);
      await other.finish(winner);
      assert.equal(await scene.weights("reviews"), winner === "stable" ? "other; v1 100, v2 0" : "other; v1 0, v2 100");
      if (winner === "stable") assert.equal(await scene.spec("reviews"), original);
      assert.equal(await other.strayed(winner), undefined);
    });

  letsIn(
    "a rule for testers that somebody turns, or takes away, is drift, and is put right by a write",
    async (scene) => {
      const router = (await beginWithTesters(scene))(noFence);
      await router.write(testersAlone);
      const written = await scene.spec("reviews");
      await scene.edit("reviews", (rules) => rules.map((rule, at) => (at === 1 ? { ...rule, to: [["v1"]] } : rule)));
      assert.match(
        (await router.drift(testersAlone)) ?? "",
        /"istio-canary-testers", which is for testers, was changed, written by/,
      );
      await assert.rejects(router.write({ ...splitAt(30), ...letIn }, testersAlone), { name: "StrayedError" });
      await router.write(testersAlone);
      assert.equal(await scene.spec("reviews"), written);
      await scene.edit("reviews", (rules) => rules.filter((_, at) => at !== 1));
      assert.match(
        (await router.drift(testersAlone)) ?? "",
        /"istio-canary-testers", which is for testers, is not there/,
      );
      await router.write(testersAlone);
      assert.equal(await scene.spec("reviews"), written);
      assert.deepEqual((await router.strayed("stable"))?.serving.toSorted(), ["canary", "stable"]);
    },
  );

  letsIn("a rule of somebody else's with the name of that for testers stays", async (scene) => {
    const router = (await beginWithTesters(scene))(noFence);
    await router.write(testersAlone);
    const theirs: RuleSketch = { name: "istio-canary-testers", path: "/theirs/", to: [["other"]] };
    await scene.edit("reviews", (rules) => [theirs, ...rules]);
    await router.finish("stable");
    assert.equal(await scene.weights("reviews"), "other; other; v1 100, v2 0");
  });

  letsIn(
    "testers whose rule was left by a journal that is gone are put out by whoever gives back without it",
    async (scene) => {
      await (await beginWithTesters(scene))(noFence).write({ ...splitAt(30), ...letIn });
      const target = scene.target(["reviews"]);
      const routes = allRoutes([maker.family(world.client)]);
      await routes.router(target, await routes.captureGivenBack(target), noFence).finish("stable");
      assert.equal(await scene.weights("reviews"), "other; v1 100, v2 0");
    },
  );

  const mirrored = { stages: [stageOf(0, { mirror: 50 })] };
  const copied = { ...splitAt(0), mirror: 50 };
  const other = ["other", 10] as const;
  const withOther: readonly RuleSketch[] = [{ name: "primary", to: [["v1", 100]], copies: [other] }];

  letsIn("copies of requests come by one write and go with the first weight; those of others stay", async (scene) => {
    const router = (await scene.beginForMany({ reviews: withOther }, maker.family, mirrored))(noFence);
    const original = await scene.spec("reviews");
    await router.write(copied);
    assert.deepEqual(scene.calls.splice(0), ["get reviews", "patch reviews", "get reviews"]);
    assert.deepEqual(await scene.rules("reviews"), [{ ...withOther[0], copies: [other, ["v2", 50]] }]);
    assert.equal(await router.drift(copied), undefined);
    await scene.edit("reviews", (rules) => rules.map((rule) => ({ ...rule, copies: [other, ["v2", 100]] })));
    assert.match((await router.drift(copied)) ?? "", /its mirrors are others than the release left it/);
    await router.write(copied);
    await router.write(splitAt(30), copied);
    assert.deepEqual((await scene.rules("reviews"))[0]?.copies, [other]);
    assert.equal(await scene.weights("reviews"), "v1 70, v2 30");
    await router.finish("stable");
    assert.equal(await scene.spec("reviews"), original);
  });

  letsIn("copies that a job left are taken away by whoever gives its release back", async (scene) => {
    const open = await scene.beginForMany({ reviews: both }, maker.family, mirrored);
    const original = await scene.spec("reviews");
    await open(noFence).write(copied);
    assert.notEqual(await scene.spec("reviews"), original);
    assert.match((await open(noFence).differences("stable")).join(), /its mirrors are others/);
    await open(noFence).finish("stable");
    assert.equal(await scene.spec("reviews"), original);
  });

  const kept = { affinity: { cookie: "version", release: "r1" } };
  const keeping = (weight: number) => ({ ...splitAt(weight), ...kept });
  const keeps: typeof fact = (what, body) => (setsCookies ? fact(what, body) : undefined);

  for (const winner of ["stable", "canary"] as const)
    keeps(
      `users are kept by a cookie from the first weight on, and freed at once when ${winner} gets everything`,
      async (scene) => {
        const open = await scene.beginForMany({ reviews: both }, maker.family, kept);
        const original = await scene.spec("reviews");
        const router = open(noFence);
        await router.write(keeping(30));
        assert.deepEqual(scene.calls.splice(0), ["get reviews", "patch reviews", "get reviews"]);
        assert.equal(await scene.weights("reviews"), "v2; v1; v1 70, v2 30");
        const written = await scene.spec("reviews");
        for (const role of ["stable", "canary"])
          assert.equal(written.split(`version=r1-${role}; Path=/`).length, 2, written);
        await router.write(keeping(60), keeping(30));
        assert.equal(await scene.weights("reviews"), "v2; v1; v1 40, v2 60");
        await scene.edit("reviews", (rules) => rules.slice(1));
        assert.match(
          (await router.drift(keeping(60))) ?? "",
          /which is for users with the canary's cookie, is not there/,
        );
        const other = open(noFence);
        await other.finish(winner);
        assert.equal(await scene.weights("reviews"), winner === "stable" ? "v1 100, v2 0" : "v1 0, v2 100");
        assert.doesNotMatch(await scene.spec("reviews"), /r1-/);
        if (winner === "stable") assert.equal(await scene.spec("reviews"), original);
      },
    );

  fact("one weight step is one read, one write and one reading back", async (scene) => {
    const router = await scene.begin({ reviews: both });
    await router.write(splitAt(10));
    assert.deepEqual(scene.calls.splice(0), ["get reviews", "patch reviews", "get reviews"]);
    assert.equal(await scene.weights("reviews"), "v1 90, v2 10");
  });

  fact("many rules in one object take no more calls than one", async (scene) => {
    const rules = Array.from({ length: mostRules }, (_, index): RuleSketch => ({ path: `/${index}/`, to: [["v1"]] }));
    const router = await scene.begin({ reviews: rules });
    await router.write(splitAt(25));
    assert.deepEqual(scene.calls.splice(0), ["get reviews", "patch reviews", "get reviews"]);
    assert.equal(await scene.weights("reviews"), Array.from({ length: mostRules }, () => "v1 75, v2 25").join("; "));
  });

  fact("writing what is there already is one read", async (scene) => {
    const router = await scene.begin({ reviews: both });
    await router.write(splitAt(10));
    scene.calls.splice(0);
    await router.write(splitAt(10));
    assert.deepEqual(scene.calls, ["get reviews"]);
  });

  for (const [what, rules] of Object.entries({ "stable's destination alone": alone, "both destinations": both })) {
    fact(`a rule that began with ${what} is given back as it was`, async (scene) => {
      const router = await scene.begin({ reviews: rules });
      const original = await scene.spec("reviews");
      for (const weight of [10, 50, 100]) await router.write(splitAt(weight));
      await router.finish("stable");
      assert.equal(await scene.spec("reviews"), original);
      assert.deepEqual(await router.differences("stable"), []);
    });
  }

  fact("after a swap a rule that began with stable alone has the canary alone", async (scene) => {
    const router = await scene.begin({ reviews: alone });
    await router.prepare();
    await router.write(splitAt(100));
    await router.finish("canary");
    assert.equal(await scene.weights("reviews"), "v2");
    assert.deepEqual(await router.differences("canary"), []);
  });

  fact("after a swap a rule that began with both has them at 0 and 100", async (scene) => {
    const router = await scene.begin({ reviews: both });
    await router.finish("canary");
    assert.equal(await scene.weights("reviews"), "v1 0, v2 100");
  });

  among(
    "a rule that somebody puts in front between reading and writing stays, and the right one is moved",
    async (scene) => {
      const router = await scene.begin({ reviews: both });
      const testers: RuleSketch = { path: "/testers/", to: [["v2"]] };
      scene.beforePatch(1, () => scene.edit("reviews", (rules) => [testers, ...rules]));
      await router.write(splitAt(20));
      assert.equal(await scene.weights("reviews"), "v2; v1 80, v2 20");
      await router.finish("stable");
      assert.deepEqual(await scene.rules("reviews"), [testers, ...both]);
    },
  );

  fact("somebody who takes every write back is named after five writes", async (scene) => {
    const router = await scene.begin({ reviews: both });
    scene.afterPatch(9, () => scene.draw("reviews", both));
    await assert.rejects(router.write(splitAt(20)), {
      name: "DeniedError",
      message: `${kind} ${scene.namespace}/reviews was written 5 times and is still not as it should be (${first}: v1 80, v2 20): kubectl writes it, too.`,
    });
    assert.equal(scene.calls.filter((call) => call === "patch reviews").length, 5);
  });

  fact("a job that lost its release between reading and writing writes nothing", async (scene) => {
    const job = (await scene.beginForMany({ reviews: both }))(fencePassed(0));
    await assert.rejects(job.write(splitAt(10)), TakenOverError);
    await assert.rejects(job.finish("canary"), TakenOverError);
    await job.finish("stable"); // where nothing is to be written nobody is asked
    assert.equal(await scene.weights("reviews"), "v1 100, v2 0");
    assert.deepEqual(scene.calls, ["get reviews", "get reviews", "get reviews"]);
  });

  fact(
    "a write that was under way when another job took the release over never lands after that job looked",
    async (scene) => {
      const open = await scene.beginForMany({ reviews: both, others: both });
      const other = open(noFence);
      const job = open(fencePassed(1, () => other.fence()));
      await assert.rejects(job.write(splitAt(30)), TakenOverError);
      assert.deepEqual(
        scene.calls.filter((call) => call === "patch reviews"),
        ["patch reviews", "patch reviews", "patch reviews"], // two of the fence, and the one that failed
      );
      assert.equal(await scene.weights("reviews"), "v1 100, v2 0");
    },
  );

  fact("several routes of which one is lost are lost, and no other trouble", async (scene) => {
    const open = await scene.beginForMany({ first: both, second: both });
    await open(noFence).write(splitAt(30));
    scene.refusePatches("first");
    await assert.rejects(open(fencePassed(1)).finish("stable"), TakenOverError);
  });

  fact("a fence leaves nothing behind, and fences no route that is gone", async (scene) => {
    const open = await scene.beginForMany({ reviews: both, others: both });
    const before = await scene.object("reviews");
    await scene.delete("others");
    await open(noFence).fence();
    const { metadata, ...rest } = await scene.object("reviews");
    const { metadata: was, ...spec } = before;
    assert.notEqual(metadata.resourceVersion, was.resourceVersion);
    assert.deepEqual([rest, metadata.labels, metadata.annotations], [spec, was.labels, was.annotations]);
  });

  fact(
    "a weight is taken back by the job that wrote it last, and not when somebody has written since",
    async (scene) => {
      const job = await scene.begin({ reviews: both, others: both });
      await job.takeBack();
      assert.deepEqual(scene.calls, [], "nothing was written");
      await job.write(splitAt(30));
      await scene.draw("others", [primary(["v1", 10], ["v2", 90])]);
      await job.takeBack();
      assert.deepEqual(
        [await scene.weights("reviews"), await scene.weights("others")],
        ["v1 100, v2 0", "v1 10, v2 90"],
      );
    },
  );

  fact("drift is told in weights, with the one who wrote it, and is nothing after a write", async (scene) => {
    const router = await scene.begin({ reviews: both });
    await router.write(splitAt(10));
    assert.equal(await router.drift(splitAt(10)), undefined);
    await scene.draw("reviews", [primary(["v1", 80], ["v2", 20])]);
    assert.equal(
      await router.drift(splitAt(10)),
      `${kind} ${scene.namespace}/reviews ${first}: v1 80, v2 20 instead of v1 90, v2 10, written by kubectl`,
    );
  });

  fact(
    "what somebody else wrote after the last look is not written over, and a step half done is the release's own",
    async (scene) => {
      const router = await scene.begin({ reviews: both, other: both });
      await router.write(splitAt(10));
      await scene.draw("reviews", [primary(["v1", 75], ["v2", 25])]);
      assert.equal(await router.drift(splitAt(10), splitAt(25)), undefined);
      await router.write(splitAt(25), splitAt(10));
      await scene.beforePatch(1, () => scene.draw("reviews", [primary(["v1", 45], ["v2", 55])]));
      for (const write of [
        () => router.write(splitAt(50), splitAt(25)),
        () => router.finish("canary", splitAt(25)),
        () => router.finish("stable", splitAt(25)),
        () => router.finish("stable", splitAt(25), splitAt(50)),
      ]) {
        await assert.rejects(write(), {
          name: "StrayedError",
          message: /v1 45, v2 55 instead of v1 75, v2 25, written/,
        });
        assert.equal(await scene.weights("reviews"), "v1 45, v2 55");
      }
      assert.match(
        (await router.strayed("canary", splitAt(25)))?.differences ?? "",
        /v1 45, v2 55 instead of v1 75, v2 25/,
      );
      await router.write(splitAt(25));
      assert.equal(await router.strayed("canary", splitAt(25)), undefined);
    },
  );

  fact("who goes back is not kept by what the release was about to write, or to end with", async (scene) => {
    const router = await scene.begin({ reviews: both });
    const before = await scene.weights("reviews");
    for (const reach of [() => router.write(splitAt(50)), () => router.finish("canary")]) {
      await reach();
      await assert.rejects(router.finish("stable", splitAt(10), splitAt(25)), { name: "StrayedError" });
      await router.finish("stable", splitAt(50), splitAt(100));
      assert.equal(await scene.weights("reviews"), before);
    }
  });

  fact("whether anybody answers a version's requests is not asked where that was not clear before", async (scene) => {
    const router = await scene.begin({ reviews: both });
    scene.calls.splice(0);
    assert.deepEqual(await router.unserved(["stable", "canary"]), {});
    assert.deepEqual(scene.calls, []);
  });

  fact("a route that strays from its end is told with those who get requests by it", async (scene) => {
    const router = await scene.begin({ reviews: both, other: both });
    await router.finish("canary");
    assert.equal(await router.strayed("canary"), undefined);
    const astray: unknown[] = [];
    for (const [v1, v2] of [
      [45, 55],
      [100, 0],
    ] as const) {
      await scene.draw("reviews", [primary(["v1", v1], ["v2", v2])]);
      astray.push((await router.strayed("canary"))?.serving.toSorted());
    }
    assert.deepEqual(astray, [
      ["canary", "stable"],
      ["canary", "stable"],
    ]);
    await scene.draw("other", [primary(["v1", 100], ["v2", 0])]);
    const { differences = "", serving } = (await router.strayed("canary")) ?? {};
    assert.deepEqual(serving, ["stable"]);
    assert.match(differences, new RegExp(`reviews ${first}: v1 100, v2 0 instead of v1 0, v2 100, written by kubectl`));
    await scene.delete("reviews");
    await scene.delete("other");
    assert.deepEqual((await router.strayed("stable"))?.serving, []);
  });

  among("a rule that is gone is drift, and no other rule is taken for it", async (scene) => {
    const rest: RuleSketch = { name: "rest", path: "/", to: [["other"]] };
    const router = await scene.begin({ reviews: [...both, rest] });
    await scene.edit("reviews", (rules) => rules.slice(1));
    const left = await scene.spec("reviews");
    assert.match(
      (await router.drift(splitAt(10))) ?? "",
      new RegExp(`${first} is gone, or so changed that nothing tells it from the others$`),
    );
    await assert.rejects(router.write(splitAt(10)), DeniedError);
    await router.finish("stable");
    assert.equal(await scene.spec("reviews"), left);
    assert.match((await router.differences("stable")).join(), new RegExp(`${first} is gone`));
  });

  fact("a rule without a name whose match somebody edits in a stage is given back all the same", async (scene) => {
    const router = await scene.begin({ reviews: [{ to: [["v1"]] }] });
    await router.write(splitAt(50));
    await scene.edit("reviews", ([rule, ...others]) => [{ ...rule, path: "/v1/" } as RuleSketch, ...others]);
    assert.deepEqual((await router.strayed("stable"))?.serving.toSorted(), ["canary", "stable"]);
    await router.finish("stable");
    assert.equal(await router.strayed("stable"), undefined);
    assert.doesNotMatch(await scene.weights("reviews"), /v2 [1-9]/);
  });

  fact("where two rules may be the one that is not known again, whom they serve is told", async (scene) => {
    if (mostRules < 2) return;
    const router = await scene.begin({ reviews: both });
    await router.write(splitAt(50));
    const split = [
      ["v1", 50],
      ["v2", 50],
    ] as const;
    await scene.draw("reviews", [
      { path: "/a/", to: split },
      { path: "/b/", to: split },
    ]);
    assert.deepEqual((await router.strayed("stable"))?.serving.toSorted(), ["canary", "stable"]);
  });

  fact("a rule of the old name that serves something else now is left alone", async (scene) => {
    const router = await scene.begin({ reviews: both });
    await scene.draw("reviews", [primary(["other"])]);
    const left = await scene.spec("reviews");
    await assert.rejects(router.write(splitAt(10)), DeniedError);
    await router.finish("stable");
    assert.equal(await scene.spec("reviews"), left);
  });

  fact(
    "an object that was deleted is drift, refuses weights, does not hold up a rollback, and is told at the end",
    async (scene) => {
      const router = await scene.begin({ reviews: both });
      await router.write(splitAt(10));
      await scene.delete("reviews");
      const gone = `${kind} ${scene.namespace}/reviews is gone: somebody else deleted it`;
      assert.equal(await router.drift(splitAt(10)), gone);
      await assert.rejects(router.write(splitAt(20)), {
        name: "DeniedError",
        message: `${kind} ${scene.namespace}/reviews was deleted during the release.`,
      });
      await assert.rejects(router.finish("canary"), DeniedError);
      await router.finish("stable");
      assert.deepEqual(await router.differences("stable"), [gone]);
    },
  );

  fact("one that is being deleted is drift and takes weights while somebody holds it, and is told", async (scene) => {
    const router = await scene.begin({ reviews: both });
    await scene.hold("reviews", ["example.com/hold"]);
    await scene.delete("reviews");
    await router.write(splitAt(10));
    assert.equal(await router.drift(splitAt(10)), `${kind} ${scene.namespace}/reviews is being deleted`);
    await router.finish("stable");
    assert.equal(await scene.weights("reviews"), "v1 100, v2 0");
    assert.deepEqual(await router.differences("stable"), [`${kind} ${scene.namespace}/reviews is being deleted`]);
    await scene.hold("reviews", []);
  });

  fact("a stable destination that somebody removed comes back with the traffic", async (scene) => {
    const router = await scene.begin({ reviews: both });
    const original = await scene.spec("reviews");
    await router.write(splitAt(50));
    await scene.draw("reviews", [primary(["v2"])]);
    await router.finish("stable");
    assert.equal(await scene.spec("reviews"), original);
  });

  fact("several objects are written in order, and the ones behind a refusal are left alone", async (scene) => {
    const router = await scene.begin({ first: both, second: both, third: both });
    scene.refusePatches("second");
    await assert.rejects(router.write(splitAt(10)), DeniedError);
    assert.deepEqual(
      [await scene.weights("first"), await scene.weights("second"), await scene.weights("third")],
      ["v1 90, v2 10", "v1 100, v2 0", "v1 100, v2 0"],
    );
  });

  fact("one object that refuses keeps no other from getting its traffic back", async (scene) => {
    const router = await scene.begin({ first: both, second: both, third: both });
    await router.write(splitAt(10));
    scene.refusePatches("first");
    await assert.rejects(
      router.finish("stable"),
      new RegExp(`first could not be written \\(${first}: v1 100, v2 0\\)`),
    );
    assert.deepEqual(
      [await scene.weights("first"), await scene.weights("second"), await scene.weights("third")],
      ["v1 90, v2 10", "v1 100, v2 0", "v1 100, v2 0"],
    );
    const [difference = "", ...more] = await router.differences("stable");
    assert.ok(
      difference.startsWith(`${kind} ${scene.namespace}/first ${first}: v1 90, v2 10 instead of v1 100, v2 0`),
      difference,
    );
    assert.deepEqual(more, []);
  });

  fact("a share of nothing is the route before the release", async (scene) => {
    const router = await scene.begin({ reviews: alone });
    const original = await scene.spec("reviews");
    await router.write(splitAt(10));
    await router.write(splitAt(0));
    assert.equal(await scene.spec("reviews"), original);
  });

  fact("what cannot be released is refused with every reason at once", async (scene) => {
    await scene.draw("reviews", [primary(["v1", 50], ["v2", 50])]);
    const routes = allRoutes([maker.family(world.client)]);
    await assert.rejects(routes.capture(scene.target(["reviews", "absent"])), (error) => {
      assert.ok(error instanceof RefusedError);
      assert.match(error.message, /absent does not exist \(in \S+: reviews\)/);
      assert.match(error.message, new RegExp(`${first} sends 50% of its requests to the canary already`));
      return true;
    });
  });

  among("what both versions have can be given to stable also when nobody knows how it was before", async (scene) => {
    const others: RuleSketch = {
      name: "others",
      path: "/others/",
      to: [
        ["v1", 20],
        ["v2", 30],
        ["other", 50],
      ],
    };
    const untouched: RuleSketch = { name: "rest", path: "/rest/", to: [["other"]] };
    await scene.draw("reviews", [others, untouched, primary(["v1", 70], ["v2", 30])]);
    const routes = allRoutes([maker.family(world.client)]);
    const target = scene.target(["reviews"]);
    assert.deepEqual([...(await routes.serving(target))].sort(), ["canary", "stable"]);
    const router = routes.router(target, await routes.captureGivenBack(target), noFence);
    assert.deepEqual(await router.splits(), [
      `${kind} ${scene.namespace}/reviews ${word("others", 0)}: v1 20, v2 30, ratings 50`,
      `${kind} ${scene.namespace}/reviews ${word("primary", 2)}: v1 70, v2 30`,
    ]);
    await router.finish("stable");
    assert.equal(await scene.weights("reviews"), "v1 50, v2 0, other 50; other; v1 100, v2 0");
    assert.deepEqual(await router.differences("stable"), []);
    assert.deepEqual(await routes.serving(target), ["stable"]);
  });

  fact("the one version that has all requests is known, and none while both have some", async (scene) => {
    const routes = allRoutes([maker.family(world.client)]);
    const servers: unknown[] = [];
    for (const [stable, canary] of [
      [100, 0],
      [50, 50],
      [0, 100],
    ] as const) {
      await scene.draw("reviews", [primary(["v1", stable], ["v2", canary])]);
      servers.push(await routes.soleServer(scene.target(["reviews"])));
    }
    assert.deepEqual(servers, ["stable", undefined, "canary"]);
  });

  fact(
    "where no route is named, those that send to the service are found; one that is named is enough",
    async (scene) => {
      const routes = allRoutes([maker.family(world.client)]);
      await scene.draw("first", alone);
      await scene.draw("ratings", [{ to: [["other"]] }]);
      const found = await routes.find(scene.target(["reviews"]));
      assert.deepEqual(found, [{ kind, namespace: scene.namespace, name: "first", routes: [] }]);
      await scene.draw("reviews", [{ to: [["other"]] }]);
      assert.deepEqual(await routes.find(scene.target(["reviews"])), scene.target(["reviews"]).routes);
    },
  );

  among(
    "a survey tells every rule: where it is, who gets how much, and whether the release moves it",
    async (scene) => {
      await scene.draw("other", [{ to: [["v1"]] }]);
      await scene.draw("reviews", [...both, { name: "rest", path: "/rest/", to: [["other"]] }]);
      const look = allRoutes([maker.family(world.client)]).look(scene.target(["reviews"]));
      const { facts, chosen } = await look.survey();
      assert.deepEqual(
        facts.map(({ route, destinations, isChosen, moves }) => ({
          route: `${route.kind} ${route.namespace}/${route.name}`,
          shares: destinations.map(({ share }) => share),
          isChosen,
          moves,
        })),
        [
          { route: `${kind} ${scene.namespace}/other`, shares: [1], isChosen: false, moves: false },
          { route: `${kind} ${scene.namespace}/reviews`, shares: [1, 0], isChosen: true, moves: true },
          { route: `${kind} ${scene.namespace}/reviews`, shares: [1], isChosen: true, moves: false },
        ],
      );
      assert.match(facts[1]?.where ?? "", new RegExp(`/reviews: ${first}$`));
      assert.deepEqual(
        chosen.map(({ metadata }) => metadata.name),
        ["reviews"],
      );
    },
  );
}
