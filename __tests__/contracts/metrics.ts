import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Count } from "../../src/evidence/tally.ts";
import type { Millis } from "../../src/lib/duration.ts";
import type { Increments, MetricSource } from "../../src/ports/metric-source.ts";
import type { Metrics } from "../../src/ports/metrics.ts";
import type { Gate } from "../../src/release/gate.ts";
import { planWith } from "../support/plan-with.ts";

/** Requests that really happened, all of one kind. */
export type Requests = {
  readonly times: number;
  /** Whose pods got them. `nobody`: the service was called, and no pod of it was reached. */
  readonly by: "stable" | "canary" | "nobody";
  /** How they ended. Default: served, and for nobody that there was no pod. */
  readonly how?: Outcome;
  /** Default: the released one. The others have a service and Deployments of their own; those of a namesake are called the same. */
  readonly service?: "another" | "a namesake in another namespace";
  /** Default: nobody measured it. */
  readonly took?: Millis;
};

export type Outcome =
  | "served"
  | "answered 404"
  | "answered 503"
  | "answered by gRPC with a failure"
  /** The caller did not wait for the answer. */
  | "given up"
  /** The caller of a stream, or of gRPC, did not. */
  | "reset by its caller"
  /** The pod took longer than the route allows. */
  | "timed out"
  /** The pod closed the connection within its answer. */
  | "cut off"
  /** A VirtualService's fault. */
  | "delayed on purpose"
  | "failed on purpose"
  | "no pod"
  | "no connection"
  /** No route leads there, so that it is no failure of the service. */
  | "no route";

/** A mesh in which happens what a script says, and what is seen of it. Of a service that nobody else releases. */
export type MetricsWorld = {
  readonly metrics: Metrics;
  /** Adds requests to what has happened. Resolves when a look can see them. */
  happen(...requests: readonly Requests[]): Promise<void>;
  /** Those who count begin anew, and know nothing of before. */
  restart(): Promise<void>;
  /** Nobody sees those who count, until something happens again. */
  hide(): Promise<void>;
  /** A query whose answer is one number, and some that have no such answer. */
  readonly queries: { readonly one: string; readonly value: number; readonly none: readonly string[] };
};

/** What is more than counting from the first look on. */
export type MetricsSkill =
  /** It answers queries of the user's. */
  | "queries"
  /** It knows what happened before anybody looked. */
  | "history"
  /** It knows what a caller's proxy does to a request: a delay, a time-out. */
  | "callers";

export type MetricsSetUp = () => Promise<{
  readonly open: () => MetricsWorld;
  readonly close: () => Promise<void>;
}>;

const signal = new AbortController().signal;

