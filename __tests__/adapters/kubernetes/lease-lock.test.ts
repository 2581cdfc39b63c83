import assert from "node:assert/strict";
import test from "node:test";
import { heldLease, type LeaseSlot } from "../../../src/adapters/kubernetes/held-lease.ts";
import { connect, type KubernetesClient } from "../../../src/adapters/kubernetes/kubernetes-client.ts";
import { leaseLock } from "../../../src/adapters/kubernetes/lease-lock.ts";
import { createServerTime } from "../../../src/adapters/kubernetes/server-time.ts";
import { nodeClock } from "../../../src/adapters/node/node-clock.ts";
import { nodeTransport } from "../../../src/adapters/node/node-transport.ts";
import { numberAt, textAt } from "../../../src/kubernetes/field.ts";
import { type KubernetesObject, resources } from "../../../src/kubernetes/object.ts";
import type { Instant, Millis } from "../../../src/lib/duration.ts";
import type { HeldLock, Lock } from "../../../src/ports/lock.ts";
import type { Clock } from "../../../src/world/clock.ts";
import { handClock, idle } from "../../support/clock.ts";
import { type Cluster, inCluster, until } from "../../support/cluster.ts";
import { type Between, datedBy, silence, withBetween } from "../../support/transports.ts";

const start = Date.UTC(2026, 0, 1);
const second: Millis = 1_000;
const name = "istio-canary-reviews";
const lockOf = (client: KubernetesClient, clock: Clock = handClock(start), force = false): Lock =>
  leaseLock({ client, namespace: "default", service: "reviews", clock, time: clock, force });

const leaseIn = ({ client }: Pick<Cluster, "client">): Promise<KubernetesObject | undefined> =>
  client.get(resources.leases, "default", name);

function holding(answer: Awaited<ReturnType<Lock["acquire"]>>): HeldLock {
  if ("heldBy" in answer) assert.fail(`the lock is held by ${answer.heldBy.id}`);
  return answer;
}

/** A client with somebody between it and the server, by a clock of its own. */
function through({ server }: Cluster, between: Between, clock: Clock = nodeClock) {
  const time = createServerTime(clock);
  const network = { clock, transport: withBetween(nodeTransport(), between) };
  const headers = { authorization: `Bearer ${server.adminToken}` };
  const authorize = async () => ({ headers, tls: { ca: server.ca } });
  return { client: connect(network, { server: server.url, authorize }, { date: time.hear }), time };
}

test("a job that is a moment too late hears who was faster", () =>
  inCluster([], async ({ client }) => {
    const overtaken: KubernetesClient = {
      ...client,
      async get(...request) {
        const lease = await client.get(...request);
        if (!lease) await lockOf(client).acquire({ id: "two" });
        return lease;
      },
    };
    const answer = await lockOf(overtaken).acquire({ id: "one" });
    assert.ok("heldBy" in answer);
    assert.equal(answer.heldBy.id, "two");
  }));

test("a renewal that fails for another reason is no loss, and the next one makes up for it", () =>
  inCluster([], async (cluster) => {
    const clock = handClock(start);
    const held = holding(await lockOf(cluster.client, clock).acquire({ id: "one" }));
    const allow = cluster.server.fail({ method: "PUT", path: "leases", status: 400, times: 99 });
    await clock.advance(8 * second);
    allow();
    await clock.advance(8 * second);
    assert.equal(held.lost.aborted, false);
    assert.equal(textAt(await leaseIn(cluster), "spec", "renewTime"), "2026-01-01T00:00:16.000000Z");
    await held.release();
  }));

test("a renewal is no change of hands, and another job is one", () =>
  inCluster([], async (cluster) => {
    const clock = handClock(start);
    const held = holding(await lockOf(cluster.client, clock).acquire({ id: "one" }));
    await clock.advance(16 * second);
    const transitions = async () => numberAt(await leaseIn(cluster), "spec", "leaseTransitions");
    assert.equal(await transitions(), 1);
    await held.release();
    await holding(await lockOf(cluster.client, clock).acquire({ id: "two" })).release();
    assert.equal(await transitions(), 2);
  }));

test("a lock that was taken, though the answer got lost, is held", () =>
  inCluster([], async (cluster) => {
    cluster.server.fail({ method: "POST", path: "leases", drop: "after" });
    await holding(await lockOf(cluster.client).acquire({ id: "one" })).release();
    assert.equal(textAt(await leaseIn(cluster), "spec", "holderIdentity"), undefined);
  }));

/** What becomes of the answers to renewals that were applied. */
const lostAnswers: Readonly<Record<string, Between>> = {
  "is cut": async (_, forward) => {
    await forward();
    throw Object.assign(new Error("socket hang up"), { code: "ECONNRESET" });
  },
  "is no JSON": async (_, forward) => ({ ...(await forward()), text: "<html>" }),
  "is a 504": async (_, forward) => {
    await forward();
    return {
      status: 504,
      headers: {},
      text: '{"kind":"Status","message":"etcdserver: request timed out","reason":""}',
    };
  },
};

