import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { describe, type TestContext } from "node:test";
import packageJson from "../package.json" with { type: "json" };
import { parseOutputs } from "../sandbox/composite/file-commands.ts";
import { releaseOfOne } from "../sandbox/shop.ts";
import { aged, rejecting, throwing } from "./integration/preload.ts";
import { type Ended, startProgram } from "./integration/program.ts";
import { until } from "./support/cluster.ts";
import { listening } from "./support/listening.ts";

// The program's own lines, in a process, from its sources; integration/ has the built one in a whole world.

/** What stands in for the action's folder. */
const action = mkdtempSync(join(tmpdir(), "istio-canary-main-"));
mkdirSync(join(action, "dist"));
writeFileSync(join(action, "package.json"), '{"type":"module"}');
writeFileSync(
  join(action, "dist/index.js"),
  `await import(${JSON.stringify(import.meta.resolve("../src/entry.ts"))});`,
);
test.after(() => rmSync(action, { recursive: true }));

/** What a measurement of the tests wants to be told (scripts/mutate), and a runner's word that it reads along. */
const { NODE_V8_COVERAGE } = process.env;
const here = NODE_V8_COVERAGE === undefined ? {} : { NODE_V8_COVERAGE };
const onRunner = { ...here, GITHUB_ACTIONS: "true" };

const start = (args: readonly string[], env: Readonly<Record<string, string>> = here, inputs?: object) =>
  startProgram({ action, args, env, ...(inputs === undefined ? {} : { inputs: inputs as Record<string, string> }) });

const rehearsal = {
  ...releaseOfOne("v2"),
  command: "rehearse",
  stages: "50:1m, 100",
  gates: "auto",
  "rehearse-rate": "50",
  "rehearse-errors": "1%",
  "rehearse-runs": "1",
};
const looks = { stages: "100", gates: "- restarts: {}" };
const wrong = { ...releaseOfOne("v2"), stages: "50:2x" };

/** An API server that never answers, and a program that has asked it. */
async function silentCluster(t: TestContext) {
  const server = createServer();
  const asked = once(server, "request");
  const url = await listening(t, server);
  const kubeconfig = `
clusters: [{ name: one, cluster: { server: "${url}", insecure-skip-tls-verify: true } }]
contexts: [{ name: one, context: { cluster: one, user: one } }]
users: [{ name: one, user: { token: a-token-of-the-cluster } }]
current-context: one
`;
  /** Starts the program, which then asks; fails where it ends before. */
  async function asking(inputs: object, env: Readonly<Record<string, string>> = here) {
    const program = start([], env, { ...releaseOfOne("v2"), kubeconfig, ...inputs });
    await Promise.race([asked, program.ended.then(({ said }) => assert.fail(said))]);
    const killed = (): Promise<Ended> => {
      program.signal("SIGKILL");
      return program.ended;
    };
    return { ...program, killed };
  }
  return asking;
}

