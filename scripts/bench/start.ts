import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startApiServer } from "../../sandbox/api-server/api-server.ts";
import type { Figure } from "./figure.ts";

const runs = 9;

/** From the start of the process to its first request, against a Node that does nothing, in turn. Medians. */
export async function start(): Promise<readonly Figure[]> {
  const api = await startApiServer();
  const folder = mkdtempSync(join(tmpdir(), "istio-canary-bench-"));
  try {
    writeFileSync(join(folder, "kubeconfig"), api.kubeconfig());
    writeFileSync(join(folder, "empty.mjs"), "");
    const empty: number[] = [];
    const first: number[] = [];
    for (let run = 0; run < runs; run++) {
      empty.push(await timed(join(folder, "empty.mjs"), [], folder));
      first.push(await firstCall(api.requests, folder));
    }
    const base = median(empty);
    return [
      { what: "an empty program", value: base, unit: "ms", how: `median of ${runs}` },
      {
        what: "start to first API call",
        value: median(first),
        unit: "ms",
        limit: 1.5 * base + 190,
        how: `≤ 1.5 × the empty program + 190ms: 250ms where an empty program takes 40`,
      },
    ];
  } finally {
    await api.close();
    rmSync(folder, { recursive: true });
  }
}

async function firstCall(requests: { clear(): void; count(): number }, folder: string): Promise<number> {
  requests.clear();
  const began = performance.now();
  const ended = timed("dist/index.js", ["status", "--namespace", "default", "--service", "none"], folder);
  let running = true;
  void ended.then(() => (running = false));
  while (running && requests.count() === 0) await new Promise((resolve) => setImmediate(resolve));
  const took = performance.now() - began;
  await ended;
  if (requests.count() === 0) throw new Error("the program ended without a request");
  return took;
}

function timed(file: string, args: readonly string[], folder: string): Promise<number> {
  const began = performance.now();
  const child = spawn(process.execPath, [file, ...args], {
    stdio: "ignore",
    env: { HOME: folder, KUBECONFIG: join(folder, "kubeconfig") },
  });
  return new Promise((resolve) => child.once("exit", () => resolve(performance.now() - began)));
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
