import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Inquiry, Respondent } from "../../src/ports/respondent.ts";
import type { AskedGate } from "../../src/release/gate.ts";
import type { Reading } from "../../src/release/observation.ts";
import { shopTarget } from "../support/shop-target.ts";

/** Somebody who is asked, and says what a script has for him. */
export type RespondentWorld<Asked extends AskedGate> = {
  /** What this job was told of gates: one that is answered with 0.5, one that is never answered. */
  readonly respondent: Respondent<Asked>;
  readonly gate: (name: "answered" | "silent" | "untold") => Asked;
  /** How many questions are under way. */
  readonly underWay: () => Promise<number>;
  readonly close: () => Promise<void>;
};

export const inquiry = (): Inquiry => ({
  at: Date.now(),
  target: shopTarget,
  weight: 20,
  stage: "first",
  since: Date.now() - 60_000,
});

const never = new AbortController().signal;

/** Asks until there is an answer, as looks do. */
export async function answerOf<Asked extends AskedGate>(
  respondent: Respondent<Asked>,
  gate: Asked,
  about = inquiry(),
): Promise<Reading> {
  for (;;) {
    const answer = await respondent.ask(gate, about, never);
    if (answer) return answer;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** What everybody owes who answers a gate of the user's own. */
export function respondentContract<Asked extends AskedGate>(
  name: string,
  open: () => Promise<RespondentWorld<Asked>>,
): void {
  describe(name, () => {
    let world: RespondentWorld<Asked>;
    before(async () => {
      world = await open();
    });
    after(() => world.close());

    const nobodyWorks = async (): Promise<void> => {
      while ((await world.underWay()) > 0) await new Promise((resolve) => setTimeout(resolve, 20));
    };

    test("the number comes with its moment, and is told once", async () => {
      const { respondent, gate } = world;
      const began = Date.now();
      const answer = await answerOf(respondent, gate("answered"));
      assert.equal(answer.value, 0.5);
      assert.equal(answer.because, undefined);
      assert.ok(answer.at >= began && answer.at <= Date.now());
      const second = await answerOf(respondent, gate("answered"));
      assert.ok(second.at >= answer.at);
    });

    test("who is not answered holds up no look, and is asked once", async () => {
      const { respondent, gate, underWay } = world;
      for (let look = 0; look < 3; look++)
        assert.equal(await respondent.ask(gate("silent"), inquiry(), never), undefined);
      assert.equal(await underWay(), 1);
      respondent.end();
      await nobodyWorks();
    });

    test("a job that was not told what a gate asks has no data, and says what it needs", async () => {
      const { respondent, gate, underWay } = world;
      const answer = await respondent.ask(gate("untold"), inquiry(), never);
      assert.equal(answer?.value, undefined);
      assert.match(answer?.because ?? "", /was not told what the gate asks; it needs the configuration/);
      assert.equal(await underWay(), 0);
    });

    test("when the job is stopped nothing goes on, and the question rejects with its reason", async () => {
      const { respondent, gate } = world;
      const stop = new AbortController();
      assert.equal(await respondent.ask(gate("silent"), inquiry(), stop.signal), undefined);
      stop.abort("the job was cancelled");
      await nobodyWorks();
      await assert.rejects(respondent.ask(gate("silent"), inquiry(), stop.signal), /the job was cancelled/);
    });

    test("after an end it answers again", async () => {
      const { respondent, gate } = world;
      respondent.end();
      assert.equal((await answerOf(respondent, gate("answered"))).value, 0.5);
    });
  });
}
