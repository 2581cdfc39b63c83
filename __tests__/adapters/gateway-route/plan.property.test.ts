import assert from "node:assert/strict";
import test from "node:test";
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { parseGatewayRoutesBefore } from "../../../src/adapters/gateway-route/before.ts";
import { gatewayShape } from "../../../src/adapters/gateway-route/gateway-shape.ts";
import type { ObjectBefore } from "../../../src/adapters/weighted-rules/before.ts";
import { objectBeforeOf } from "../../../src/adapters/weighted-rules/before-of.ts";
import { destinationRoles } from "../../../src/adapters/weighted-rules/destination-roles.ts";
import { patchOf } from "../../../src/adapters/weighted-rules/patch.ts";
import { planMoves } from "../../../src/adapters/weighted-rules/plan-moves.ts";
import type { RouteShape } from "../../../src/adapters/weighted-rules/route-shape.ts";
import { selectRules } from "../../../src/adapters/weighted-rules/select-rules.ts";
import type { Raw } from "../../../src/istio/destination.ts";
import { sumOf } from "../../../src/istio/destination.ts";
import { gatewayGroup, gatewayKinds, gatewayRouteRules, gatewaySection } from "../../../src/istio/gateway-route.ts";
import { listAt, objectAt, textAt } from "../../../src/kubernetes/field.ts";
import type { KubernetesObject } from "../../../src/kubernetes/object.ts";
import { type Aim, aimAt, aimOf } from "../../../src/release/aim.ts";
import type { BesideWeights } from "../../../src/release/plan.ts";
import type { RouteKind } from "../../../src/release/route-kind.ts";
import { splitAt } from "../../../src/release/split.ts";
import type { Testers } from "../../../src/release/testers.ts";
import { sortedText } from "../../support/sorted-text.ts";
import { stageOf } from "../../support/world.ts";
import { patched } from "../virtual-service/given.ts";

const pair = {
  namespace: "shop",
  stable: { deployment: "reviews-v1", host: "reviews-v1" },
  canary: { deployment: "reviews-v2", host: "reviews-v2.shop.svc.cluster.local" },
};

const unknownFields = fc.dictionary(
  fc.constantFrom("x", "somethingNew", "timeouts"),
  fc.jsonValue({ maxDepth: 2 }).filter((value) => value !== null),
  { maxKeys: 2 },
);
const placed = fc.constantFrom<Raw>({}, { namespace: "shop" }, { group: "", kind: "Service" }, { port: 80 });

const backend = (name: string, weight: fc.Arbitrary<number | undefined>): fc.Arbitrary<Raw> =>
  fc.record({ more: unknownFields, place: placed, weight }).map(({ more, place, weight }) => ({
    ...more,
    name,
    ...place,
    ...(weight === undefined ? {} : { weight }),
  }));

const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<readonly T[]> => fc.array(arbitrary, { maxLength: 1 });

const filters = fc.uniqueArray(
  fc.constantFrom<Raw>(
    { type: "RequestMirror", requestMirror: { backendRef: { name: "reviews-v2", port: 80 }, percent: 10 } },
    { type: "RequestMirror", requestMirror: { backendRef: { name: "shadow" } } },
    { type: "RequestHeaderModifier", requestHeaderModifier: { set: [{ name: "a", value: "b" }] } },
    { type: "SomethingNew" },
  ),
  { selector: JSON.stringify },
);

/** A rule that a release may move: stable, perhaps a canary without requests, up to two others, in any order. */
const movable: fc.Arbitrary<Raw> = fc
  .record({
    stable: backend("reviews-v1", fc.option(fc.integer({ min: 2, max: 1_000_000 }), { nil: undefined })),
    canary: maybe(backend("reviews-v2", fc.constant(0))),
    thirds: fc.tuple(
      ...["legacy", "experiment"].map((name) => maybe(backend(name, fc.integer({ min: 0, max: 1_000_000 })))),
    ),
    filters: maybe(filters),
    more: unknownFields,
    turn: fc.nat(),
  })
  // A share of 1 beside others cannot be divided.
  .filter(({ stable, thirds }) => stable.weight !== undefined || thirds.flat().every(({ weight }) => weight === 0))
  .map(({ stable, canary, thirds, filters, more, turn }) => {
    const all = [stable, ...canary, ...thirds.flat()];
    const at = turn % all.length;
    return {
      ...more,
      ...(filters[0] ? { filters: filters[0] } : {}),
      backendRefs: [...all.slice(at), ...all.slice(0, at)],
    };
  });

const foreign = fc.constantFrom<Raw>(
  { backendRefs: [{ name: "other" }] },
  { filters: [{ type: "RequestRedirect", requestRedirect: { hostname: "x" } }] },
  {},
);