for (const [what, between] of Object.entries(lostAnswers)) {
  test(`a renewal whose answer ${what} is settled by reading: the lock is still this job's`, () =>
    inCluster([], async (cluster) => {
      let faults = 0;
      const { client } = through(cluster, (request, forward) =>
        request.method === "PUT" && faults-- > 0 ? between(request, forward) : forward(),
      );
      const clock = handClock(start);
      const held = holding(await lockOf(client, clock).acquire({ id: "one" }));
      faults = 1;
      await clock.advance(8 * second);
      assert.equal(held.lost.aborted, false, String(held.lost.reason));
      await clock.advance(8 * second);
      assert.equal(held.lost.aborted, false, String(held.lost.reason));
      assert.equal(textAt(await leaseIn(cluster), "spec", "renewTime"), "2026-01-01T00:00:16.000000Z");
      await held.release();
      assert.equal(textAt(await leaseIn(cluster), "spec", "holderIdentity"), undefined);
    }));
}

test("a renewal that was applied and never answered is given up in time, and the next one settles it", () =>
  inCluster([], async (cluster) => {
    const clock = handClock(start);
    let silent = false;
    const { client } = through(cluster, async (request, forward) => {
      if (request.method !== "PUT" || !silent) return forward();
      silent = false;
      await forward();
      return silence(request);
    });
    const held = holding(await lockOf(client, clock).acquire({ id: "one" }));
    silent = true;
    const renewal = clock.advance(8 * second);
    await until(
      "the renewal is sent",
      () => silent,
      (still) => !still,
    );
    const rest = clock.advance(8 * second); // its limit is on the way
    await Promise.all([renewal, rest]);
    await until(
      "the next renewal is there",
      () => leaseIn(cluster),
      (lease) => textAt(lease, "spec", "renewTime") === "2026-01-01T00:00:16.000000Z",
    );
    assert.equal(held.lost.aborted, false, String(held.lost.reason));
    await held.release();
  }));

test("a renewal that would write a time long past is given up, whatever the client would wait for", async () => {
  const clock = handClock(start);
  const sent: AbortSignal[] = [];
  const slot: LeaseSlot = {
    read: async () => undefined,
    write: (_run, _before, signal = AbortSignal.abort()) => {
      sent.push(signal);
      return silence({ signal });
    },
  };
  const lease = { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata: { name } };
  heldLease(slot, lease, { id: "one" }, clock, () => new Error("taken over"));
  const renewal = clock.advance(8 * second);
  await until("the renewal is sent", () => sent.length, Boolean);
  await clock.advance(7 * second);
  assert.equal(sent[0]?.aborted, true);
  await renewal;
});

test("a renewal that gets no answer keeps nobody from giving the lock back", () =>
  inCluster([], async (cluster) => {
    const clock = handClock(start);
    let puts = 0;
    const { client } = through(
      cluster,
      (request, forward) => (request.method === "PUT" && puts++ === 0 ? silence(request) : forward()),
      clock,
    );
    const held = holding(await lockOf(client, clock).acquire({ id: "one" }));
    const renewal = clock.advance(8 * second);
    await until(
      "the renewal is sent",
      () => puts,
      (count) => count === 1,
    );
    await held.release();
    await renewal;
    assert.equal(textAt(await leaseIn(cluster), "spec", "holderIdentity"), undefined);
  }));

test("writes of one lock never overlap, whatever they take and whenever it is given back", () =>
  inCluster([], async (cluster) => {
    let underWay = 0;
    let most = 0;
    let writes = 0;
    const open = Promise.withResolvers<void>();
    const { client } = through(cluster, async ({ method }, forward) => {
      if (method === "GET") return forward();
      most = Math.max(most, ++underWay);
      writes++;
      if (writes === 2) await open.promise;
      return forward().finally(() => underWay--);
    });
    const clock = handClock(start);
    const held = holding(await lockOf(client, clock).acquire({ id: "one" }));
    const renewal = clock.advance(8 * second);
    await until(
      "the renewal is under way",
      () => writes,
      (count) => count === 2,
    );
    const released = held.release();
    await idle();
    assert.equal(underWay, 1);
    open.resolve();
    await Promise.all([renewal, released]);
    assert.equal(most, 1);
    assert.equal(textAt(await leaseIn(cluster), "spec", "holderIdentity"), undefined);
  }));

