import assert from "node:assert/strict";
import test from "node:test";
import { createRedaction } from "../../src/lib/redaction.ts";
import { createCensor } from "../../src/reporting/censor.ts";
import { createWarnings } from "../../src/reporting/warnings.ts";

test("a warning is told at once, once, and kept", () => {
  const told: string[] = [];
  const warnings = createWarnings(createCensor(createRedaction()), (warning) => void told.push(warning));
  for (const warning of ["one", "two", "one"]) warnings.warn(warning);
  assert.deepEqual(told, ["one", "two"]);
  assert.deepEqual(warnings.all(), ["one", "two"]);
});

test("a secret in a warning is not told", () => {
  const told: string[] = [];
  const redaction = createRedaction();
  redaction.register("S3CRET");
  createWarnings(createCensor(redaction), (warning) => void told.push(warning)).warn("it said S3CRET");
  assert.deepEqual(told, ["it said ***"]);
});
