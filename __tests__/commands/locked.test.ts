import assert from "node:assert/strict";
import test from "node:test";
import { locked } from "../../src/commands/locked.ts";
import { RefusedError, UnreachableError } from "../../src/lib/errors.ts";
import type { HeldByOther } from "../../src/ports/lock.ts";
import { createSession } from "../support/session.ts";

test("the work is done while the lock is held, which is given back whatever becomes of it", async () => {
  for (const work of [async () => "done", () => Promise.reject(new Error("broken"))]) {
    const { session, events } = await createSession();
    const result = await locked(session, { force: true }, work).catch(({ message }: Error) => message);
    assert.ok(["done", "broken"].includes(result));
    assert.deepEqual(events, ["lock by force", "unlock"]);
  }
});

test("where another job has the lock nothing is done, and it is said whose it is and how to get it", async () => {
  const { session, printed } = await createSession();
  for (const [heldBy, whose] of [
    [{ id: "job-7" }, "job-7"],
    [{ id: "job-7", url: "https://github.test/7", actor: "ada" }, "https://github.test/7 by ada"],
  ] as const) {
    const other: HeldByOther = { heldBy, heldFor: 65_000 };
    const held = { ...session, lock: () => ({ acquire: async () => other, holder: async () => other }) };
    const error: unknown = await locked(held, { force: false }, () => assert.fail("it was done")).catch((why) => why);
    assert.ok(error instanceof RefusedError, String(error));
    assert.equal(error.message, `shop/reviews: another job (${whose}) has been releasing it for 1m5s.`);
    assert.match(error.next ?? "", /istio-canary rollback .*--namespace shop --service reviews/);
  }
  assert.match(printed[0] ?? "", /prod-eu-1/);
});

test("whoever cancels a job whose lock never answers is told that nothing was changed", async () => {
  const { session } = await createSession();
  const silent = async (): Promise<never> => {
    throw new UnreachableError("the API server did not answer POST …/leases");
  };
  const stop = AbortSignal.abort("the job was cancelled");
  const waiting = { ...session, lock: () => ({ acquire: silent, holder: silent }) };
  const told = (of: typeof session) =>
    assert.rejects(
      locked(of, { force: false }, () => assert.fail("it was done")),
      (error: Error) => {
        assert.equal(error.message, of.stop.aborted ? "the job was cancelled, before anything was changed." : lost);
        return true;
      },
    );
  const lost = "the API server did not answer POST …/leases";
  await told({ ...waiting, stop });
  await told(waiting);
});
