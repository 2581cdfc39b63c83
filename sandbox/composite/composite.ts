import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { load } from "js-yaml";
import { z } from "zod";
import { type Contexts, fill, holds, type Status } from "./expression.ts";
import { parseOutputs } from "./file-commands.ts";

/** What of action.yml this knows. Anything else in it is an error: it would be ignored silently. */
const stepSchema = z.strictObject({
  id: z.string().optional(),
  name: z.string(),
  if: z.string().optional(),
  shell: z.literal("bash"),
  run: z.string(),
  env: z.record(z.string(), z.string()).default({}),
});
const actionSchema = z.strictObject({
  name: z.string(),
  description: z.string(),
  branding: z.unknown().optional(),
  inputs: z
    .record(
      z.string(),
      z.strictObject({ description: z.string(), required: z.boolean().optional(), default: z.string().optional() }),
    )
    .default({}),
  outputs: z.record(z.string(), z.strictObject({ description: z.string(), value: z.string() })).default({}),
  runs: z.strictObject({ using: z.literal("composite"), steps: z.array(stepSchema) }),
});
type Step = z.infer<typeof stepSchema>;

export type CompositeOptions = {
  /** The folder with action.yml. */
  readonly action: string;
  /** What a workflow writes under `with:`. */
  readonly with?: Readonly<Record<string, string>>;
  /** The job's environment, over PATH and the runner's own variables. */
  readonly env?: Readonly<Record<string, string>>;
  /** The workspace. Default: the action's folder. */
  readonly cwd?: string;
  /** The `github` context. */
  readonly github?: Contexts;
  /** Milliseconds after SIGINT. Default: the runner's, 7,500 and 10,000. */
  readonly ladder?: { readonly terminate: number; readonly kill: number };
  /** Hears the step's output as it comes. */
  readonly output?: (text: string) => void;
};

export type StepResult = {
  readonly name: string;
  readonly conclusion: "success" | "failure" | "cancelled" | "skipped";
  readonly exit: number | NodeJS.Signals | undefined;
  readonly outputs: Readonly<Record<string, string>>;
  readonly summary: string;
  readonly log: string;
};

export type CompositeResult = {
  readonly conclusion: "success" | "failure" | "cancelled";
  readonly outputs: Readonly<Record<string, string>>;
  readonly steps: readonly StepResult[];
};

export type CompositeRun = {
  /** Somebody cancels the job: the running step gets the runner's ladder, then the steps that run `always()` follow. */
  readonly cancel: () => void;
  readonly done: Promise<CompositeResult>;
};

/** Somebody who was left behind may hold the pipe open; what was written before the end is read until then. */
const patience = 500;

const runnersLadder = { terminate: 7_500, kill: 10_000 };

/** Runs the steps of a composite action as GitHub's runner does. */
export function startComposite(options: CompositeOptions): CompositeRun {
  const cancelled = new AbortController();
  return { cancel: () => cancelled.abort(), done: runSteps(options, cancelled.signal) };
}

async function runSteps(options: CompositeOptions, cancelled: AbortSignal): Promise<CompositeResult> {
  const action = actionSchema.parse(load(readFileSync(join(options.action, "action.yml"), "utf8")));
  const github = { token: "ghs_token", ...options.github };
  const inputs = Object.fromEntries(
    Object.entries(action.inputs).map(([name, input]) => [
      name,
      options.with?.[name] ?? fill(input.default ?? "", { github }),
    ]),
  );
  const unknown = Object.keys(options.with ?? {}).filter((name) => !(name in action.inputs));
  assert.deepEqual(unknown, [], "the runner warns of inputs that action.yml does not have");

  const temp = mkdtempSync(join(tmpdir(), "runner-"));
  const results: StepResult[] = [];
  try {
    for (const [index, step] of action.runs.steps.entries()) {
      const contexts = (): Contexts => ({ github, inputs, steps: stepsContext(action.runs.steps, results) });
      const runs = (): boolean => holds(step.if, contexts(), statusOf(results, cancelled.aborted));
      results.push(
        runs()
          ? await runStep(step, { options, contexts: contexts(), folder: join(temp, String(index)), cancelled, runs })
          : skipped(step),
      );
    }
  } finally {
    rmSync(temp, { recursive: true, force: true });
  }
  const contexts = { github, inputs, steps: stepsContext(action.runs.steps, results) };
  const outputs = Object.fromEntries(
    Object.entries(action.outputs).map(([name, { value }]) => [name, fill(value, contexts)]),
  );
  const { failed } = statusOf(results, false);
  return { conclusion: cancelled.aborted ? "cancelled" : failed ? "failure" : "success", outputs, steps: results };
}

