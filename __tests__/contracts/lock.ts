import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { leaseLock } from "../../src/adapters/kubernetes/lease-lock.ts";
import { resources } from "../../src/kubernetes/object.ts";
import type { Held } from "../../src/ports/lock.ts";
import type { Run } from "../../src/release/release-record.ts";
import { handClock } from "../support/clock.ts";
import type { JournalWorld } from "./journal.ts";

const one: Run = { id: "one", url: "https://ci.example/one" };
const two: Run = { id: "two" };
const start = Date.UTC(2026, 0, 1);

/** The facts that keep two jobs from releasing one service at once. */
export function lockContract(name: string, setUp: () => Promise<JournalWorld>): void {
  describe(`the lock on ${name}`, () => {
    let world: JournalWorld;
    before(async () => {
      world = await setUp();
    });
    after(() => world.close());

    async function open() {
      const namespace = await world.createNamespace();
      const lock = (now: number, force = false) =>
        leaseLock({ client: world.client, namespace, service: "reviews", clock: handClock(now), force });
      return { namespace, lock };
    }

    test("who comes first holds it, and the second hears who, where and since when", async () => {
      const { lock } = await open();
      const held = holding(await lock(start).acquire(one));
      assert.deepEqual(await lock(start + 5_000).acquire(two), { heldBy: one, since: start });
      await held.release();
    });

    test("what was released is free at once", async () => {
      const { lock } = await open();
      await holding(await lock(start).acquire(one)).release();
      await holding(await lock(start).acquire(two)).release();
    });

    test("a holder that has not renewed for 30 s has lost it", async () => {
      const { lock } = await open();
      const dead = holding(await lock(start).acquire(one));
      assert.ok("heldBy" in (await lock(start + 30_000).acquire(two)));
      await holding(await lock(start + 30_001).acquire(two)).release();
      await dead.release();
    });

    test("two steps of one job share it", async () => {
      const { lock } = await open();
      const first = holding(await lock(start).acquire(one));
      await holding(await lock(start + 1_000).acquire(one)).release();
      await first.release();
    });

    test("somebody on call takes it by force, and the one who had it does not give it away afterwards", async () => {
      const { namespace, lock } = await open();
      const first = holding(await lock(start).acquire(one));
      const second = holding(await lock(start, true).acquire(two));
      await first.release();
      const lease = await world.client.get(resources.leases, namespace, "istio-canary-reviews");
      assert.equal((lease?.spec as { readonly holderIdentity?: string } | undefined)?.holderIdentity, "two");
      await second.release();
    });
  });
}

function holding(answer: Awaited<ReturnType<ReturnType<typeof leaseLock>["acquire"]>>): Held {
  if ("heldBy" in answer) assert.fail(`the lock is held by ${answer.heldBy.id}`);
  return answer;
}