const matched = (rules: readonly Raw[]): readonly Raw[] =>
  rules.map((rule, index) => ({ ...rule, matches: [{ path: { type: "PathPrefix", value: `/${index}` } }] }));

/** Of connections there is one rule, and nobody filters what goes over them. */
const alone = ({ filters: _, ...rule }: Raw): readonly Raw[] => [rule];

const world: fc.Arbitrary<KubernetesObject> = fc
  .tuple(
    fc.constantFrom(...gatewayKinds),
    movable,
    fc.array(fc.oneof(movable, foreign), { maxLength: 4 }),
    fc.nat(4),
    unknownFields,
  )
  .map(([{ kind }, first, rest, at, more]) => ({
    apiVersion: `${gatewayGroup}/v1`,
    kind,
    metadata: { namespace: "shop", name: "reviews" },
    spec: {
      ...more,
      parentRefs: [{ name: "public" }],
      rules: gatewaySection(kind) === "http" ? matched(rest.toSpliced(at, 0, first)) : alone(first),
    },
  }));

const kindOf = (object: KubernetesObject): RouteKind =>
  gatewayKinds.find(({ kind }) => kind === object.kind)?.kind ?? assert.fail();
const shapeOf = (object: KubernetesObject): RouteShape => gatewayShape(kindOf(object));

/** The beginning of a release, as the journal gives it back. */
function begin(object: KubernetesObject, testers: readonly Testers[] = [], more: BesideWeights = {}): ObjectBefore {
  const [shape, choice] = [shapeOf(object), { kind: kindOf(object), namespace: "shop", name: "reviews", routes: [] }];
  const { rules, problems } = selectRules(shape, object, choice, pair);
  assert.deepEqual(problems, []);
  const stored = {
    version: "v1",
    routes: [objectBeforeOf(shape, { choice, rules }, { testers, ...more })],
    served: true,
  };
  return parseGatewayRoutesBefore(JSON.parse(JSON.stringify(stored))).routes[0] ?? assert.fail();
}

const patchTo = (object: KubernetesObject, before: ObjectBefore, aim: Aim) =>
  patchOf(planMoves(shapeOf(object), object, before, pair, aim));
const go = (object: KubernetesObject, before: ObjectBefore, aim: Aim): KubernetesObject =>
  patched(object, patchTo(object, before, aim));
const percents = fc.array(fc.integer({ min: 0, max: 100 }), { minLength: 1, maxLength: 6 });

test("after any writes the way back gives every byte back, wherever the release was killed", () => {
  fc.assert(
    fc.property(world, percents, (original, weights) => {
      const before = begin(original);
      let object = original;
      for (const weight of weights) {
        object = go(object, before, aimAt(weight));
        assert.equal(sortedText(go(object, before, { to: "before" })), sortedText(original));
      }
    }),
  );
});

/** An API server that does not know names of rules yet drops them. */
const nameless = (object: KubernetesObject): KubernetesObject => ({
  ...object,
  spec: {
    ...objectAt(object.spec),
    rules: listAt(object, "spec", "rules").map((rule) => {
      const { name: _, ...rest } = objectAt(rule);
      return rest;
    }),
  },
});

const those: readonly Testers[] = [
  { headers: { "x-canary": { prefix: "a" } } },
  { method: "POST", query: { c: { exact: "1" } } },
];

for (const [what, stored] of [
  ["", (object: KubernetesObject) => object],
  [", also where names of rules are dropped", nameless],
] as const)
  test(`testers are let in before the first weight and with each, and leave nothing behind${what}`, () => {
    fc.assert(
      fc.property(world, percents, (given, weights) => {
        fc.pre(given.kind === "HTTPRoute");
        const original = stored(given);
        const before = begin(original, those);
        let object = original;
        for (const weight of [0, ...weights]) {
          const aim = aimOf({ ...splitAt(weight), testers: those });
          object = stored(go(object, before, aim));
          assert.deepEqual(patchTo(object, before, aim), [], "writing twice is writing once");
          const rules = gatewayRouteRules(object);
          assert.equal(rules.length, gatewayRouteRules(original).length + before.rules.length);
          for (const { added: [added] = [] } of before.rules) {
            const rule = rules.find(({ match }) => isDeepStrictEqual(match, added?.match)) ?? assert.fail();
            assert.deepEqual(
              rule.destinations.map(({ host, counts }) => [host.text, counts > 0]),
              [["reviews-v2", true]],
            );
          }
          assert.equal(sortedText(go(object, before, { to: "before" })), sortedText(original));
        }
        assert.equal(
          gatewayRouteRules(go(object, before, { to: "swapped" })).length,
          gatewayRouteRules(original).length,
        );
      }),
    );
  });