/** What a release relies on in whatever counts its requests. Takes a world with a source in it, and knows no other. */
export function metricsContract(
  name: string,
  setUp: MetricsSetUp,
  skills: readonly MetricsSkill[] = ["queries", "history", "callers"],
): void {
  const can = (skill: MetricsSkill): boolean => skills.includes(skill);
  describe(`metrics by ${name}`, () => {
    let place: Awaited<ReturnType<MetricsSetUp>>;
    before(async () => {
      place = await setUp();
    });
    after(() => place.close());

    const fact = (what: string, body: (world: MetricsWorld) => Promise<void>): void =>
      void test(what, () => body(place.open()));

    fact("the first look counts nothing: what happened before it is nobody's", async (world) => {
      await world.happen({ times: 1_000, by: "stable" }, { times: 50, by: "canary", how: "answered 503" });
      const first = await lookAt(world.metrics.watch());
      assert.equal(first.since, undefined);
      assert.deepEqual(countsOf(first), { stable: [0, 0], canary: [0, 0], lost: 0 });
    });

    fact("each request counts once, for the version that got it, and as a failure where it failed", async (world) => {
      const watch = await watchedFrom(world, { times: 1_000, by: "stable" });
      await world.happen(
        { times: 90, by: "stable" },
        { times: 4, by: "stable", how: "answered 503" },
        { times: 7, by: "stable", how: "answered 404" },
        { times: 30, by: "canary" },
        { times: 3, by: "canary", how: "answered by gRPC with a failure" },
      );
      assert.deepEqual(countsOf(await lookAt(watch)), { stable: [101, 4], canary: [33, 3], lost: 0 });
      await world.happen({ times: 10, by: "stable" });
      assert.deepEqual(countsOf(await lookAt(watch)), { stable: [10, 0], canary: [0, 0], lost: 0 });
      assert.deepEqual(countsOf(await lookAt(watch)), { stable: [0, 0], canary: [0, 0], lost: 0 });
    });

    fact("a version that nobody knew before counts in full, its first failures included", async (world) => {
      const watch = await watchedFrom(world, { times: 1_000, by: "stable" });
      await world.happen({ times: 7, by: "canary" }, { times: 3, by: "canary", how: "answered 503" });
      assert.deepEqual(countsOf(await lookAt(watch)), { stable: [0, 0], canary: [10, 3], lost: 0 });
      await world.happen({ times: 2, by: "stable", how: "answered 503" });
      assert.deepEqual(countsOf(await lookAt(watch)), { stable: [2, 2], canary: [0, 0], lost: 0 });
    });

    if (can("history"))
      fact("whoever answered requests of the service lately is named, whatever it is called", async (world) => {
        const answerers = async (): Promise<readonly string[]> => {
          const found = await world.metrics.answerers(Date.now(), signal);
          assert.ok(!("because" in found), JSON.stringify(found));
          return found.map(({ workload }) => workload).toSorted();
        };
        await world.happen({ times: 5, by: "stable" }, { times: 5, by: "stable", service: "another" });
        await world.happen({ times: 5, by: "stable" }, { times: 5, by: "stable", service: "another" });
        assert.deepEqual(await answerers(), ["reviews-v1"]);
        await world.happen({ times: 5, by: "canary" }, { times: 5, by: "nobody" });
        await world.happen({ times: 5, by: "canary" }, { times: 5, by: "nobody" });
        assert.deepEqual(await answerers(), ["reviews-v1", "reviews-v2"]);
      });

    for (const how of ["given up", "reset by its caller"] as const)
      fact(`a request that was ${how} is its version's, and no failure`, async (world) => {
        const watch = await watchedFrom(world, { times: 9, by: "stable" }, { times: 1, by: "canary" });
        await world.happen(
          { times: 5, by: "canary", how, took: 50 },
          { times: 3, by: "stable", how },
          { times: 2, by: "canary" },
        );
        const seen = await lookAt(watch);
        assert.deepEqual(countsOf(seen), { stable: [3, 0], canary: [7, 0], lost: 0 });
        assert.deepEqual([seen.stable.givenUp, seen.canary.givenUp], [3, 5]);
        assert.equal(seen.canary.buckets.at(-1)?.count, 5);
      });

    if (can("callers"))
      fact(
        "requests that a reset or a time-out ended are told, whether or not they count as failures",
        async (world) => {
          const watch = await watchedFrom(world, { times: 9, by: "stable" }, { times: 1, by: "canary" });
          await world.happen(
            { times: 5, by: "canary", how: "timed out" },
            { times: 3, by: "canary", how: "cut off" },
            { times: 2, by: "stable" },
          );
          const seen = await lookAt(watch);
          assert.deepEqual(countsOf(seen), { stable: [2, 0], canary: [8, 5], lost: 0 });
          assert.deepEqual([seen.stable.cutOff ?? 0, seen.canary.cutOff], [0, 8]);
        },
      );

    const nobodysFault: Outcome[] = ["failed on purpose"];
    if (can("callers")) nobodysFault.push("delayed on purpose");
    for (const how of nobodysFault)
      fact(`a request that was ${how} counts for no version`, async (world) => {
        const watch = await watchedFrom(world, { times: 9, by: "stable" }, { times: 1, by: "canary" });
        await world.happen(
          { times: 5, by: "canary", how },
          { times: 5, by: "stable", how },
          { times: 2, by: "canary" },
        );
        assert.deepEqual(countsOf(await lookAt(watch)), { stable: [0, 0], canary: [2, 0], lost: 0 });
      });

    fact("other services' requests count for nobody, those of a namesake neither", async (world) => {
      const watch = await watchedFrom(world, { times: 9, by: "stable" });
      for (const service of ["another", "a namesake in another namespace"] as const)
        await world.happen(
          { times: 40, by: "stable", service },
          { times: 30, by: "canary", service, how: "answered 503" },
          { times: 20, by: "nobody", service },
        );
      assert.deepEqual(countsOf(await lookAt(watch)), { stable: [0, 0], canary: [0, 0], lost: 0 });
    });

    fact("failures that reached no pod are lost, and belong to no version", async (world) => {
      const watch = await watchedFrom(world, { times: 9, by: "stable" });
      await world.happen(
        { times: 5, by: "nobody", how: "no pod" },
        { times: 6, by: "nobody", how: "no connection" },
        { times: 7, by: "nobody", how: "no route" },
        { times: 8, by: "nobody", how: "failed on purpose" },
        { times: 9, by: "nobody", how: "given up" },
      );
      assert.deepEqual(countsOf(await lookAt(watch)), { stable: [0, 0], canary: [0, 0], lost: 11 });
    });

    fact("when those who count begin anew, what happened since then counts, and nothing else", async (world) => {
      const watch = await watchedFrom(world, { times: 1_000, by: "stable" }, { times: 100, by: "canary" });
      await world.restart();
      await world.happen({ times: 4, by: "stable" }, { times: 1, by: "canary", how: "answered 503" });
      assert.deepEqual(countsOf(await lookAt(watch)), { stable: [4, 0], canary: [1, 1], lost: 0 });
    });

    fact("when nothing can be seen that is said, and what happened meanwhile counts afterwards", async (world) => {
      const watch = await watchedFrom(world, { times: 1_000, by: "stable" }, { times: 100, by: "canary" });
      await world.hide();
      const blind = await lookAt(watch);
      assert.deepEqual(
        blind.blind.map(({ to }) => to),
        ["requests"],
      );
      assert.match(blind.blind[0]?.because ?? "", /\w/);
      assert.deepEqual(countsOf(blind), { stable: [0, 0], canary: [0, 0], lost: 0 });
      await world.happen({ times: 20, by: "stable" }, { times: 2, by: "canary", how: "answered 503" });
      const again = await lookAt(watch);
      assert.ok(!again.blind.some(({ to }) => to === "requests"));
      assert.deepEqual(countsOf(again), { stable: [20, 0], canary: [2, 2], lost: 0 });
    });

    fact("a first look that sees nothing is none: counts begin with the one that sees", async (world) => {
      await world.happen({ times: 1_000, by: "stable" });
      await world.hide();
      const watch = world.metrics.watch();
      assert.equal((await lookAt(watch)).since, undefined);
      await world.happen({ times: 20, by: "stable" });
      const seeing = await lookAt(watch);
      assert.equal(seeing.since, undefined);
      assert.deepEqual(countsOf(seeing).stable, [0, 0]);
      await world.happen({ times: 3, by: "stable" });
      assert.deepEqual(countsOf(await lookAt(watch)).stable, [3, 0]);
    });

    fact(
      "how long requests took is counted to the edges of a histogram, and altogether, for each version",
      async (world) => {
        const took = (by: "stable" | "canary", ...times: readonly Millis[]): readonly Requests[] =>
          times.map((took) => ({ times: 1, by, took }));
        const watch = await watchedFrom(world, ...took("stable", 3, 30, 3_000));
        const [stable, canary] = [
          [8, 90, 90, 90, 700, 50_000],
          [8, 7_000],
        ];
        await world.happen(...took("stable", ...stable), ...took("canary", ...canary));
        const look = await lookAt(watch);
        assert.deepEqual(look.blind, []);
        for (const [count, times] of [[look.stable, stable] as const, [look.canary, canary] as const]) {
          assert.ok(count.buckets.length > 1);
          assert.equal(
            count.took,
            times.reduce((sum, time) => sum + time),
          );
          assert.equal(count.buckets.at(-1)?.le, Number.POSITIVE_INFINITY);
          for (const { le, count: atMost } of count.buckets)
            assert.equal(atMost, times.filter((time) => time <= le).length, `at most ${le}ms`);
          const edges = count.buckets.map(({ le }) => le);
          assert.deepEqual(
            edges,
            edges.toSorted((a, b) => a - b),
          );
        }
      },
    );

    fact("where nobody measures how long requests take that is said, and they count", async (world) => {
      const watch = await watchedFrom(world, { times: 9, by: "stable" });
      await world.happen({ times: 3, by: "stable" }, { times: 2, by: "canary" });
      const look = await lookAt(watch);
      assert.deepEqual(
        look.blind.map(({ to }) => to),
        ["durations"],
      );
      assert.match(look.blind[0]?.because ?? "", /\w/);
      assert.deepEqual([look.stable.requests, look.canary.requests], [3, 2]);
      assert.deepEqual([look.stable.buckets, look.canary.buckets], [[], []]);
    });

    fact("counts have a moment, not after the question, and follow one another without a gap", async (world) => {
      const watch = world.metrics.watch();
      await world.happen({ times: 9, by: "stable" });
      let last: Increments | undefined;
      for (let round = 0; round < 3; round++) {
        const asked = Date.now();
        const look = await watch.look(asked, signal);
        assert.ok(look.at <= asked, `${look.at} is after ${asked}`);
        assert.equal(look.since, last?.at);
        last = look;
        await world.happen({ times: 1, by: "stable" });
      }
    });

    fact("each release counts from its own first look", async (world) => {
      const one = await watchedFrom(world, { times: 9, by: "stable" });
      await world.happen({ times: 5, by: "stable" });
      const other = world.metrics.watch();
      assert.deepEqual(countsOf(await lookAt(other)).stable, [0, 0]);
      await world.happen({ times: 2, by: "stable" });
      assert.deepEqual(countsOf(await lookAt(other)).stable, [2, 0]);
      assert.deepEqual(countsOf(await lookAt(one)).stable, [7, 0]);
    });

    fact("a look that is aborted rejects, and takes nothing from the next one", async (world) => {
      const watch = await watchedFrom(world, { times: 9, by: "stable" });
      await world.happen({ times: 5, by: "stable" });
      const cancelled = new AbortController();
      const look = watch.look(Date.now(), cancelled.signal);
      cancelled.abort(new Error("the job was cancelled"));
      await assert.rejects(look, /the job was cancelled/);
      if (can("queries"))
        await assert.rejects(watch.query(world.queries.one, Date.now(), cancelled.signal), /the job was cancelled/);
      assert.deepEqual(countsOf(await lookAt(watch)).stable, [5, 0]);
    });

    fact("a query gives one number, or says why there is none", async (world) => {
      await world.happen({ times: 9, by: "stable" });
      const watch = world.metrics.watch();
      const at = Date.now();
      if (can("queries"))
        assert.deepEqual(await watch.query(world.queries.one, at, signal), { at, value: world.queries.value });
      for (const query of world.queries.none) {
        const { value, because } = await watch.query(query, Date.now(), signal);
        assert.equal(value, undefined, query);
        assert.match(because ?? "", /\w/, query);
      }
    });

    if (can("history"))
      fact("traffic is what happened within the window, whether or not a release runs", async (world) => {
        await world.happen({ times: 1_000, by: "stable" }, { times: 100, by: "canary" });
        const begun = Date.now();
        await world.happen(); // whoever was about to look has done so
        await world.happen(
          { times: 80, by: "stable" },
          { times: 20, by: "canary", how: "answered 503" },
          { times: 3, by: "nobody" },
        );
        const at = Date.now();
        const traffic = await world.metrics.traffic(at, at - begun, signal);
        assert.ok(!("because" in traffic), JSON.stringify(traffic));
        const { stable, canary, unattributed, covered } = traffic;
        assert.deepEqual([pairOf(stable), pairOf(canary), unattributed.errors], [[80, 0], [20, 20], 3]);
        assert.ok(covered > 0 && covered <= at - begun);
      });

    fact("where errors cannot be compared they are taken as independent, and it is said why", async (world) => {
      await world.happen({ times: 9, by: "stable" });
      const { phi, because } = await world.metrics.dispersion(Date.now(), signal);
      assert.equal(phi, 1);
      assert.match(because, /^errors are taken as independent: \w/);
    });

    const errors: Gate = { kind: "errors", name: "errors", atMost: 0.01, minRequests: 1, noData: "wait" };
    fact("an inspection refuses nothing where stable's requests are counted", async (world) => {
      await world.happen({ times: 9, by: "stable", took: 5 });
      const findings = await world.metrics.inspect(planWith([errors]), Date.now(), signal);
      assert.deepEqual(
        findings.map(({ level }) => level),
        ["note"],
      );
    });

    fact("an inspection warns where nobody calls the service", async (world) => {
      await world.happen({ times: 9, by: "stable", service: "another" });
      const findings = await world.metrics.inspect(planWith([errors]), Date.now(), signal);
      assert.ok(findings.some(({ level }) => level === "warn"));
    });

    fact("an inspection refuses a gate whose query has no answer", async (world) => {
      await world.happen({ times: 9, by: "stable" });
      const gate = (query: string): Gate => ({
        kind: "query",
        name: "mine",
        query,
        atMost: 1,
        tolerate: 0,
        noData: "wait",
      });
      const [wrong = assert.fail()] = world.queries.none;
      const levels = async (query: string) =>
        (await world.metrics.inspect(planWith([gate(query)]), Date.now(), signal)).map(({ level }) => level);
      assert.ok((await levels(wrong)).includes("refuse"));
      if (can("queries")) assert.ok(!(await levels(world.queries.one)).includes("refuse"));
    });
  });
}

const lookAt = (source: MetricSource): Promise<Increments> => source.look(Date.now(), signal);

/** A source that has had its first look, after these requests. */
async function watchedFrom(world: MetricsWorld, ...earlier: readonly Requests[]): Promise<MetricSource> {
  await world.happen(...earlier);
  const source = world.metrics.watch();
  await lookAt(source);
  return source;
}

const pairOf = ({ requests, errors }: Count): readonly number[] => [requests, errors];
const countsOf = ({ stable, canary, lost }: Increments) => ({ stable: pairOf(stable), canary: pairOf(canary), lost });
