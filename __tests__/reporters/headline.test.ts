import assert from "node:assert/strict";
import test from "node:test";
import { headlineOf } from "../../src/reporters/headline.ts";
import { samples } from "./sample.ts";

const rolledBack = samples["rolled-back-errors"] ?? assert.fail();
const neverStarted = samples["never-started"] ?? assert.fail();

test("a release that was rolled back and is settled says where requests go", () => {
  assert.equal(headlineOf({ ...rolledBack, settled: true }).words, "rolled back, all requests go to reviews-v1 again");
  assert.equal(headlineOf({ ...neverStarted, settled: true }).words, "not released, no request went to the canary");
});

test("one that is not settled promises nothing about requests", () => {
  assert.equal(headlineOf({ ...rolledBack, settled: false }).words, "rolled back, but not everything is as it should be");
  assert.equal(headlineOf({ ...neverStarted, settled: false }).words, "not released, but not everything is as it should be");
});