test("copies come before the first weight, each once, and leave nothing behind", () => {
  fc.assert(
    fc.property(world, percents, (original, weights) => {
      fc.pre(shapeOf(original).copies.entryFor !== undefined);
      const before = begin(original, [], { stages: [stageOf(0, { mirror: 1 })] });
      const { roleOf } = destinationRoles(shapeOf(original), pair);
      let object = original;
      for (const mirror of weights.filter((one) => one > 0)) {
        const aim = aimOf({ ...splitAt(0), mirror });
        object = go(object, before, aim);
        assert.deepEqual(patchTo(object, before, aim), [], "writing twice is writing once");
        assert.equal(bare(object, original, before), bare(original, original, before));
        for (const { index } of before.rules) {
          const copies = gatewayRouteRules(object)[index]?.mirrors.filter((one) => roleOf(one) === "canary");
          assert.deepEqual(
            copies?.map(({ share }) => share),
            [mirror / 100],
          );
        }
        assert.equal(sortedText(go(go(object, before, aimAt(mirror)), before, { to: "before" })), sortedText(original));
      }
    }),
  );
});

test("users are kept by two rules and a cookie, and all of it goes", () => {
  const affinity = { cookie: "version", release: "r1" };
  fc.assert(
    fc.property(world, percents, (original, weights) => {
      fc.pre(original.kind === "HTTPRoute");
      const before = begin(original, [], { affinity });
      let object = original;
      for (const weight of weights.filter((one) => one > 0 && one < 100)) {
        const aim = aimOf({ ...splitAt(weight), affinity });
        object = go(object, before, aim);
        assert.deepEqual(patchTo(object, before, aim), [], "writing twice is writing once");
        assert.equal(gatewayRouteRules(object).length, gatewayRouteRules(original).length + 2 * before.rules.length);
        assert.equal(sortedText(go(object, before, { to: "before" })), sortedText(original));
        assert.doesNotMatch(sortedText(go(object, before, aimAt(100))), /r1-/);
      }
    }),
  );
});

/** What is left without what a release may touch: weights, a canary that was not there, and copies to the canary. */
function bare(object: KubernetesObject, original: KubernetesObject, before: ObjectBefore): string {
  const { roleOf } = destinationRoles(shapeOf(object), pair);
  const rules = gatewayRouteRules(object).map(({ raw, index, destinations }) => {
    if (!before.rules.some((rule) => rule.index === index)) return raw;
    const had = gatewayRouteRules(original)[index]?.destinations.some((one) => roleOf(one) === "canary");
    const left = destinations.filter((one) => had || roleOf(one) !== "canary");
    const backendRefs = left.map((one) => (roleOf(one) ? { ...one.raw, weight: undefined } : one.raw));
    const others = listAt(raw, "filters").filter(
      (one) => textAt(one, "requestMirror", "backendRef", "name") !== "reviews-v2",
    );
    return { ...raw, backendRefs, filters: others.length > 0 ? others : undefined };
  });
  return sortedText({ ...object, spec: { ...objectAt(object.spec), rules } });
}

test("during a release nothing differs but the two weights, the backend that was added and the mirror to the canary", () => {
  fc.assert(
    fc.property(world, percents, (original, weights) => {
      const before = begin(original);
      let object = original;
      for (const weight of weights) {
        object = go(object, before, aimAt(weight));
        assert.equal(bare(object, original, before), bare(original, original, before));
      }
    }),
  );
});

test("weights are whole numbers that the schema takes, somebody has requests, and third backends keep their part", () => {
  fc.assert(
    fc.property(world, fc.integer({ min: 1, max: 100 }), (original, weight) => {
      const before = begin(original);
      const { roleOf } = destinationRoles(shapeOf(original), pair);
      const object = go(original, before, aimAt(weight));
      for (const { index } of before.rules) {
        const [now = [], was = []] = [object, original].map((one) => gatewayRouteRules(one)[index]?.destinations ?? []);
        assert.ok(now.every(({ counts }) => Number.isInteger(counts) && counts >= 0 && counts <= 1_000_000));
        assert.ok(sumOf(now) > 0);
        const thirds = was.filter((one) => roleOf(one) === undefined);
        if (sumOf(thirds) > 0) assert.equal(sumOf(now), sumOf(was));
        assert.ok(sumOf(now.filter((one) => roleOf(one) === "canary")) > 0);
      }
    }),
  );
});

test("writing twice is writing once", () => {
  fc.assert(
    fc.property(world, percents, fc.constantFrom<Aim["to"]>("before", "split", "swapped"), (original, weights, to) => {
      const before = begin(original);
      const aim = to === "split" ? aimAt(weights[0] ?? 1) : { to };
      const object = go(
        weights.reduce((now, weight) => go(now, before, aimAt(weight)), original),
        before,
        aim,
      );
      assert.deepEqual(patchTo(object, before, aim), []);
    }),
  );
});
