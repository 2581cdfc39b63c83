import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { startSandbox } from "../../src/sandbox/sandbox.ts";
import { shopOfTwo } from "../../src/sandbox/shop.ts";
import { bundle } from "../bundle.ts";
import type { Figure } from "./figure.ts";

/** A release of an hour at a poll every 15 s, over real HTTP, by a clock that jumps. In a process of its own: the world's memory is not its. */
export async function memory(): Promise<readonly Figure[]> {
  const file = join(mkdtempSync(join(tmpdir(), "istio-canary-bench-")), "hour.mjs");
  const { api, prometheus, close } = await startSandbox({ objects: shopOfTwo() });
  try {
    writeFileSync(file, (await bundle("bench", "scripts/bench/hour.ts")).text); // as users run it: stripping types takes memory of its own
    const child = fork(file, { env: { ...process.env, API: api.url, TOKEN: api.adminToken, CA: api.ca, PROMETHEUS: prometheus.url } });
    const ended = once(child, "exit").then(([code]) => {
      throw new Error(`the release of an hour ended with ${code} and told nothing`);
    });
    const [told] = (await Promise.race([once(child, "message"), ended])) as [{ readonly polls: number; readonly megabytes: number }];
    await ended.catch(() => undefined);
    return [
      {
        what: "memory after an hour of polling",
        value: told.megabytes,
        unit: "MB",
        limit: 100,
        how: `resident, ${told.polls} polls over HTTP by a clock that jumps`,
      },
    ];
  } finally {
    await close();
    rmSync(dirname(file), { recursive: true });
  }
}
