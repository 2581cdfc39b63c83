import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { parseRoutesBefore } from "../../../src/adapters/virtual-service/before.ts";
import { virtualServiceShape as shape } from "../../../src/adapters/virtual-service/virtual-service-shape.ts";
import { isOurName, testersName } from "../../../src/adapters/weighted-rules/added-rules.ts";
import type { ObjectBefore } from "../../../src/adapters/weighted-rules/before.ts";
import { destinationRoles } from "../../../src/adapters/weighted-rules/destination-roles.ts";
import { planMoves } from "../../../src/adapters/weighted-rules/plan-moves.ts";
import { selectRules } from "../../../src/adapters/weighted-rules/select-rules.ts";
import { type Raw, sumOf } from "../../../src/istio/destination.ts";
import { type RouteRule, type RouteSection, routeSections } from "../../../src/istio/route-rule.ts";
import { listAt, objectAt, textAt } from "../../../src/kubernetes/field.ts";
import type { KubernetesObject } from "../../../src/kubernetes/object.ts";
import { type Aim, aimAt, aimOf } from "../../../src/release/aim.ts";
import { splitAt } from "../../../src/release/split.ts";
import type { Version } from "../../../src/release/target.ts";
import type { Testers } from "../../../src/release/testers.ts";
import { sortedText } from "../../support/sorted-text.ts";
import { stageOf } from "../../support/world.ts";
import { beforeWith, patched, patchTo, targetOf, virtualService } from "./given.ts";

const pairs = [
  { stable: { host: "app", subset: "v1" }, canary: { host: "app", subset: "v2" } },
  { stable: { host: "app-stable" }, canary: { host: "app-canary" } },
] as const;

const unknownFields = fc.dictionary(
  fc.constantFrom("headers", "x", "somethingNew"),
  fc.jsonValue({ maxDepth: 2 }).filter((value) => value !== null),
  { maxKeys: 2 },
);
const portOrNone = fc.constantFrom({}, { port: { number: 8080 } });
const spelling = fc.constantFrom("", ".ns1.svc", ".ns1.svc.cluster.local");

const weighted = (destination: fc.Arbitrary<Raw>, weight: fc.Arbitrary<number | undefined>): fc.Arbitrary<Raw> =>
  fc.record({ before: unknownFields, destination, weight }).map(({ before, destination, weight }) => ({
    ...before,
    destination,
    ...(weight === undefined ? {} : { weight }),
  }));

type Pair = (typeof pairs)[number];

/** Copies of the requests, to the canary or to somebody else, in either form. */
function copiesBeside({ canary }: Pair): fc.Arbitrary<Raw> {
  const to = fc.constantFrom<Raw>(canary, { host: "shadow", subset: "v2" }, { host: "audit" });
  const percentage = { value: 10 };
  return fc.oneof(
    fc.constant<Raw>({}),
    to.map((mirror): Raw => ({ mirror })),
    to.map((mirror): Raw => ({ mirror, mirrorPercentage: percentage })),
    fc
      .uniqueArray(to, { minLength: 1, selector: JSON.stringify })
      .map((all): Raw => ({ mirrors: all.map((destination) => ({ destination, percentage })) })),
  );
}

/** A rule that a release may move: stable, perhaps a canary without requests, up to two others, in any order. */
function movable(pair: Pair): fc.Arbitrary<Raw> {
  const version = ({ host, ...subset }: Pair["stable"] | Pair["canary"]): fc.Arbitrary<Raw> =>
    fc.record({ end: spelling, port: portOrNone }).map(({ end, port }) => ({ host: host + end, ...subset, ...port }));
  const third = (name: string): fc.Arbitrary<Raw> => fc.constant({ host: name, subset: "v1" });
  return fc
    .record({
      stable: weighted(version(pair.stable), fc.integer({ min: 2, max: 1000 })),
      canary: fc.option(weighted(version(pair.canary), fc.constantFrom(undefined, 0)), { nil: undefined }),
      thirds: fc.tuple(
        ...["legacy", "experiment"].map((name) =>
          fc.option(weighted(third(name), fc.option(fc.integer({ min: 0, max: 100 }), { nil: undefined })), {
            nil: undefined,
          }),
        ),
      ),
      keepWeight: fc.boolean(),
      copies: copiesBeside(pair),
      more: unknownFields,
      order: fc.infiniteStream(fc.nat()),
    })
    .map(({ stable, canary, thirds, keepWeight, copies, more, order }) => {
      const entries = [stable, canary, ...thirds].filter((entry) => entry !== undefined);
      const { weight: _, ...weightless } = stable;
      const route = entries.length === 1 && !keepWeight ? [weightless] : shuffled(entries, order);
      return { ...more, route, ...copies };
    });
}

