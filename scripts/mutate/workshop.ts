import { type ChildProcess, type ChildProcessByStdio, spawn } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Readable } from "node:stream";
import type { Millis } from "../../src/lib/duration.ts";
import { applied, type Mutant } from "./mutants.ts";
import { type Reach, reachIn } from "./reach.ts";

/** `failed`: a test noticed. `hung`: it had to be ended, which a person would notice too. */
export type TestResult = { readonly outcome: "passed" | "failed" | "hung"; readonly took: Millis };

/** A copy of the project in which one mutant at a time lives. */
export type Workshop = {
  run(test: string, limit: Millis): Promise<TestResult>;
  /** The same, and where the test comes by. */
  survey(test: string, limit: Millis): Promise<TestResult & { readonly reach: Reach }>;
  /** Puts the mutant into its file; the answer takes it out. */
  infect(mutant: Mutant): () => void;
  /** Ends what runs, and takes the copy away. */
  close(): void;
};

type TestProcess = ChildProcessByStdio<null, Readable, null>;

/** A copy of its own lets several work side by side, and leaves nothing behind in the sources when it is interrupted. */
export function openWorkshop(root: string, entries: readonly string[]): Workshop {
  const folder = mkdtempSync(join(tmpdir(), "istio-canary-mutants-"));
  for (const entry of entries) cpSync(join(root, entry), join(folder, entry), { recursive: true });
  symlinkSync(resolve(root, "node_modules"), join(folder, "node_modules"));
  const running = new Set<ChildProcess>();
  const run = async (test: string, limit: Millis, env: NodeJS.ProcessEnv = {}): Promise<TestResult> => {
    const child = startTest(folder, test, env);
    running.add(child);
    return resultOf(child, limit).finally(() => running.delete(child));
  };
  return {
    // What was compiled for one mutant is there for the next, but for its own file: a good half of what a test takes.
    run: (test, limit) => run(test, limit, { NODE_COMPILE_CACHE: join(folder, "compiled") }),
    async survey(test, limit) {
      const coverage = mkdtempSync(join(folder, "coverage-"));
      try {
        const result = await run(test, limit, { NODE_V8_COVERAGE: coverage });
        return { ...result, reach: reachIn(coverage, realpathSync(folder)) };
      } finally {
        rmSync(coverage, { recursive: true, force: true });
      }
    },
    infect(mutant) {
      const file = join(folder, mutant.path);
      const text = readFileSync(file, "utf8");
      writeFileSync(file, applied(text, mutant));
      return () => writeFileSync(file, text);
    },
    close() {
      for (const child of running) endGroup(child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** One file in one process, which has a group of its own, so that what it starts can be ended with it. */
function startTest(cwd: string, test: string, more: NodeJS.ProcessEnv): TestProcess {
  // Node's runner does nothing inside of a test that this variable marks.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  return spawn(process.execPath, ["--disable-warning=ExperimentalWarning", "--test-reporter=tap", test], {
    cwd,
    // A bundle takes longer than most tests.
    env: { ...env, ...more, NO_COLOR: "1", ACTION_FROM: "sources" },
    detached: true,
    stdio: ["ignore", "pipe", "ignore"],
  });
}

/** It is over at the first failure. */
function resultOf(child: TestProcess, limit: Millis): Promise<TestResult> {
  const begun = performance.now();
  let outcome: TestResult["outcome"] | undefined;
  const end = (why: TestResult["outcome"]): void => {
    outcome ??= why;
    endGroup(child);
  };
  const timer = setTimeout(end, limit, "hung");
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    if (/^\s*not ok /m.test(text)) end("failed");
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => {
      clearTimeout(timer);
      endGroup(child);
      resolve({ outcome: outcome ?? (code === 0 ? "passed" : "failed"), took: performance.now() - begun });
    });
  });
}

function endGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch {
    // Nothing of it is left.
  }
}
