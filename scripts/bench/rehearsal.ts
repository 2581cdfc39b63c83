import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundle } from "../bundle.ts";
import type { Figure } from "./figure.ts";

const args = [
  "rehearse",
  "--stages",
  "5:5m, 10:5m, 25:5m, 50:5m",
  "--rehearse-rate",
  "50",
  "--rehearse-errors",
  "1%",
  "--rehearse-runs",
  "2000",
];

/** 10,000 rehearsed releases of a plan of 20 minutes, as users run it: five kinds of canary, 2,000 each. */
export async function rehearsal(): Promise<readonly Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), "istio-canary-bench-"));
  const program = join(folder, "program.mjs");
  try {
    writeFileSync(program, (await bundle()).code);
    const began = performance.now();
    const child = spawn(process.execPath, [program, ...args], {
      stdio: ["ignore", "ignore", "inherit"],
      env: { HOME: folder },
      cwd: folder,
    });
    const code = await new Promise((resolve) => child.once("exit", resolve));
    const seconds = (performance.now() - began) / 1_000;
    if (code !== 0) throw new Error(`the rehearsal ended with ${String(code)}`);
    return [
      {
        what: "10,000 rehearsed releases of 20 minutes",
        value: seconds,
        unit: "s",
        limit: 30,
        how: "in one process; five kinds of canary, a poll every 15s",
      },
    ];
  } finally {
    rmSync(folder, { recursive: true });
  }
}
