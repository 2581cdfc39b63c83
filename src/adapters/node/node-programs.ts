import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import type { Millis } from "../../lib/duration.ts";
import type { Program, ProgramEnd, Programs, RunningProgram } from "../../world/programs.ts";

/** For a program that cleans up after itself. */
const grace: Millis = 2_000;

/** What is left open by somebody who left the group is not waited for. */
const lastWords: Millis = 200;

/** Each is the leader of a process group, by which what it began is found, unless that left the group. */
const alive = new Set<ChildProcess>();

function kill(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // nobody of the group is left
  }
}

process.on("exit", () => {
  for (const child of alive) kill(child, "SIGKILL");
});

/** Programs as child processes, which have the environment of this one. */
export const nodePrograms = (env: Readonly<Record<string, string | undefined>>): Programs => ({
  start(program) {
    try {
      return begin(program, env);
    } catch (error) {
      return { ended: Promise.reject(error), stop: () => {} }; // some errors are thrown: too long a command, no memory
    }
  },
});

function begin({ command: [file, ...words], env: added, mostOutput }: Program, env: NodeJS.ProcessEnv): RunningProgram {
  const child = spawn(file, words, {
    env: { ...env, ...added },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
    shell: false,
  });
  alive.add(child);
  const kept = { stdout: "", output: "" };
  const keep = (key: keyof typeof kept, text: string): void => {
    kept[key] = (kept[key] + text).slice(-mostOutput);
  };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    keep("stdout", text);
    keep("output", text);
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => keep("output", text));
  const closed = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const exited = new Promise<ProgramEnd["how"]>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) =>
      resolve(signal === null ? { kind: "exit", code: code ?? 0 } : { kind: "signal", signal }),
    );
  });
  return {
    ended: endOf(child, exited, closed).then((how) => ({ how, ...kept })),
    stop() {
      kill(child, "SIGTERM");
      void sleep(grace, undefined, { ref: false }).then(() => kill(child, "SIGKILL"));
    },
  };
}

/** Whoever it left behind goes with it. */
async function endOf(
  child: ChildProcess,
  exited: Promise<ProgramEnd["how"]>,
  closed: Promise<void>,
): Promise<ProgramEnd["how"]> {
  try {
    const how = await exited;
    kill(child, "SIGKILL");
    await Promise.race([closed, sleep(lastWords)]);
    return how;
  } finally {
    alive.delete(child);
    child.stdout?.destroy();
    child.stderr?.destroy();
  }
}