test("a lock that somebody deleted, or freed by hand, is taken again by the job that had it", () =>
  inCluster([], async (cluster) => {
    const { client } = cluster;
    const clock = handClock(start);
    const held = holding(await lockOf(client, clock).acquire({ id: "one" }));
    await client.delete(resources.leases, "default", name);
    await clock.advance(8 * second);
    assert.equal(held.lost.aborted, false, String(held.lost.reason));
    assert.equal(textAt(await leaseIn(cluster), "spec", "holderIdentity"), "one");

    const patch = { type: "merge", body: { spec: { holderIdentity: null } } } as const;
    await client.patch(resources.leases, "default", name, patch);
    await clock.advance(8 * second);
    assert.equal(held.lost.aborted, false, String(held.lost.reason));
    assert.equal(textAt(await leaseIn(cluster), "spec", "holderIdentity"), "one");
    await held.release();
  }));

test("a job that could not renew for so long that its lock ran out takes it again when nobody else did", () =>
  inCluster([], async (cluster) => {
    const clock = handClock(start);
    const held = holding(await lockOf(cluster.client, clock).acquire({ id: "one" }));
    const restore = cluster.server.fail({ path: "leases", status: 400, times: 99 });
    await clock.advance(40 * second);
    restore();
    await clock.advance(8 * second);
    assert.equal(held.lost.aborted, false);
    const answer = await lockOf(cluster.client, handClock(clock.now())).acquire({ id: "two" });
    assert.ok("heldBy" in answer);
    await held.release();
  }));

/** The node's clock as a machine has it that is off by so much. */
const offBy = (by: Millis): Clock => ({
  ...nodeClock,
  now: () => nodeClock.now() + by,
  sleepUntil: (at, signal) => nodeClock.sleepUntil(at - by, signal),
  deadline: (at) => nodeClock.deadline(at - by),
});

/** A job on a machine whose clock is off by so much, with a server whose time goes on by `passed`. */
function jobOn(cluster: Cluster, by: Millis, passed: () => Millis): { readonly lock: Lock; readonly clock: Hand } {
  const { client, time } = through(
    cluster,
    datedBy(() => Date.now() + passed()),
    offBy(by),
  );
  const clock = handClock(Date.now() + by);
  return { lock: leaseLock({ client, namespace: "default", service: "reviews", clock, time, force: false }), clock };
}
type Hand = ReturnType<typeof handClock>;

test("clocks that differ neither take a live job's lock nor lock releases out after a dead one", async () => {
  for (const [one, other] of [
    [0, 40],
    [0, -40],
    [40, 0],
    [600, 0],
    [-600, 600],
  ] as const) {
    await inCluster([], async (cluster) => {
      let passed: Millis = 0;
      const holder = jobOn(cluster, one * second, () => passed);
      const comer = jobOn(cluster, other * second, () => passed);
      holding(await holder.lock.acquire({ id: "one" }));
      for (let renewals = 0; renewals < 5; renewals++) {
        passed += 8 * second;
        await holder.clock.advance(8 * second);
        const answer = await comer.lock.acquire({ id: "two" });
        assert.ok("heldBy" in answer, `${one} and ${other}s off`);
        const { heldFor } = answer;
        assert.ok(heldFor >= passed - 2 * second && heldFor <= passed + 5 * second, `${heldFor} of ${passed}`);
      }
      passed += 34 * second; // it died
      await holding(await comer.lock.acquire({ id: "two" })).release();
    });
  }
});

/** A Lease whose holder renewed at a time that cannot be compared with the server's, or is told by none. */
const unclear: Readonly<Record<string, { readonly renewTime: string; readonly serverTime: Instant | undefined }>> = {
  "in the future": { renewTime: "2026-01-01T00:10:00.000000Z", serverTime: start },
  "by a server that tells no time": { renewTime: "2026-01-01T00:00:00.000000Z", serverTime: undefined },
};