const skipped = ({ name }: Step): StepResult => ({
  name,
  conclusion: "skipped",
  exit: undefined,
  outputs: {},
  summary: "",
  log: "",
});

const statusOf = (results: readonly StepResult[], cancelled: boolean): Status => ({
  failed: results.some(({ conclusion }) => conclusion === "failure"),
  cancelled,
});

const stepsContext = (steps: readonly Step[], results: readonly StepResult[]): unknown =>
  Object.fromEntries(
    results.flatMap(({ outputs, conclusion }, index) =>
      steps[index]?.id === undefined ? [] : [[steps[index].id, { outputs, outcome: conclusion, conclusion }]],
    ),
  );

type StepRun = {
  readonly options: CompositeOptions;
  readonly contexts: Contexts;
  readonly folder: string;
  readonly cancelled: AbortSignal;
  readonly runs: () => boolean;
};

async function runStep(step: Step, { options, contexts, folder, cancelled, runs }: StepRun): Promise<StepResult> {
  mkdirSync(folder);
  const files = {
    GITHUB_OUTPUT: join(folder, "output"),
    GITHUB_STEP_SUMMARY: join(folder, "summary"),
    GITHUB_ENV: join(folder, "env"),
    GITHUB_PATH: join(folder, "path"),
  };
  for (const file of Object.values(files)) writeFileSync(file, "");
  const script = join(folder, "script.sh");
  writeFileSync(script, fill(step.run, contexts));
  const env = Object.fromEntries(Object.entries(step.env).map(([name, value]) => [name, fill(value, contexts)]));

  const variables = {
    PATH: process.env.PATH,
    HOME: process.env.HOME,
    CI: "true",
    GITHUB_ACTIONS: "true",
    RUNNER_TEMP: folder,
    GITHUB_ACTION_PATH: options.action,
    ...options.env,
    ...files,
    ...env,
  };
  const [shell, ...flags] = shellOn(variables.PATH);
  const child = spawn(shell, [...flags, script], {
    stdio: ["ignore", "pipe", "pipe"],
    cwd: options.cwd ?? options.action,
    env: variables,
  });
  let log = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      log += chunk.toString();
      options.output?.(chunk.toString());
    });
  }
  const exit = await endOf(child, cancelled, runs, options.ladder ?? runnersLadder);
  const conclusion = exit === 0 ? "success" : cancelled.aborted && !runs() ? "cancelled" : "failure";
  return {
    name: step.name,
    conclusion,
    exit,
    outputs: parseOutputs(readFileSync(files.GITHUB_OUTPUT, "utf8")),
    summary: readFileSync(files.GITHUB_STEP_SUMMARY, "utf8"),
    log,
  };
}

/** What `shell: bash` means on a runner. A small machine (Alpine) has no bash, and sh is enough for steps of one line. */
const shellOn = (path = ""): readonly [string, ...string[]] =>
  path.split(delimiter).some((folder) => existsSync(join(folder, "bash")))
    ? ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail"]
    : ["sh", "-e"];

/** The step ends with its first process; who is left behind has a closed pipe. A step whose condition still holds is not told that the job was cancelled. */
async function endOf(
  child: ChildProcess,
  cancelled: AbortSignal,
  runs: () => boolean,
  ladder: { readonly terminate: number; readonly kill: number },
): Promise<number | NodeJS.Signals> {
  const timers: NodeJS.Timeout[] = [];
  const climb = (): void => {
    if (runs()) return;
    child.kill("SIGINT"); // one process, not its group
    timers.push(
      setTimeout(() => child.kill("SIGTERM"), ladder.terminate),
      setTimeout(() => child.kill("SIGKILL"), ladder.kill),
    );
  };
  if (cancelled.aborted) climb();
  else cancelled.addEventListener("abort", climb, { once: true });

  const closed = new Promise((resolve) => child.on("close", resolve));
  const exit = await new Promise<number | NodeJS.Signals>((resolve) =>
    child.on("exit", (code, signal) => resolve(code ?? signal ?? "SIGKILL")),
  );
  for (const timer of timers) clearTimeout(timer);
  cancelled.removeEventListener("abort", climb);
  await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, patience).unref())]);
  child.stdout?.destroy();
  child.stderr?.destroy();
  return exit;
}
