import { spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { dump } from "js-yaml";
import { parseOutputs } from "../../../sandbox/composite/file-commands.ts";
import { type Bed, testFolder } from "./bed.ts";

/** A run of the built program, as a step of a pipeline would run it. */
export type Program = {
  readonly pid: number;
  /** Sends the signal to the one process. */
  readonly signal: (name: NodeJS.Signals) => void;
  readonly stdout: () => string;
  /** Path of its JSON report. */
  readonly report: string;
  readonly ended: Promise<Finished>;
};

export type Finished = {
  readonly code: number | NodeJS.Signals;
  /** Standard output and error, as they came. */
  readonly said: string;
  readonly outputs: Readonly<Record<string, string>>;
};

export type Wanted = {
  readonly command?: string;
  /** The configuration file, as an object. */
  readonly config: object;
  readonly flags?: readonly string[];
  readonly kubeconfig?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Two steps of one job share it. */
  readonly runId?: string;
};

let runs = 0;

/** No run on the bed takes nearly as long. */
const runLimit = 300_000;

/** Starts `istio-canary COMMAND --config …` on the bed, with nothing of this process's environment. */
export function startProgram(
  bed: Bed,
  { command = "release", config, flags = [], kubeconfig = bed.kubeconfig, environment = {}, runId }: Wanted,
): Program {
  const folder = testFolder(bed, `program-${++runs}-${process.pid}`);
  const file = join(folder, "canary.yaml");
  writeFileSync(file, dump(config));
  const output = join(folder, "outputs");
  const report = join(folder, "report.json");
  const diagnosis = join(folder, "diagnosis.json");
  const reporting = ["--report-on-signal", "--report-signal=SIGUSR2", `--report-filename=${diagnosis}`];
  const asked = ["dist/index.js", command, "--config", file, "--report", report, ...flags];
  const child = spawn(process.execPath, [...reporting, ...asked], {
    env: {
      PATH: process.env.PATH,
      HOME: folder,
      KUBECONFIG: kubeconfig,
      GITHUB_OUTPUT: output,
      GITHUB_RUN_ID: runId ?? `run-${runs}-${process.pid}`,
      ...environment,
    },
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => (said += text));
  const limit = setTimeout(async () => {
    child.kill("SIGUSR2");
    await sleep(3_000);
    said += `\n${command} was ended after ${runLimit / 1_000}s. What it was doing: ${whatItDid(diagnosis)}\n`;
    child.kill("SIGKILL");
  }, runLimit);
  const ended = new Promise<Finished>((resolve) =>
    child.once("close", (code, signal) => {
      clearTimeout(limit);
      resolve({
        code: code ?? signal ?? 0,
        said,
        outputs: existsSync(output) ? parseOutputs(readFileSync(output, "utf8")) : {},
      });
    }),
  );
  return { pid: child.pid ?? 0, signal: (name) => void child.kill(name), stdout: () => said, report, ended };
}

/** Stack and open handles, by Node's own report: https://nodejs.org/api/report.html */
function whatItDid(file: string): string {
  if (!existsSync(file))
    return "it does not say; its event loop is stuck, or it has ended and something holds its output";
  const { javascriptStack, libuv } = JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
  return JSON.stringify({ javascriptStack, libuv }, undefined, 1);
}

export const runProgram = (bed: Bed, wanted: Wanted): Promise<Finished> => startProgram(bed, wanted).ended;
