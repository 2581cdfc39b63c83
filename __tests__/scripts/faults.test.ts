import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { faults } from "../../scripts/bench/faults/fault.ts";
import { faultRow, outcomes } from "../../scripts/bench/faults/fault-row.ts";

const rows = readFileSync("docs/faults.md", "utf8")
  .split("\n")
  .filter((line) => line.startsWith("| ") && !line.startsWith("| ---") && !line.startsWith("| Fault |"));

test("docs/faults.md has every fault, and at least thirty", () => {
  const told = rows.map((row) => row.split(" | ")[0]?.slice("| ".length));
  assert.deepEqual(
    told,
    faults.map(({ name }) => name),
  );
  assert.ok(rows.length >= 30);
});

test("every fault ends in a rollback, in somebody's decision, or is named as not judged; no good release is blamed", () => {
  for (const row of rows) {
    const [, outcome = ""] = row.split(" | ");
    assert.ok((outcomes as readonly string[]).includes(outcome), row);
    assert.ok(row.endsWith("|  |"), row);
  }
});

/** One of each kind: whoever changes what they rest on runs `npm run bench faults`. */
const played = [
  "fails always",
  "hangs, and nobody has a time-out",
  "half of its requests hang, and nobody has a time-out",
  "takes twice as long: 180 → 360ms",
  "answers 404 in 20%, with a gate on 4xx",
  "its image cannot be pulled",
];

for (const name of played)
  test(`what docs/faults.md says of a canary that ${name} is what happens`, async () => {
    const fault = faults.find((one) => one.name === name) ?? assert.fail(`no fault is called ${name}`);
    assert.equal(
      await faultRow(fault),
      rows.find((row) => row.startsWith(`| ${name} |`)),
      "run: npm run bench faults",
    );
  });
