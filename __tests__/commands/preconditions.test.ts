import assert from "node:assert/strict";
import test from "node:test";
import { untouched } from "../../src/commands/preconditions.ts";
import { DeniedError, RefusedError, UnreachableError } from "../../src/lib/errors.ts";

test("what is denied before anything was changed is a refusal, with the same words", async () => {
  await assert.rejects(untouched(Promise.reject(new DeniedError("leases is forbidden"))), (error) => {
    assert.ok(error instanceof RefusedError);
    assert.equal(error.message, "leases is forbidden");
    assert.match(error.next ?? "", /^Nothing was changed\./);
    return true;
  });
  await assert.rejects(untouched(Promise.reject(new DeniedError("version 2", { next: "Use a newer program." }))), {
    name: "RefusedError",
    next: "Nothing was changed. Use a newer program.",
  });
});

test("what could not be reached stays what it is, and what was found is given on", async () => {
  await assert.rejects(untouched(Promise.reject(new UnreachableError("no answer"))), { name: "UnreachableError" });
  assert.equal(await untouched(Promise.resolve("found")), "found");
});
