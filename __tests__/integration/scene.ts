import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import { type CompositeOptions, type CompositeRun, startComposite } from "../../sandbox/composite/composite.ts";
import { jobEnvironment } from "../../sandbox/job.ts";
import { type Sandbox, startSandbox } from "../../sandbox/sandbox.ts";
import { hostIn, type Inputs, shopOfOne, shopOfTwo } from "../../sandbox/shop.ts";
import { startTraffic, type Traffic } from "../../sandbox/traffic.ts";
import { workflowInputs } from "../../sandbox/workflow-inputs.ts";
import { say } from "../../src/words/say.ts";
import { until } from "../support/cluster.ts";
import { holderOf, journalOf, objectsOf } from "./facts.ts";
import { buildAction, type Ended, type Program, startProgram } from "./program.ts";

export type Scene = {
  readonly sandbox: Sandbox;
  readonly traffic: Traffic;
  /** Every object of the shop before anything was done. */
  readonly before: ReturnType<typeof objectsOf>;
  /** The address of a job's run, by its id. */
  readonly runUrl: (runId: string) => string;
  readonly start: (inputs: Inputs, options?: JobOptions) => Program;
  readonly run: (inputs: Inputs, options?: JobOptions) => Promise<Ended>;
  /** A line as somebody types it, in the folder with the files of the scene. */
  readonly type: (line: string, options?: JobOptions) => Promise<Ended>;
  readonly writeFile: (name: string, text: string) => void;
  readonly readFile: (name: string) => string;
  /** All steps of the action, as the runner runs them. */
  readonly startAction: (inputs: Inputs, options?: JobOptions & Partial<CompositeOptions>) => CompositeRun;
};

export type JobOptions = { readonly runId?: string; readonly env?: Readonly<Record<string, string>> };

export type SceneOptions = {
  readonly shop: "one" | "two";
  /** Requests a second of the shop's customers; 0 is nobody. Default 20. */
  readonly rate?: number;
  /** Milliseconds that customers wait for an answer. Default: 10s. */
  readonly patience?: number;
  /** Milliseconds that a pod needs to be ready. Default 50. */
  readonly becomesReady?: number;
};

/** The pull request that a job belongs to. */
export const pull = { number: 7, state: "open", commits: ["a".repeat(40)] } as const;

/** What makes a release short: Prometheus scrapes as often. */
const often = "400ms";

export const action = buildAction();

/** Where V8 writes what a program comes by, when somebody asks: scripts/mutate. */
const { NODE_V8_COVERAGE } = process.env;
const coverage = NODE_V8_COVERAGE === undefined ? {} : { NODE_V8_COVERAGE };

/** A world of its own for one test, with customers in it. */
export async function scene(
  t: TestContext,
  { shop, rate = 20, patience = 10_000, becomesReady = 50 }: SceneOptions,
): Promise<Scene> {
  const folder = mkdtempSync(join(tmpdir(), "istio-canary-scene-"));
  const sandbox = await startSandbox({
    objects: { one: shopOfOne, two: shopOfTwo }[shop](),
    pulls: [pull],
    scrapeInterval: 400,
    podTimes: { becomesReady, crashes: 50, pullBackOff: 50, restartBackOff: 200 },
  });
  const traffic = startTraffic({ url: sandbox.gateway.url, host: hostIn("shop"), rate, most: 2_000, patience });
  const left = new Set<Program>();
  t.after(async () => {
    for (const program of left) program.signal("SIGKILL");
    await traffic.stop();
    await sandbox.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const kubeconfig = join(folder, "kubeconfig");
  writeFileSync(kubeconfig, sandbox.api.kubeconfig());
  const built = await action;
  const inputsFor = (inputs: Inputs): Inputs => ({
    prometheus: sandbox.prometheus.url,
    "metrics-interval": often,
    drain: "100ms",
    "mesh-delay": "100ms",
    ...inputs,
  });
  const environment = ({ runId = String(randomInt(1e9)), env = {} }: JobOptions = {}) => ({
    ...jobEnvironment(sandbox, kubeconfig, { runId, sha: pull.commits[0] }),
    ...coverage,
    ...env,
  });

  function start(inputs: Inputs, options?: JobOptions): Program {
    const program = startProgram({
      action: built,
      inputs: { "github-token": "ghs_token", ...inputsFor(inputs) },
      env: environment(options),
    });
    left.add(program);
    void program.ended.then(() => left.delete(program));
    return program;
  }

  return {
    sandbox,
    traffic,
    before: objectsOf(sandbox),
    runUrl: (runId) => `https://github.com/acme/shop/actions/runs/${runId}`,
    start,
    run: (inputs, options) => start(inputs, options).ended,
    type: (line, options) => {
      const args = line.split(" ").slice(1);
      const program = startProgram({ action: built, args, env: environment(options), cwd: folder });
      left.add(program);
      return program.ended;
    },
    writeFile: (name, text) => writeFileSync(join(folder, name), text),
    readFile: (name) => readFileSync(join(folder, name), "utf8"),
    startAction: (inputs, { runId, env, ...options } = {}) =>
      startComposite({
        action: built,
        cwd: folder,
        with: workflowInputs(inputsFor(inputs)),
        // The launcher takes the Node on the PATH, as setup-node leaves it there.
        env: {
          ...environment({ ...(runId === undefined ? {} : { runId }), ...(env ? { env } : {}) }),
          PATH: `${dirname(process.execPath)}:${process.env.PATH ?? ""}`,
        },
        ...options,
      }),
  };
}

/** Everything that people wrote is as it was, and customers are served by v1 alone. */
export async function assertAsBefore({ sandbox, traffic, before }: Scene): Promise<void> {
  assert.deepEqual(objectsOf(sandbox), before);
  await assertServedBy(sandbox, traffic, "v1");
}

/** Those who come from now on get good answers of this version and of no other. */
export async function assertServedBy(sandbox: Sandbox, traffic: Traffic, version: string): Promise<void> {
  await sandbox.gateway.refresh();
  await traffic.lap();
  const { requests, bad, byVersion } = await until(
    "ten more requests end",
    traffic.counts,
    ({ requests }) => requests >= 10,
  );
  assert.deepEqual({ bad, byVersion }, { bad: 0, byVersion: { [version]: requests } });
}

/** Rolled back, said so everywhere, and nothing is left of it. */
export async function assertRolledBack(scene: Scene, { exit, outputs, said }: Ended, because: RegExp): Promise<void> {
  assert.equal(exit, 1, said);
  assert.deepEqual([outputs.outcome, outputs.settled, outputs.weight], ["rolled-back", "true", "0"]);
  assert.match(outputs.because ?? "", because);
  const state = journalOf(scene.sandbox)?.state;
  assert.ok(state?.phase === "rolled-back");
  assert.equal(say(state.reason), outputs.because);
  assert.equal(holderOf(scene.sandbox), undefined);
  const [comment, ...more] = scene.sandbox.github.comments(pull.number);
  assert.deepEqual(more, []);
  assert.match(comment?.body ?? "", /^### ❌ shop\/reviews /m);
  assert.deepEqual(scene.sandbox.github.violations, []);
  await assertAsBefore(scene);
}