for (const [what, { renewTime, serverTime }] of Object.entries(unclear)) {
  const world = async (cluster: Cluster) => {
    const { client, time } = through(
      cluster,
      datedBy(() => serverTime),
    );
    const spec = { holderIdentity: "one", leaseDurationSeconds: 30, renewTime, acquireTime: renewTime };
    const lease = { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata: { name }, spec };
    const stored = await cluster.client.create(resources.leases, "default", lease);
    const clock = handClock(start);
    const stop = new AbortController();
    const parts = { client, namespace: "default", service: "reviews", clock, time, force: false, stop: stop.signal };
    return { clock, stored, lock: leaseLock(parts), stop };
  };

  /** Asks for the lock, which is read once and then watched. */
  const watching = async (cluster: Cluster, lock: Lock) => {
    cluster.server.requests.clear();
    const acquired = lock.acquire({ id: "two" });
    await until(
      "it was read",
      () => cluster.server.requests.count({ method: "GET" }),
      (count) => count === 1,
    );
    await idle();
    return { answer: acquired };
  };

  test(`a lock that was renewed ${what} is watched: nobody who lives lets it stand for 30s`, () =>
    inCluster([], async (cluster) => {
      const { clock, lock } = await world(cluster);
      const { answer: acquired } = await watching(cluster, lock);
      await clock.advance(29 * second);
      assert.equal(cluster.server.requests.count({ method: "GET" }), 1);
      await clock.advance(2 * second);
      await holding(await acquired).release();
    }));

  test(`a lock that was renewed ${what}, and is renewed while it is watched, is held`, () =>
    inCluster([], async (cluster) => {
      const { clock, lock, stored } = await world(cluster);
      const { answer: acquired } = await watching(cluster, lock);
      const renewed = { ...stored, spec: { ...Object(stored.spec), renewTime: "2026-01-01T00:10:01.000000Z" } };
      await cluster.client.replace(resources.leases, "default", name, renewed);
      await clock.advance(31 * second);
      const answer = await acquired;
      assert.ok("heldBy" in answer);
      assert.equal(answer.heldBy.id, "one");
      assert.ok(answer.heldFor >= 0);
    }));

  test(`a lock that was renewed ${what} is nobody's prey when the watch is cancelled before its end`, () =>
    inCluster([], async (cluster) => {
      const { lock, stop } = await world(cluster);
      const { answer: acquired } = await watching(cluster, lock);
      stop.abort("the job was cancelled");
      assert.ok("heldBy" in (await acquired));
    }));
}

test("a job that has lost its lock takes it no more, not even when nobody has it", () =>
  inCluster([], async (cluster) => {
    const { client } = cluster;
    const clock = handClock(start);
    const held = holding(await lockOf(client, clock).acquire({ id: "one" }));
    await lockOf(client, handClock(start), true).acquire({ id: "two" });
    await clock.advance(8 * second);
    assert.equal(held.lost.aborted, true);
    await client.delete(resources.leases, "default", name);
    await clock.advance(8 * second);
    await held.release();
    assert.equal(await leaseIn(cluster), undefined);
  }));

test("a lock that may not be taken is asked for once", () =>
  inCluster([], async ({ client, server }) => {
    server.fail({ method: "POST", path: "leases", status: 403, times: 99 });
    await assert.rejects(lockOf(client).acquire({ id: "one" }));
    assert.equal(server.requests.count({ method: "GET" }), 1);
  }));

test("a second step of a job renews what the first has taken, and nobody has what was given back", () =>
  inCluster([], async (cluster) => {
    const lock = lockOf(cluster.client);
    holding(await lock.acquire({ id: "one" }));
    const second = holding(await lockOf(cluster.client, handClock(start + 20_000)).acquire({ id: "one" }));
    assert.equal(textAt(await leaseIn(cluster), "spec", "renewTime"), "2026-01-01T00:00:20.000000Z");
    await second.release();
    assert.equal(await lock.holder(), undefined);
  }));

test("a lock that others are faster with again and again is given up after five tries", () =>
  inCluster([], async ({ client, server }) => {
    server.fail({ method: "POST", path: "leases", status: 409, times: 99 });
    await assert.rejects(lockOf(client).acquire({ id: "one" }));
    assert.equal(server.requests.count({ method: "GET" }), 5);
  }));

test("whoever takes a lock by force has it from then on", () =>
  inCluster([], async (cluster) => {
    const { client } = cluster;
    holding(await lockOf(client).acquire({ id: "one" }));
    await lockOf(client, handClock(start + 20 * second), true).acquire({ id: "two" });
    assert.deepEqual(await lockOf(client, handClock(start + 25 * second)).acquire({ id: "three" }), {
      heldBy: { id: "two", url: undefined },
      heldFor: 5 * second,
    });
  }));

test("a lock lasts as long as its holder says, and 30s where that is not said", () =>
  inCluster([], async ({ client }) => {
    for (const [leaseDurationSeconds, lasts] of [
      [60, 60],
      [undefined, 30],
    ] as const) {
      const renewTime = "2026-01-01T00:00:00.000000Z";
      const spec = { holderIdentity: "one", leaseDurationSeconds, renewTime, acquireTime: renewTime };
      const metadata = { name };
      await client.create(resources.leases, "default", {
        apiVersion: "coordination.k8s.io/v1",
        kind: "Lease",
        metadata,
        spec,
      });
      const holderAt = (at: number) => lockOf(client, handClock(start + at * second)).holder();
      assert.equal((await holderAt(lasts - 1))?.heldBy.id, "one");
      assert.equal(await holderAt(lasts + 1), undefined);
      await client.delete(resources.leases, "default", name);
    }
  }));

test("each change of hands is counted, as other tools show it", () =>
  inCluster([], async (cluster) => {
    const { client } = cluster;
    for (const id of ["one", "two"]) await holding(await lockOf(client).acquire({ id })).release();
    assert.equal(numberAt(await leaseIn(cluster), "spec", "leaseTransitions"), 2);
  }));
