import assert from "node:assert/strict";
import test from "node:test";
import { type Edit, edit } from "../../../src/adapters/kubernetes/edit.ts";
import { KubernetesError } from "../../../src/adapters/kubernetes/kubernetes-client.ts";
import { jumpingClock } from "../../support/clock.ts";

const refusal = (status: number): KubernetesError => new KubernetesError(`${status}`, status, "");

/** Edits a number that is to be 3; each write ends as told, and the last outcome goes on for ever. */
async function editNumber(outcomes: readonly (number | Error)[], how: Partial<Edit<number>> = {}) {
  const clock = jumpingClock();
  const happened: string[] = [];
  let value = 0;
  const end = await edit<number>(clock, {
    read: async () => {
      happened.push(`${clock.now()}: read ${value}`);
      return value;
    },
    plan: (current) => {
      if (current === 3) return undefined;
      const send = async (): Promise<void> => {
        const outcome = outcomes[happened.filter((line) => line.includes("write")).length] ?? outcomes.at(-1);
        happened.push("write");
        if (outcome instanceof Error) throw outcome;
        value = outcome ?? 3;
      };
      return { body: { current }, send };
    },
    ...how,
  }).then(
    (current) => `read last: ${current}`,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  return { end, happened };
}

test("what is as it should be is not written", async () => {
  const { end, happened } = await editNumber([], { plan: () => undefined });
  assert.deepEqual([end, happened], ["read last: 0", ["0: read 0"]]);
});

test("a write that is accepted is enough", async () => {
  const { end, happened } = await editNumber([3]);
  assert.deepEqual([end, happened], ["read last: 0", ["0: read 0", "write"]]);
});

test("or has to be proven by a reading", async () => {
  const { end, happened } = await editNumber([3], { proven: true });
  assert.deepEqual([end, happened], ["read last: 3", ["0: read 0", "write", "0: read 3"]]);
});

for (const status of [404, 409])
  test(`after ${status} it is read again, each time after a longer pause`, async () => {
    const { happened } = await editNumber([refusal(status), refusal(status), 3]);
    assert.deepEqual(happened, ["0: read 0", "write", "20: read 0", "write", "60: read 0", "write"]);
  });

test("a failed test is tried again when what is written has changed", async () => {
  let asked = 0;
  const send = async (): Promise<void> => {
    if (asked < 3) throw refusal(422);
  };
  const { end } = await editNumber([], { plan: () => ({ body: ++asked, send }) });
  assert.deepEqual([end, asked], ["read last: 0", 3]);
});

test("and is a refusal when it has not", async () => {
  const { end, happened } = await editNumber([refusal(422)], { refused: ({ status }, at) => `${status} at ${at}` });
  assert.deepEqual([end, happened], ["422 at 0", ["0: read 0", "write", "20: read 0"]]);
});

test("any other refusal is one at once", async () => {
  const { end, happened } = await editNumber([refusal(403)], { refused: ({ status }, at) => `${status} at ${at}` });
  assert.deepEqual([end, happened], ["403 at 0", ["0: read 0", "write"]]);
  assert.equal((await editNumber([refusal(403)])).end, "403");
});

test("who is overtaken by writes of others tries twenty times: they have other business in the same object", async () => {
  const { end, happened } = await editNumber([refusal(409)]);
  assert.deepEqual([end, happened.filter((line) => line === "write").length], ["409", 20]);
});

test("whatever has to be sure before a write is asked after each reading, and only then", async () => {
  let sure = 0;
  const lost = new Error("lost");
  const { end, happened } = await editNumber([refusal(409), 3], {
    proven: true,
    fence: async () => {
      if (++sure === 2) throw lost;
    },
  });
  assert.deepEqual([end, happened], ["lost", ["0: read 0", "write", "20: read 0"]]);
  await editNumber([], { plan: () => undefined, fence: () => assert.fail("nothing is to be written") });
});

test("writes that are accepted and undone by somebody else are given up after five", async () => {
  const contested = (error: KubernetesError | undefined, at: number): string => `${error} at ${at}`;
  const { end, happened } = await editNumber([1], { proven: true, contested });
  assert.deepEqual([end, happened.filter((line) => line === "write").length], ["undefined at 1", 5]);
  assert.match((await editNumber([1], { proven: true })).end, /somebody else writes it, too/);
});

test("no answer is no refusal, and ends it", async () => {
  const { end, happened } = await editNumber([new Error("away")]);
  assert.deepEqual([end, happened], ["away", ["0: read 0", "write"]]);
});
