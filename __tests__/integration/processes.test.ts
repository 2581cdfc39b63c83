import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { describe } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import packageJson from "../../package.json" with { type: "json" };
import { releaseOfOne } from "../../sandbox/shop.ts";
import { listening } from "../support/listening.ts";
import { startTunnel } from "../support/tunnel.ts";
import { reached } from "./facts.ts";
import { onTerminal } from "./preload.ts";
import { startProgram } from "./program.ts";
import { action, assertAsBefore, assertServedBy, pull, scene } from "./scene.ts";

const gates = "- restarts: {}";

/** What happens to the process itself: its signals, its pipes and its environment. */
describe("processes", { concurrency: 3 }, () => {
  test("the command line without a command prints the help and releases nothing", async () => {
    const args = [
      "--namespace",
      "shop",
      "--service",
      "reviews",
      "--stable-deployment",
      "v1",
      "--canary-deployment",
      "v2",
      "--stages",
      "100",
    ];
    const { exit, said, stdout, outputs } = await startProgram({ action: await action, env: {}, args }).ended;
    assert.deepEqual([exit, stdout, outputs], [2, "", {}], said);
    assert.match(
      said,
      /^istio-canary COMMAND [\s\S]*\n {2}rollback {2}[\s\S]*No command was given, so nothing was done\.\n$/,
    );
  });

  for (const [what, signal] of [
    ["a cancelled job whose log nobody reads any more", "SIGINT"],
    ["a job whose runner is told to stop", "SIGTERM"],
    ["a command line whose terminal is closed", "SIGHUP"],
  ] as const)
    test(`${what} gives the traffic back all the same`, async (t) => {
      const world = await scene(t, { shop: "one" });
      const program = world.start({ ...releaseOfOne("v2"), stages: "50:60s, 100", gates });
      await reached(world.sandbox, "baking", program.ended);
      program.closePipes();
      program.signal(signal);
      const { exit, outputs } = await program.ended;
      assert.deepEqual([exit, outputs.outcome, outputs.settled], [1, "rolled-back", "true"]);
      await assertAsBefore(world);
    });

  test("a signal while it only looks is a refusal: nothing was changed", async (t) => {
    const world = await scene(t, { shop: "one" });
    const silent = createServer();
    const asked = once(silent, "request");
    const url = await listening(t, silent);
    const program = world.start({ ...releaseOfOne("v2"), stages: "50:60s, 100", gates, prometheus: url });
    await asked;
    program.signal("SIGINT");
    const { exit, said } = await program.ended;
    assert.equal(exit, 2, said);
    assert.match(said, /the job was cancelled, before anything was changed\./);
    assert.doesNotMatch(said, /^\s+at |defect/m);
    await assertAsBefore(world);
  });

  test("a signal ends a command that only looks at once, whatever it waits for", async (t) => {
    const world = await scene(t, { shop: "one" });
    const silent = createServer();
    const asked = once(silent, "request");
    const url = await listening(t, silent);
    const program = world.start({ ...releaseOfOne("v2"), command: "verify", "verify-url": url });
    await asked;
    program.signal("SIGTERM");
    assert.equal((await program.ended).exit, "SIGTERM");
  });

  for (const moment of [0, 50, 100, 200]) {
    test(`a signal ${moment}ms after the start ends the program without a trace, and the mesh is as it was`, async (t) => {
      const world = await scene(t, { shop: "one" });
      const program = world.start({ ...releaseOfOne("v2"), stages: "50:60s, 100", gates });
      await sleep(moment);
      program.signal("SIGINT");
      const { exit, said } = await program.ended;
      assert.ok(exit !== 0 && exit !== 3, `it ended with ${exit}: ${said}`);
      assert.doesNotMatch(said, /^\s+at |defect/m);
      await assertAsBefore(world);
    });
  }

  test("Prometheus and GitHub are asked through the proxy that the environment names, the cluster on this machine is not", async (t) => {
    const world = await scene(t, { shop: "one" });
    const { prometheus, github } = world.sandbox;
    const tunnel = await startTunnel(t, { "prometheus.test:9090": prometheus.url, "github.test:80": github.url });
    const { exit, said, outputs } = await world.run(
      { ...releaseOfOne("v2"), stages: "100", gates, prometheus: "http://prometheus.test:9090" },
      { env: { HTTP_PROXY: tunnel.url, HTTPS_PROXY: tunnel.url, GITHUB_API_URL: "http://github.test" } },
    );
    assert.equal(exit, 0, said);
    assert.deepEqual([...tunnel.targets].sort(), ["github.test:80", "prometheus.test:9090"]);
    assert.equal(outputs["comment-url"], github.comments(pull.number)[0]?.url);
    await assertServedBy(world.sandbox, world.traffic, "v2");
  });

  for (const [where, env, warning] of [
    ["on a terminal something is alive, for which what stays makes room", onTerminal(), "\r\u001b[Jwarning: image: "],
    [
      "in a workflow the runner reads along",
      { ...onTerminal(), GITHUB_ACTIONS: "true" },
      "::warning title=Istio Canary::image: ",
    ],
    ["in a file a line is a line", {}, "warning: image: "],
  ] as const)
    test(where, async () => {
      const asked = { "rehearse-rate": "50", "rehearse-errors": "1%", "rehearse-runs": "1", image: "no image" };
      const inputs = { ...releaseOfOne("v2"), ...asked, command: "rehearse", stages: "50:1m, 100", gates: "auto" };
      const { exit, stdout } = await startProgram({ action: await action, inputs, env }).ended;
      assert.equal(exit, 0, stdout);
      assert.ok(stdout.startsWith(warning), stdout);
    });

  test("an event that is missing or cut off is not told, and stops nothing", async (t) => {
    const folder = mkdtempSync(join(tmpdir(), "istio-canary-event-"));
    t.after(() => rmSync(folder, { recursive: true }));
    const cutOff = join(folder, "event.json");
    writeFileSync(cutOff, '{ "pull_request": ');
    for (const GITHUB_EVENT_PATH of [cutOff, "/nowhere/event.json"]) {
      const program = startProgram({
        action: await action,
        inputs: {},
        env: { GITHUB_ACTIONS: "true", GITHUB_EVENT_PATH },
        args: ["--version"],
      });
      const { exit, said } = await program.ended;
      assert.deepEqual([exit, said], [0, `${packageJson.version}\n`]);
    }
  });
});
