import assert from "node:assert/strict";
import { test } from "node:test";
import { DeniedError, RefusedError, tell, withNext } from "../../src/lib/errors.ts";

test("what to do is a sentence of its own, whether or not the message ends as one", () => {
  assert.equal(
    withNext("Prometheus has no request of shop/reviews", "Check its URL."),
    "Prometheus has no request of shop/reviews. Check its URL.",
  );
  assert.equal(withNext("Namespace shop does not exist.", "Correct it."), "Namespace shop does not exist. Correct it.");
  assert.equal(withNext("Namespace shop does not exist", undefined), "Namespace shop does not exist");
});

test("an error tells its message, what to do, and the cause that adds something", () => {
  const cause = new Error("weight -1 < 0");
  assert.equal(
    tell(new DeniedError("the route could not be written", { next: "Correct it.", cause })),
    "the route could not be written. Correct it. (weight -1 < 0)",
  );
  assert.equal(tell(new RefusedError("refused: weight -1 < 0.", { cause })), "refused: weight -1 < 0.");
  assert.equal(tell("a text"), "a text");
});
