import { type ChildProcess, spawn } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { parseOutputs } from "../../sandbox/composite/file-commands.ts";
import type { Inputs } from "../../sandbox/shop.ts";
import { workflowInputs } from "../../sandbox/workflow-inputs.ts";
import { bundle } from "../../scripts/bundle.ts";

/**
 * A folder with the action as users get it, built from the sources as they are now. All files of a run share one where
 * ACTION_FOLDER names it: the first that needs it builds it.
 */
export async function buildAction(): Promise<string> {
  const { ACTION_FOLDER: shared } = process.env;
  const folder = shared ?? mkdtempSync(join(tmpdir(), "istio-canary-action-"));
  if (shared === undefined) process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const program = join(folder, "dist/index.js");
  if (!begin(join(folder, "dist"))) {
    while (!existsSync(program)) await sleep(50);
    return folder;
  }
  writeFileSync(join(folder, "package.json"), '{"type":"module"}');
  for (const file of ["action.yml", "launch.sh"]) copyFileSync(file, join(folder, file));
  writeFileSync(`${program}.part`, process.env.ACTION_FROM === "sources" ? ofSources() : (await bundle()).code);
  renameSync(`${program}.part`, program);
  return folder;
}

/** Whether nobody else has begun: of several who make a folder one succeeds. */
function begin(folder: string): boolean {
  try {
    mkdirSync(folder);
    return true;
  } catch {
    return false;
  }
}

/** Starts more slowly than one file does, and is there at once: for whoever changes a line and asks one test. */
function ofSources(): string {
  const { NODE_COMPILE_CACHE: cache } = process.env;
  const entry = pathToFileURL(resolve("src/entry.ts")).href;
  return `import module from "node:module";
module.enableCompileCache(${JSON.stringify(cache)});
await import(${JSON.stringify(entry)});
`;
}

export type Ended = {
  /** The exit code, or the signal that ended it. */
  readonly exit: number | NodeJS.Signals;
  /** Standard output and error, as they came. */
  readonly said: string;
  readonly stdout: string;
  readonly outputs: Readonly<Record<string, string>>;
  readonly summary: string;
  /** The JSON report; undefined when none was written. */
  readonly report: unknown;
};

export type Program = {
  readonly said: () => string;
  /** Nobody reads what it says any more, as after a cancelled step. */
  readonly closePipes: () => void;
  /** To the one process, as the runner does. */
  readonly signal: (name: NodeJS.Signals) => void;
  readonly ended: Promise<Ended>;
};

export type ProgramOptions = {
  readonly action: string;
  /** As the action passes them. Absent on somebody's own command line. */
  readonly inputs?: Inputs;
  readonly env: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  /** The working directory. Default: a folder of its own. */
  readonly cwd?: string;
};

/** Starts the built program as one step of a job, with nothing of this process's environment. */
export function startProgram({ action, inputs, env, args = [], cwd }: ProgramOptions): Program {
  const folder = mkdtempSync(join(tmpdir(), "istio-canary-job-"));
  const files = { GITHUB_OUTPUT: join(folder, "output"), GITHUB_STEP_SUMMARY: join(folder, "summary") };
  // Not made, as outside of a runner: a program that did not get far leaves none.
  const textOf = (file: string): string => (existsSync(file) ? readFileSync(file, "utf8") : "");
  const { json, ...rest } = inputs ?? {}; // no input of the action
  const ofAction = inputs === undefined ? {} : { ISTIO_CANARY_INPUTS: JSON.stringify(workflowInputs(rest)) };
  const flags = json === undefined ? [] : [`--json=${json}`];
  const child = spawn(process.execPath, [join(action, "dist/index.js"), ...args, ...flags], {
    cwd: cwd ?? folder,
    env: { PATH: process.env.PATH, HOME: folder, ...files, ...env, ...ofAction },
  });
  let said = "";
  let stdout = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    said += text;
    stdout += text;
  });
  const ended = endOf(child).then((exit): Ended => {
    const report = join(folder, "canary-report.json");
    const result = {
      exit,
      said,
      stdout,
      outputs: parseOutputs(textOf(files.GITHUB_OUTPUT)),
      summary: textOf(files.GITHUB_STEP_SUMMARY),
      report: existsSync(report) ? JSON.parse(readFileSync(report, "utf8")) : undefined,
    };
    rmSync(folder, { recursive: true, force: true });
    return result;
  });
  const closePipes = (): void => {
    child.stdout.destroy();
    child.stderr.destroy();
  };
  return { said: () => said, closePipes, signal: (name) => void child.kill(name), ended };
}

const endOf = (child: ChildProcess): Promise<number | NodeJS.Signals> =>
  new Promise((resolve) => child.once("close", (code, signal) => resolve(code ?? signal ?? "SIGKILL")));
