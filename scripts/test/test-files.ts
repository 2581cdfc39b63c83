import { type ChildProcess, execFile, spawn } from "node:child_process";
import { constants } from "node:os";
import { promisify } from "node:util";
import type { Millis } from "../../src/lib/duration.ts";

type TestOptions = {
  /** How many files run at the same time. */
  readonly concurrency: number;
  /** A test that takes longer has failed. */
  readonly testLimit: Millis;
  /** A file that takes longer is ended, with whatever it started, and has failed. */
  readonly fileLimit: Millis;
  readonly env?: NodeJS.ProcessEnv;
};

/** Runs files by Node's test runner, each in a process of its own. Gives the exit code. */
export function runTestFiles(files: readonly string[], options: TestOptions): Promise<number> {
  const args = [
    "--disable-warning=ExperimentalWarning",
    "--test",
    "--test-isolation=process",
    `--test-concurrency=${options.concurrency}`,
    `--test-timeout=${options.testLimit}`,
    "--test-reporter=spec",
  ];
  const runner = spawn(process.execPath, [...args, ...files], {
    stdio: "inherit",
    env: options.env ?? process.env,
  });
  const stopWatching = watch(runner, options.fileLimit);
  // A terminal's Ctrl-C reaches the runner too; what ran around it may have something to put in order afterwards.
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => runner.kill("SIGTERM"));
  return new Promise((resolve, reject) => {
    runner.once("error", reject);
    runner.once("exit", (status, signal) => {
      stopWatching();
      resolve(status ?? 128 + constants.signals[signal ?? "SIGTERM"]);
    });
  });
}

type Process = { readonly pid: number; readonly parent: number; readonly command: string };

/**
 * Node's time limit of a test is a timer in the test's own process: a test that spins never lets it fire, and a file
 * whose test was given up lives on as long as the test left anything open. So somebody has to look from outside.
 */
function watch(runner: ChildProcess, limit: Millis): () => void {
  const firstSeen = new Map<number, number>();
  const look = async (): Promise<void> => {
    const processes = await listProcesses();
    const files = processes.filter(({ parent }) => parent === runner.pid);
    for (const pid of firstSeen.keys()) if (!files.some((file) => file.pid === pid)) firstSeen.delete(pid);
    for (const { pid, command } of files) {
      const since = firstSeen.get(pid) ?? performance.now();
      firstSeen.set(pid, since);
      if (performance.now() - since < limit) continue;
      console.error(`${command.split(" ").at(-1)} was ended: it took more than ${limit / 1000}s`);
      for (const one of familyOf(pid, processes)) end(one);
    }
  };
  const timer = setInterval(() => void look(), Math.min(2_000, limit / 2));
  return () => clearInterval(timer);
}

async function listProcesses(): Promise<readonly Process[]> {
  const { stdout } = await promisify(execFile)("ps", ["-A", "-o", "pid=,ppid=,args="], { maxBuffer: 64 * 1024 * 1024 });
  return [...stdout.matchAll(/^\s*(\d+)\s+(\d+)\s+(.*)$/gm)].map(([, pid, parent, command = ""]) => ({
    pid: Number(pid),
    parent: Number(parent),
    command,
  }));
}

/** A process, and what it and they started. */
function familyOf(pid: number, processes: readonly Process[]): readonly number[] {
  const children = processes.filter(({ parent }) => parent === pid);
  return [pid, ...children.flatMap((child) => familyOf(child.pid, processes))];
}

function end(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended by itself since.
  }
}
