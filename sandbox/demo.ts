import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { formatDuration } from "../src/lib/duration.ts";
import { act, isBuilt, type Stage } from "./demo/act.ts";
import { showCustomers } from "./demo/customers.ts";
import { type Acts, checkLine, checks, figures } from "./demo/ending.ts";
import { rendered } from "./demo/markdown.ts";
import { opening, stages } from "./demo/opening.ts";
import { bold, dim, screenOn } from "./demo/screen.ts";
import { startSandbox } from "./sandbox.ts";
import { hostIn, type Inputs, imageOf, releaseOfOne, shopOfOne } from "./shop.ts";
import { startTraffic } from "./traffic.ts";

const action = join(import.meta.dirname, "..");
const screen = screenOn(process.stdout);
const cancelled = new AbortController();

const rate = 60;
const pull = { number: 7, state: "open", commits: ["7c1e5b0a9d3f4826b1a05e9c8d7f6a3b2c1d0e9f"] } as const;

/** What is left of the demo: the page of the bad release. */
const reportPage = join(mkdtempSync(join(tmpdir(), "istio-canary-report-")), "report.html");

/** Short stages, since nobody wants to watch for an hour; real ones last minutes. */
const releaseOf = (tag: string, prometheus: string): Inputs => ({
  ...releaseOfOne(tag),
  stages,
  prometheus,
  "metrics-interval": "1s",
  drain: "1s",
  "mesh-delay": "500ms",
});

/** Two releases in a world of their own: a good one, and a bad one that is rolled back. Gives the exit code. */
async function demo(): Promise<number> {
  const begun = Date.now();
  if (!isBuilt(action)) {
    screen.print("There is no dist/index.js: run npm run bundle first.");
    return 1;
  }
  screen.print(
    `${bold("Istio Canary, in a world that fits into one process: a cluster, a mesh, Prometheus and GitHub over real HTTP.")}\n`,
  );
  const workspace = mkdtempSync(join(tmpdir(), "istio-canary-demo-"));
  const sandbox = await startSandbox({ objects: shopOfOne(), pulls: [pull], scrapeInterval: 250 });
  const traffic = startTraffic({ url: sandbox.gateway.url, host: hostIn("shop"), rate });
  const endLine = showCustomers(traffic, screen);
  try {
    const kubeconfig = join(workspace, "kubeconfig");
    writeFileSync(kubeconfig, sandbox.api.kubeconfig());
    screen.print(
      `The shop runs ${imageOf("v1")} in two pods behind VirtualService shop/reviews. Its customers send ${rate} requests a second.`,
    );
    screen.print(`\nTwo releases follow, a good one and a bad one, both by this plan:\n\n${opening()}`);
    await sleep(2_000); // customers come in, and Prometheus hears of them

    const acts = await play({ sandbox, traffic, screen, action, workspace, kubeconfig, cancelled: cancelled.signal });
    endLine();
    if (acts === undefined) {
      screen.print("\nCancelled; the release under way was ended first.");
      return 130;
    }
    const comments = sandbox.github.comments(pull.number);
    screen.print(`\n${bold("What the customers saw")}\n\n${figures(acts)}\n`);
    const all = checks(acts, { comments, violations: sandbox.github.violations });
    for (const check of all) screen.print(checkLine(check));
    screen.print(`\n${bold(`What pull request #${pull.number} shows now`)}\n`);
    screen.print(rendered(comments.at(-1)?.body ?? "no comment").replace(/^/gm, dim("│ ")));
    screen.print(`\nThe bad release as a page, for a browser: ${reportPage}`);
    screen.print(`\n${dim(`${formatDuration(Date.now() - begun)} in all.`)}`);
    return all.every(({ holds }) => holds) ? 0 : 1;
  } finally {
    endLine();
    await traffic.stop();
    await sandbox.close();
    rmSync(workspace, { recursive: true, force: true });
  }
}

/** Undefined when somebody ended it. */
async function play(stage: Stage): Promise<Acts | undefined> {
  const { prometheus } = stage.sandbox;
  const [sha] = pull.commits;
  stage.screen.print(`\n${bold(`A good release: ${imageOf("v2")}`)}\n`);
  const good = await act(stage, { runId: "1001", sha, inputs: releaseOf("v2", prometheus.url) });
  if (stage.cancelled.aborted) return undefined;
  stage.screen.print(`\n${bold(`A bad one: ${imageOf("v3-err20")}, which fails every fifth request`)}\n`);
  const inputs = { ...releaseOf("v3-err20", prometheus.url), report: reportPage };
  const bad = await act(stage, { runId: "1002", sha, inputs });
  return stage.cancelled.aborted ? undefined : { good, bad };
}

for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => cancelled.abort());

process.exitCode = await demo();
