import assert from "node:assert/strict";
import test, { describe } from "node:test";
import { type CaseRun, runCase } from "./support.ts";

/** Issue 10, section 2: a case, and what must be seen. */
const cases: Readonly<Record<string, (run: CaseRun) => void>> = {
  "c33-matchexpressions-clone": assertReleased,
  "c72-odd-subset-labels-clone": assertReleased,
};

function assertReleased({ exit, traffic, said }: CaseRun): void {
  assert.equal(exit, 0, said);
  assert.equal(traffic.bad, 0, said);
  assert.ok((traffic.byVersion.v2 ?? 0) > 0, said);
}

describe("manifests and copies", { concurrency: 4 }, () => {
  for (const [name, assertSeen] of Object.entries(cases))
    test(name, async (t) => {
      assertSeen(await runCase(t, name));
    });
});