function shuffled<T>(items: readonly T[], order: Iterator<number>): readonly T[] {
  return items
    .map((item) => ({ item, at: order.next().value as number }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

const foreignRules: readonly Raw[] = [
  { route: [{ destination: { host: "other", subset: "v1" } }] },
  {
    route: [
      { destination: { host: "other" }, weight: 1 },
      { destination: { host: "another" }, weight: 2 },
    ],
  },
  { redirect: { uri: "/x" } },
  { delegate: { name: "child" } },
  { directResponse: { status: 404 } },
];
const foreign = fc.constantFrom(...foreignRules);
const foreignConnections: readonly Raw[] = foreignRules.filter(({ route }) => route !== undefined);

/** By what the rules of a section are told from each other. */
const marksOf: Readonly<Record<RouteSection, (index: number) => fc.Arbitrary<Raw>>> = {
  http: (index) =>
    fc.constantFrom<Raw>(
      { name: `route-${index}` },
      { match: [{ uri: { prefix: `/${index}` } }] },
      { name: `route-${index}`, match: [{ uri: { prefix: "/same" } }] },
    ),
  tls: (index) =>
    fc.constantFrom<Raw>(
      { match: [{ sniHosts: [`${index}.example.com`] }] },
      { match: [{ port: 443, sniHosts: ["app", `${index}.app`] }] },
    ),
  tcp: (index) =>
    fc.constantFrom<Raw>(
      { match: [{ port: 9000 + index }] },
      { match: [{ port: 9000, gateways: [`gateway-${index}`] }] },
    ),
};

type World = { readonly pair: Pair; readonly section: RouteSection; readonly object: KubernetesObject };

/** The rules of the section that is moved. */
const rulesIn = (object: KubernetesObject, { section }: Pick<World, "section">): readonly RouteRule[] =>
  shape.rulesOf(object).filter((rule) => rule.section === section);

/** `nameless`: some rules have neither name nor match; only one of them that the release may move, or it would be refused. */
const world = ({ nameless }: { readonly nameless: boolean }): fc.Arbitrary<World> =>
  fc.tuple(fc.constantFrom(...pairs), fc.constantFrom(...routeSections)).chain(([pair, section]) => {
    const others = section === "http" ? foreign : fc.constantFrom(...foreignConnections);
    return fc
      .tuple(movable(pair), fc.array(fc.oneof(movable(pair), others), { maxLength: 4 }), fc.nat(4))
      .chain(([first, rest, at]) => {
        const rules = rest.toSpliced(at, 0, first);
        const mayBeNameless = (rule: Raw): boolean => nameless && (rule === first || foreignRules.includes(rule));
        const marks = marksOf[section];
        const marked = fc.tuple(
          ...rules.map((rule, index) =>
            mayBeNameless(rule) ? fc.oneof(marks(index), fc.constant<Raw>({})) : marks(index),
          ),
        );
        const untouched =
          section === "http" ? [{ match: [], route: [{ destination: pair.stable }] }] : foreignConnections;
        return marked.map((all) => ({
          pair,
          section,
          object: virtualService({
            hosts: ["app"],
            ...Object.fromEntries(routeSections.map((other) => [other, untouched])),
            ...(section === "http" ? {} : { http: foreignRules }),
            [section]: rules.map((rule, index) => ({ ...all[index], ...rule })),
          }),
        }));
      });
  });

type Begun = {
  readonly target: ReturnType<typeof targetOf>;
  readonly rules: readonly RouteRule[];
  readonly before: ObjectBefore;
};

/** The beginning of a release, as the journal gives it back. */
function begin({ pair, object }: World, aims: readonly Aim[] = []): Begun {
  const target = targetOf(pair);
  const [choice = assert.fail()] = target.routes;
  const { rules, problems } = selectRules(shape, object, choice, target);
  assert.deepEqual(problems, []);
  const stages = aims.flatMap((aim) =>
    aim.to === "split" && aim.mirror !== undefined ? [stageOf(0, { mirror: 1 })] : [],
  );
  const [affinity] = aims.flatMap((aim) => (aim.to === "split" && aim.affinity ? [aim.affinity] : []));
  const virtualServices = [beforeWith(object, rules, affinity ? { stages, affinity } : { stages })];
  const stored = JSON.stringify({ version: "v1", virtualServices, missingSubsets: [] });
  return { target, rules, before: parseRoutesBefore(JSON.parse(stored)).virtualServices[0] ?? assert.fail() };
}

const go = (object: KubernetesObject, { target, before }: Begun, aim: Aim): KubernetesObject =>
  patched(object, patchTo(object, before, target, aim));
const percent = fc.integer({ min: 0, max: 100 });
const percents = fc.array(percent, { minLength: 1, maxLength: 6 });

const text = fc.oneof(
  fc.record({ exact: fc.constantFrom("a", "b c", "a.b") }),
  fc.record({ prefix: fc.constantFrom("a", "[x") }),
  fc.record({ regex: fc.constantFrom("a|b", "[0-9]+") }),
);
const texts = fc.dictionary(fc.constantFrom("x-canary", "end-user"), text, {
  minKeys: 1,
  maxKeys: 2,
  noNullPrototype: true,
});
const testers: fc.Arbitrary<readonly Testers[]> = fc
  .array(
    fc.oneof(
      fc.record({ headers: texts }),
      fc.record({ cookies: fc.record({ canary: text }), query: texts }),
      fc.record({ method: fc.constantFrom("GET", "POST") }),
      fc.record({ callers: fc.constant({ app: "frontend", version: "v2" }) }),
    ),
    { minLength: 1, maxLength: 3 },
  )
  // As a configuration and a journal have them: objects without a prototype are others.
  .map((all) => JSON.parse(JSON.stringify(all)) as readonly Testers[]);
const drills = fc.constantFrom({}, { drill: { delay: 7_000 } }, { drill: { abort: 503 } });
/** What comes before weights, and beside them: somebody is let in from the first write on. */
const courses = fc.oneof(
  percents.map((weights) => weights.map(aimAt)),
  fc
    .tuple(fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 3 }), percents)
    .map(([copied, weights]) => [...copied.map((mirror) => aimOf({ ...splitAt(0), mirror })), ...weights.map(aimAt)]),
  fc
    .tuple(testers, fc.array(fc.tuple(fc.integer({ min: 0, max: 100 }), drills), { minLength: 1, maxLength: 6 }))
    .map(([those, all]) => all.map(([weight, drill]) => aimOf({ ...splitAt(weight), testers: those, ...drill }))),
);

const affinity = { cookie: "version", release: "r1" };
/** Users are kept on their version while both have a part. */
const keptCourses = fc
  .array(fc.integer({ min: 1, max: 99 }), { minLength: 1, maxLength: 4 })
  .map((weights) => [...weights.map((weight) => aimOf({ ...splitAt(weight), affinity })), aimAt(100)]);

test("after any writes the way back gives every byte back, wherever the release was killed", () => {
  fc.assert(
    fc.property(world({ nameless: true }), fc.oneof(courses, keptCourses), (given, aims) => {
      const begun = begin(given, aims);
      let object = given.object;
      for (const aim of aims) {
        object = go(object, begun, aim);
        assert.equal(sortedText(go(object, begun, { to: "before" })), sortedText(given.object));
      }
    }),
  );
});

test("during a release nothing differs but the two weights, the destination and the rules that were added and the mirror to the canary", () => {
  fc.assert(
    fc.property(world({ nameless: true }), courses, (given, aims) => {
      const begun = begin(given, aims);
      const bare = (object: KubernetesObject): string => sortedText(withoutOurs(object, given, begun));
      let object = given.object;
      for (const aim of aims) {
        object = go(object, begun, aim);
        assert.equal(bare(object), bare(given.object));
      }
    }),
  );
});

/**
 * The object without what a release may touch: the rules that it adds, the two weights, a canary that was not there at first, and copies to the
 * canary.
 */
function withoutOurs(
  object: KubernetesObject,
  { object: original, section }: World,
  { rules, target }: Begun,
): KubernetesObject {
  const { roleOf } = destinationRoles(shape, target);
  const spec = objectAt(object.spec);
  const theirs = rulesIn(object, { section }).filter(({ name }) => !isOurName(name));
  const left = theirs
    .map((rule, index) => ({ ...rule, index }))
    .map((rule) => {
      if (!rules.some(({ index }) => index === rule.index)) return rule.raw;
      const had = rulesIn(original, { section })[rule.index]?.destinations.some((entry) => roleOf(entry) === "canary");
      const route = rule.destinations
        .filter((entry) => had || roleOf(entry) !== "canary")
        .map((entry) =>
          roleOf(entry) === undefined
            ? entry.raw
            : Object.fromEntries(Object.entries(entry.raw).filter(([field]) => field !== "weight")),
        );
      return { ...rule.raw, route, ...withoutCopies(rule.raw, target.canary) };
    });
  return { ...object, spec: { ...spec, [section]: left } };
}

const isTo = ({ host, subset }: Pick<Version, "host" | "subset">, destination: unknown): boolean =>
  textAt(destination, "host")?.split(".")[0] === host && textAt(destination, "subset") === subset;

const withoutCopies = ({ mirror, mirrorPercentage, mirrors }: Raw, canary: Version): Raw => {
  const others = listAt(mirrors).filter((entry) => !isTo(canary, objectAt(entry).destination));
  return {
    ...(isTo(canary, mirror) ? { mirror: undefined, mirrorPercentage: undefined } : { mirror, mirrorPercentage }),
    mirrors: others.length > 0 ? others : undefined,
  };
};

test("weights are whole numbers from 0 on, the canary's is the nearest there is, and beside third destinations with weight the sum stays", () => {
  fc.assert(
    fc.property(world({ nameless: true }), percent, (given, weight) => {
      const begun = begin(given);
      const { roleOf } = destinationRoles(shape, begun.target);
      const object = go(given.object, begun, aimAt(weight));
      for (const { index, destinations: before } of begun.rules) {
        const { destinations: entries = [] } = rulesIn(object, given)[index] ?? {};
        assert.ok(
          entries.every((entry) => entry.weight === undefined || (Number.isInteger(entry.weight) && entry.counts >= 0)),
        );
        const thirds = before.filter((entry) => roleOf(entry) === undefined);
        if (sumOf(thirds) > 0) assert.equal(sumOf(entries), sumOf(before));
        if (weight === 0) continue;
        const of = (role: "stable" | "canary"): number => sumOf(entries.filter((entry) => roleOf(entry) === role));
        const managed = of("stable") + of("canary");
        assert.ok(weight === 100 ? of("stable") === 0 : of("stable") > 0 && of("canary") > 0);
        const off = Math.abs(of("canary") - (managed * weight) / 100);
        assert.ok(
          off <= 0.5 || of("canary") === 1 || of("stable") === 1,
          `${of("canary")} of ${managed} for ${weight}%`,
        );
      }
    }),
  );
});

test("writing twice is writing once", () => {
  fc.assert(
    fc.property(
      world({ nameless: true }),
      fc.oneof(courses, keptCourses),
      fc.constantFrom<Aim["to"]>("before", "split", "swapped"),
      (given, [first = aimAt(50), aim = first], to) => {
        const begun = begin(given, [first, aim]);
        const object = go(go(given.object, begun, first), begun, to === "split" ? aim : { to });
        assert.deepEqual(patchTo(object, begun.before, begun.target, to === "split" ? aim : { to }), []);
      },
    ),
  );
});

test("the patch makes the object that was planned", () => {
  fc.assert(
    fc.property(world({ nameless: true }), percents, (given, weights) => {
      const begun = begin(given);
      let object = given.object;
      for (const weight of weights) {
        const planned = new Map(
          planMoves(shape, object, begun.before, begun.target, aimAt(weight)).moves.map(({ rule, planned }) => [
            rule.index,
            planned.map(({ raw }) => raw),
          ]),
        );
        object = go(object, begun, aimAt(weight));
        for (const { index, raw } of rulesIn(object, given))
          if (planned.has(index)) assert.deepEqual(listAt(raw.route), planned.get(index));
      }
    }),
  );
});

test("after a swap stable has no request, and the canary all that the two had", () => {
  fc.assert(
    fc.property(world({ nameless: true }), percents, (given, weights) => {
      const begun = begin(given);
      const { roleOf } = destinationRoles(shape, begun.target);
      const shifted = weights.reduce((object, weight) => go(object, begun, aimAt(weight)), given.object);
      const object = go(shifted, begun, { to: "swapped" });
      assert.equal(
        sortedText(object),
        sortedText(go(given.object, begun, { to: "swapped" })),
        "it depends on the weights before",
      );
      for (const { index, destinations: before } of begun.rules) {
        const { destinations: entries = [] } = rulesIn(object, given)[index] ?? {};
        assert.equal(sumOf(entries.filter((entry) => roleOf(entry) === "stable")), 0);
        assert.equal(entries.length, before.length);
        assert.deepEqual(
          entries.filter((entry) => !roleOf(entry)).map(({ raw }) => raw),
          before.filter((entry) => !roleOf(entry)).map(({ raw }) => raw),
        );
        if (entries.length > 1) assert.ok(sumOf(entries) > 0);
      }
    }),
  );
});

test("what somebody else changes meanwhile stays: rules in another order, new rules, new fields", () => {
  const edit = fc.record({
    order: fc.infiniteStream(fc.nat()),
    added: fc.array(foreign, { maxLength: 2 }),
    timeout: fc.constantFrom("1s", "2s"),
  });
  fc.assert(
    fc.property(world({ nameless: false }), percents, edit, (given, weights, { order, added, timeout }) => {
      const begun = begin(given);
      const rest = objectAt(given.object.spec);
      const places = shuffled([...rulesIn(given.object, given).keys()], order);
      const edited = (object: KubernetesObject): KubernetesObject => {
        const rules = rulesIn(object, given).map(({ raw }) => raw);
        const changed = [
          ...added.map((rule, index) => ({ ...rule, name: `new-${index}` })),
          ...places.map((place) => ({ ...rules[place], timeout })),
        ];
        const spec = { ...rest, [given.section]: changed };
        return { ...object, metadata: { ...object.metadata, annotations: { edited: "yes" } }, spec };
      };
      const shifted = weights.reduce((object, weight) => go(object, begun, aimAt(weight)), given.object);
      assert.equal(sortedText(go(edited(shifted), begun, { to: "before" })), sortedText(edited(given.object)));
    }),
  );
});

test("whoever is let in meets the rule itself, with all that it asks and all that they are known by, before everybody else does", () => {
  fc.assert(
    fc.property(world({ nameless: true }), testers, percent, (given, those, weight) => {
      fc.pre(given.section === "http");
      const begun = begin(given);
      const { roleOf } = destinationRoles(shape, begun.target);
      const rules = rulesIn(go(given.object, begun, aimOf({ ...splitAt(weight), testers: those })), given);
      for (const [at, { raw: was }] of begun.rules.entries()) {
        const beside = rules.findIndex(({ name }) => name === testersName(at));
        const { raw, destinations } = rules[beside] ?? assert.fail();
        const next = rules[beside + 1] ?? assert.fail();
        assert.deepEqual(destinations.map(roleOf), ["canary"]);
        const own = ["name", "match", "route", "mirror", "mirrors", "mirrorPercentage"];
        const rest = (rule: Raw): Raw =>
          Object.fromEntries(Object.entries(rule).filter(([field]) => !own.includes(field)));
        assert.deepEqual([rest(raw), next.name, next.match], [rest(was), was.name, was.match]);
        const blocks = listAt(was.match).length || 1;
        assert.equal(listAt(raw.match).length, blocks * those.length);
        for (const block of listAt(raw.match))
          assert.deepEqual(textAt(block, "uri", "prefix"), textAt(listAt(was.match)[0], "uri", "prefix"));
      }
    }),
  );
});
