import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { DeniedError } from "../../src/lib/errors.ts";
import type { HeldLock, Lock } from "../../src/ports/lock.ts";
import type { Run } from "../../src/release/release-record.ts";
import type { Clock } from "../../src/world/clock.ts";
import { handClock, idle } from "../support/clock.ts";

/**
 * The lock of one service that nobody holds, as a job takes it; `force` takes it from whoever has it. The clock shows
 * the time that all jobs share.
 */
export type LockOfService = (clock: Clock, force?: boolean) => Lock;

export type LockWorld = {
  readonly newService: () => Promise<LockOfService>;
  readonly close: () => Promise<void>;
};

const one: Run = { id: "one", url: "https://ci.example/one" };
const two: Run = { id: "two", url: "https://ci.example/two" };
const start = Date.UTC(2026, 0, 1);
const second = 1_000;

/** The facts that keep two jobs from releasing one service at once, for any adapter of the port. */
export function lockContract(name: string, setUp: () => Promise<LockWorld>): void {
  describe(`lock: ${name}`, () => {
    let world: LockWorld;
    before(async () => {
      world = await setUp();
    });
    after(() => world.close());

    /** A new service, and its lock as a job takes it whose clock shows this time. */
    async function service() {
      const lock = await world.newService();
      return (at: number, force = false): Lock => lock(handClock(at), force);
    }

    test("who comes first holds it, and the second hears who, where and since when", async () => {
      const lockAt = await service();
      const held = holding(await lockAt(start).acquire(one));
      assert.deepEqual(await lockAt(start + 5 * second).acquire(two), { heldBy: one, heldFor: 5 * second });
      await held.release();
    });

    test("of two who come at once one holds it, and the other hears who", async () => {
      const lockAt = await service();
      const answers = await Promise.all([lockAt(start).acquire(one), lockAt(start).acquire(two)]);
      const [held, refused] = "heldBy" in answers[0] ? [answers[1], answers[0]] : answers;
      assert.ok("heldBy" in refused);
      assert.equal(refused.heldBy.id, answers[0] === held ? "one" : "two");
      await holding(held).release();
    });

    test("what was released is free at once", async () => {
      const lockAt = await service();
      await holding(await lockAt(start).acquire(one)).release();
      await holding(await lockAt(start).acquire(two)).release();
    });

    test("a holder that has not renewed for 30s has lost it", async () => {
      const lockAt = await service();
      const dead = holding(await lockAt(start).acquire(one));
      assert.ok("heldBy" in (await lockAt(start + 30 * second).acquire(two)));
      await holding(await lockAt(start + 30 * second + 1).acquire(two)).release();
      await dead.release();
    });

    test("a holder that lives keeps it, for as long as it likes", async () => {
      const lock = await world.newService();
      const clock = handClock(start);
      const held = holding(await lock(clock).acquire(one));
      for (let passed = 0; passed < 120; passed += 29) {
        await clock.advance(29 * second);
        assert.deepEqual(await lock(handClock(clock.now())).acquire(two), {
          heldBy: one,
          heldFor: clock.now() - start,
        });
      }
      await held.release();
      await holding(await lock(handClock(clock.now())).acquire(two)).release();
    });

    test("a lock that is released while it is being renewed is free at once", async () => {
      const lock = await world.newService();
      const clock = handClock(start);
      const held = holding(await lock(clock).acquire(one));
      const renewal = clock.advance(10 * second);
      await idle();
      await idle();
      await held.release();
      await renewal;
      await holding(await lock(handClock(clock.now())).acquire(two)).release();
    });

    test("two steps of one job share it", async () => {
      const lockAt = await service();
      const first = holding(await lockAt(start).acquire(one));
      await holding(await lockAt(start + second).acquire(one)).release();
      await first.release();
    });

    test("somebody on call takes it by force; the one who had it hears who, and does not give it away afterwards", async () => {
      const lock = await world.newService();
      const clock = handClock(start);
      const first = holding(await lock(clock).acquire(one));
      const taken = holding(await lock(handClock(start), true).acquire(two));
      assert.equal(first.lost.aborted, false);
      await clock.advance(10 * second);
      assert.equal(first.lost.aborted, true);
      assert.ok(first.lost.reason instanceof DeniedError);
      assert.match(
        first.lost.reason.message,
        /^another job \(https:\/\/ci.example\/two\) took over the release of .+; this one has stopped$/,
      );
      await first.release();
      assert.deepEqual(await lock(handClock(start)).acquire(one), { heldBy: two, heldFor: 0 });
      await taken.release();
    });

    test("whoever asks hears at once that it was taken, or is freed again, and nobody who has it is told so", async () => {
      for (const done of [false, true]) {
        const lockAt = await service();
        const first = holding(await lockAt(start).acquire(one));
        await first.confirm();
        const taken = holding(await lockAt(start, true).acquire(two));
        if (done) await taken.release();
        else await taken.confirm();
        await assert.rejects(first.confirm(), DeniedError);
        assert.equal(first.lost.aborted, true);
        await first.release();
        await taken.release();
      }
    });

    test("the one who had it hears of it also when the other one is done already", async () => {
      const lock = await world.newService();
      const clock = handClock(start);
      const first = holding(await lock(clock).acquire(one));
      await holding(await lock(handClock(start), true).acquire(two)).release();
      await clock.advance(10 * second);
      assert.equal(first.lost.aborted, true);
      await first.release();
      await holding(await lock(handClock(clock.now())).acquire(two)).release();
    });

    test("nor does it give it away when it has not heard of it yet", async () => {
      const lockAt = await service();
      const first = holding(await lockAt(start).acquire(one));
      const taken = holding(await lockAt(start, true).acquire(two));
      await first.release();
      assert.deepEqual(await lockAt(start).acquire(one), { heldBy: two, heldFor: 0 });
      await taken.release();
    });
  });
}

function holding(answer: Awaited<ReturnType<Lock["acquire"]>>): HeldLock {
  if ("heldBy" in answer) assert.fail(`the lock is held by ${answer.heldBy.id}`);
  return answer;
}