describe("the program", { concurrency: 3 }, () => {
  for (const [args, exit, stdout, stderr] of [
    [["version"], 0, new RegExp(`^${packageJson.version}\n$`), /^$/],
    [["undo", "--help"], 0, /^istio-canary undo /, /^$/],
    [[], 2, /^$/, /^istio-canary COMMAND[\s\S]*No command was given, so nothing was done\.\n$/],
    [["release", "--stages", "50:2x"], 2, /^$/, /50:2x/],
    [["release", "--config", "/nowhere/canary.yaml"], 2, /^$/, /\/nowhere\/canary\.yaml/],
  ] as const)
    test(`told \`${args.join(" ")}\` at a terminal of nobody's it says what it has to say in its place`, async () => {
      const ended = await start(args).ended;
      assert.equal(ended.exit, exit, ended.said);
      assert.match(ended.stdout, stdout);
      assert.match(ended.said.slice(ended.stdout.length), stderr);
      assert.deepEqual(ended.outputs.outcome, exit === 0 || args.length === 0 ? undefined : "failed");
    });

  test("a Node that is too old is told before anything is loaded, and one that is not is not", async () => {
    for (const [node, exit, said] of [
      ["21.19.0", 2, /^Istio Canary needs Node 22\.19 or newer/],
      ["22.18.9", 2, /^Istio Canary needs Node 22\.19 or newer/],
      ["22.19.0", 0, /^\d+\.\d+\.\d+\n$/],
      ["23.0.0", 0, /^\d+\.\d+\.\d+\n$/],
    ] as const) {
      const ended = await start(["version"], { ...here, ...aged(node) }).ended;
      assert.deepEqual([ended.exit, said.test(ended.said)], [exit, true], `${node}: ${ended.said}`);
    }
  });

  test("a refusal is an annotation for the runner, words for people, and outputs for the second step", async () => {
    const { exit, said, stdout, outputs } = await start([], onRunner, wrong).ended;
    assert.equal(exit, 2, said);
    assert.match(stdout, /^::error title=Istio Canary::[^\n]*50:2x[^\n]*\n$/m);
    assert.match(said, /^[^:\n][^\n]*50:2x/m);
    assert.deepEqual([outputs.outcome, outputs.refused, outputs.settled], ["failed", "true", undefined]);
    assert.match(outputs.because ?? "", /50:2x/);
  });

  test("where a program reads standard output, the annotation goes to the other one", async () => {
    const { exit, said, stdout } = await start([], onRunner, { ...wrong, command: "plan", json: "true" }).ended;
    assert.deepEqual([exit, stdout], [2, ""], said);
    assert.match(said, /^::error title=Istio Canary::/m);
  });

  test("a refusal is one although no output can be written, which is said", async () => {
    const { exit, said } = await start([], { ...onRunner, GITHUB_OUTPUT: "/dev/full" }, wrong).ended;
    assert.equal(exit, 2, said);
    assert.match(said, /An output could not be written: ENOSPC/);
    const unheard = await start([], { ...onRunner, GITHUB_OUTPUT: "" }, wrong).ended;
    assert.equal(unheard.exit, 2, unheard.said);
    assert.doesNotMatch(unheard.said, /set-output|could not be written/);
  });

  test("files that the runner names are made, and have a refusal in them", async (t) => {
    const folder = mkdtempSync(join(tmpdir(), "istio-canary-files-"));
    t.after(() => rmSync(folder, { recursive: true }));
    const [output, summary] = ["output", "summary"].map((name) => join(folder, name)) as [string, string];
    const named = { ...onRunner, GITHUB_OUTPUT: output, GITHUB_STEP_SUMMARY: summary };
    await start([], named, { ...wrong, command: "plan" }).ended;
    assert.equal(parseOutputs(readFileSync(output, "utf8")).refused, "true");
    assert.match(readFileSync(summary, "utf8"), /^### ❌ .*plan.*refused, and nothing was changed\n\n\* .*50:2x/);
    const { exit, said } = await start([], named, rehearsal).ended;
    assert.equal(exit, 0, said);
    assert.match(readFileSync(summary, "utf8"), /rehearse[^\n]*\w+\/\w+/);
  });

  test("what a rehearsal says is for people on standard output, as JSON nothing else is, and warnings go to the other", async () => {
    const text = await start([], here, { ...rehearsal, image: "no image" }).ended;
    assert.equal(text.exit, 0, text.said);
    assert.match(text.stdout, /^warning: image: /);
    const json = await start([], here, { ...rehearsal, image: "no image", json: "true" }).ended;
    assert.equal(json.exit, 0, json.said);
    assert.equal(typeof JSON.parse(json.stdout), "object");
    assert.match(json.said, /^warning: image: /m);
  });

  for (const [where, env, masks] of [
    ["a runner but the runner", onRunner, 1],
    ["a terminal", here, 0],
  ] as const)
    test(`what a secret is, nobody is told at ${where}`, async (t) => {
      const asking = await silentCluster(t);
      const { said } = await (await asking({ ...looks, "github-token": "ghs_0815" }, env)).killed();
      for (const secret of ["ghs_0815", "a-token-of-the-cluster"]) {
        assert.equal(said.split(`::add-mask::${secret}\n`).length - 1, masks, said);
        assert.equal(said.split(secret).length - 1, masks, said);
      }
    });

  test("a command that only looks is ended by a signal at once, one that changes things goes on", async (t) => {
    const status = await (await silentCluster(t))({ command: "status" });
    status.signal("SIGTERM");
    assert.equal((await status.ended).exit, "SIGTERM");
    const release = await (await silentCluster(t))(looks, { ...here, ...rejecting("still there") });
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR2"] as const) release.signal(signal);
    await until("it hears the last one, too", release.said, (text) => text.includes("was survived: still there"));
    assert.equal((await release.killed()).exit, "SIGKILL");
  });

  test("a defect is told with its stack, and ends nothing by itself", async (t) => {
    const broken = await (await silentCluster(t))(looks, { ...here, ...throwing("a wheel came off") });
    broken.signal("SIGUSR2");
    await until("it is told", broken.said, (text) => /Error: a wheel came off\n\s+at /.test(text));
    assert.equal((await broken.killed()).exit, "SIGKILL");
  });
});
