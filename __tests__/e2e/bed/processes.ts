import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * Starts a program that outlives this one: in a session of its own, its output in WORK/log, its id in WORK/pid.
 * Whoever stops the bed ends exactly the processes that are named there.
 */
export function startProcess(
  work: string,
  name: string,
  command: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): void {
  mkdirSync(join(work, "log"), { recursive: true });
  const log = openSync(join(work, "log", `${name}.log`), "a");
  const [program = "", ...args] = command;
  const child = spawn(program, args, {
    cwd: work,
    detached: true,
    stdio: ["ignore", log, log],
    env: { PATH: process.env.PATH ?? "", HOME: work, ...environment },
  });
  closeSync(log);
  if (child.pid === undefined) throw new Error(`${name}: ${program} could not be started.`);
  child.unref();
  recordProcess(work, name, child.pid);
}

export function recordProcess(work: string, name: string, pid: number): void {
  mkdirSync(join(work, "pid"), { recursive: true });
  writeFileSync(join(work, "pid", name), `${pid} ${startOf(pid) ?? ""}`);
}

export const forgetProcess = (work: string, name: string): void => rmSync(join(work, "pid", name), { force: true });

/** Ends one process by its id, politely first. */
export async function endProcess(work: string, name: string): Promise<void> {
  const pid = recorded(work, name);
  if (pid === undefined) return;
  for (const [signal, patience] of [
    ["SIGTERM", 5_000],
    ["SIGKILL", 5_000],
  ] as const) {
    if (!signalled(pid, signal)) break;
    for (let waited = 0; waited < patience && recorded(work, name) !== undefined; waited += 20) await sleep(20);
    if (recorded(work, name) === undefined) break;
  }
  forgetProcess(work, name);
}

/** The names of processes of the bed that live. */
export function livingProcesses(work: string): readonly string[] {
  try {
    return readdirSync(join(work, "pid")).filter((name) => recorded(work, name) !== undefined);
  } catch {
    return [];
  }
}

/** The id of a recorded process that still is the one that was recorded: ids are used again, start times are not. */
function recorded(work: string, name: string): number | undefined {
  try {
    const [pid = "", start = ""] = readFileSync(join(work, "pid", name), "utf8").split(" ");
    return start !== "" && startOf(Number(pid)) === start ? Number(pid) : undefined;
  } catch {
    return undefined;
  }
}

function signalled(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

/** Clock ticks from boot to the process's start; undefined for one that is gone or a zombie. https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
function startOf(pid: number): string | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ");
    return fields[0] === "Z" ? undefined : fields[19];
  } catch {
    return undefined;
  }
}
