import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { startSandbox } from "../../sandbox/sandbox.ts";
import { shopOfTwo } from "../../sandbox/shop.ts";
import { bundle } from "../bundle.ts";
import type { Figure } from "./figure.ts";

const runs = 3;

/**
 * A release of an hour, looked at every 3.75s, over real HTTP, by a clock that jumps. In a process of its own: the
 * world's memory is not its. Three quarters are Node's own, and what its allocator keeps differs by some megabytes.
 */
export async function memory(): Promise<readonly Figure[]> {
  const file = join(mkdtempSync(join(tmpdir(), "istio-canary-bench-")), "hour.mjs");
  try {
    writeFileSync(file, (await bundle("scripts/bench/hour.ts")).code); // as users run it: stripping types takes memory of its own
    const hours: Hour[] = [];
    while (hours.length < runs) hours.push(await hour(file));
    const sorted = hours.map(({ megabytes }) => megabytes).toSorted((a, b) => a - b);
    const how = `resident, median of ${runs}, ${sorted.map((value) => value.toFixed(0)).join(", ")}; ${hours[0]?.looks} looks over HTTP by a clock that jumps`;
    return [
      {
        what: "memory after an hour of looking",
        value: sorted[Math.floor(runs / 2)] ?? Number.NaN,
        unit: "MB",
        limit: 130,
        how,
      },
    ];
  } finally {
    rmSync(dirname(file), { recursive: true });
  }
}

type Hour = { readonly looks: number; readonly megabytes: number };

async function hour(file: string): Promise<Hour> {
  const { api, prometheus, close } = await startSandbox({ objects: shopOfTwo() });
  try {
    const child = fork(file, {
      env: { ...process.env, API: api.url, TOKEN: api.adminToken, CA: api.ca, PROMETHEUS: prometheus.url },
    });
    const ended = once(child, "exit").then(([code]) => {
      throw new Error(`the release of an hour ended with ${code} and told nothing`);
    });
    const [told] = (await Promise.race([once(child, "message"), ended])) as [Hour];
    await ended.catch(() => undefined);
    return told;
  } finally {
    await close();
  }
}
