import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { describe, type TestContext } from "node:test";
import { hostIn, releaseOfOne } from "../../sandbox/shop.ts";
import { listening } from "../support/listening.ts";
import { runs, until } from "../support/process-in-file.ts";
import { journalOf, routeOf } from "./facts.ts";
import { assertRolledBack, assertServedBy, pull, scene } from "./scene.ts";

const key = "k3y-of-datadog";
const withoutMetrics = { prometheus: "", "metrics-source": "none" };

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "istio-canary-own-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** In a file, since a program's first argument is one. */
function scriptIn(folder: string, text: string): string {
  const file = join(folder, "smoke.sh");
  writeFileSync(file, text);
  return file;
}

describe("gates of one's own", { concurrency: 3 }, () => {
  test("a smoke test that fails rolls the release back, and what it printed is in the comment and in the report", async (t) => {
    const world = await scene(t, { shop: "one" });
    const smoke = scriptIn(
      folderFor(t),
      'echo "checked $CANARY_CANARY of $CANARY_NAMESPACE at $CANARY_WEIGHT%: wrong price"; exit 7',
    );
    const gates = `- run: { name: smoke, command: [sh, ${smoke}] }`;
    const ended = await world.run({ ...withoutMetrics, ...releaseOfOne("v2"), stages: "50:60s, 100", gates });
    await assertRolledBack(world, ended, /^smoke: the program ended with exit code 7$/);
    const [comment] = world.sandbox.github.comments(pull.number);
    const printed = "checked reviews-canary of shop at 50%: wrong price";
    for (const text of [comment?.body, ended.summary])
      assert.match(text ?? "", new RegExp(`<details>[^]*${printed}[^]*</details>`));
    assert.ok(JSON.stringify(ended.report).includes(printed));
  });

  test("programs and numbers of one's own let a good release through, and are in no journal", async (t) => {
    const world = await scene(t, { shop: "one" });
    const asked: (string | undefined)[] = [];
    const url = await listening(
      t,
      createServer((request, response) => {
        asked.push(request.headers["dd-api-key"]?.toString());
        response.end('{"series":[{"pointlist":[[1,90],[2,0.2]]}]}');
      }),
    );
    const gates = JSON.stringify([
      { run: { name: "smoke", command: ["sh", "-c", "echo $CANARY_WEIGHT"], atLeast: 50 } },
      { json: { url: `${url}/query`, path: "series.0.pointlist.-1.1", headers: { "DD-API-KEY": key }, atMost: 1 } },
    ]);
    // Testers alone first: what they get, and what everybody else does.
    const ask = (more: string): string => `curl -sf -H 'Host: ${hostIn("shop")}' ${more} ${world.sandbox.gateway.url}/`;
    const smoke = `${ask('-H "$CANARY_TESTER_HEADERS"')} | grep -q v2 && ! ${ask("")} | grep -q v2`;
    const stages = JSON.stringify([{ weight: 0, gates: [{ run: { command: ["sh", "-c", smoke] } }] }, "50:1s", "100"]);
    const testers = JSON.stringify({ headers: { "x-canary": { prefix: "qa-" } } });
    const route = routeOf(world.sandbox);
    const ended = await world.run({ ...withoutMetrics, ...releaseOfOne("v2"), stages, gates, testers });
    assert.equal(ended.exit, 0, ended.said);
    assert.match(ended.said, /letting testers in to the canary/);
    assert.equal(routeOf(world.sandbox), route, "nothing is left of them");
    assert.ok(asked.length > 0 && asked.every((sent) => sent === key), String(asked));
    const journal = JSON.stringify(journalOf(world.sandbox));
    for (const kept of [key, url, "$CANARY_WEIGHT"]) assert.ok(!journal.includes(kept), kept);
    const log = ended.said.replaceAll(/^::add-mask::.*\n/gm, "");
    for (const told of [log, ended.summary, JSON.stringify(ended.report)]) assert.ok(!told.includes(key));
    await assertServedBy(world.sandbox, world.traffic, "v2");
  });

  test("a job that is cancelled leaves no program behind", async (t) => {
    const world = await scene(t, { shop: "one" });
    const folder = folderFor(t);
    const child = join(folder, "child");
    const smoke = scriptIn(folder, `trap '' TERM; sh -c 'trap "" TERM; echo $$ > ${child}; while :; do sleep 1; done'`);
    const gates = `- run: { command: [sh, ${smoke}], timeout: 10m }`;
    const program = world.start({ ...withoutMetrics, ...releaseOfOne("v2"), stages: "50:60s, 100", gates });
    await until(() => existsSync(child) && runs(child));
    program.signal("SIGINT");
    const { exit, said } = await program.ended;
    assert.equal(exit, 1, said);
    await until(() => !runs(child));
  });
});
