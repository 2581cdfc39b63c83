import type { Millis } from "../../../src/lib/duration.ts";
import { type PlayedEnd, playBefore } from "../../../src/rehearsal/play.ts";
import { even, type UnevenService } from "./uneven-mesh.ts";
import { measured, percent, summary } from "./uneven-table.ts";

/*
 * What can be had where pods differ, and at which price: a margin on what is borne, with one canary pod and with three,
 * or no margin, and a new pod before a rollback that is not plain.
 */

type Judged = (service: UnevenService, seed: number) => PlayedEnd;

/** Until a new pod is ready; it has no traffic meanwhile. */
const start: Millis = 30_000;

function withMargin(service: UnevenService, seed: number): PlayedEnd {
  const { plan, mesh } = measured(service, seed);
  return playBefore(plan, mesh);
}

/** The second try begins at the first stage, in the world that the first one left. */
function withNewPod(service: UnevenService, seed: number): PlayedEnd {
  const { plan, mesh } = measured(service, seed);
  const settings = { ...plan.evidence.settings, podSpread: { pods: service.stablePods, errors: 0, slow: [] } };
  const bare = { ...plan, evidence: { ...plan.evidence, settings } };
  const first = playBefore(bare, mesh);
  if (first.end !== "rolled-back" || first.plain) return first;
  mesh.replace();
  mesh.pass(start);
  const second = playBefore(bare, mesh);
  return { ...second, after: first.after + start + second.after };
}

const judges: Readonly<Record<string, Judged>> = {
  "one pod, margin": withMargin,
  "one pod, a new one before a rollback, no margin": withNewPod,
  "three pods, margin": (service, seed) => withMargin({ ...service, canaryPods: () => 3 }, seed),
};

const typical = { median: 40, spread: 0.8 };
const services: Readonly<Record<string, Partial<UnevenService>>> = {
  healthy: {},
  "healthy, cv 0.5": { cv: 0.5 },
  "healthy, cv 1": { cv: 1 },
  "healthy, σ 0.2": { times: typical, sigma: 0.2 },
  "healthy, σ 0.3": { times: typical, sigma: 0.3 },
  "2 times the failures": { worse: 2 },
  "5 times": { worse: 5 },
  "5 times, cv 0.5": { worse: 5, cv: 0.5 },
  "5 times, 5 requests/s": { worse: 5, rate: 5 },
  "50% fail": { worse: 100 },
  "2 times as slow": { times: typical, slower: 2 },
  "2 times as slow, σ 0.2": { times: typical, slower: 2, sigma: 0.2 },
};

export const frontierTable = (runs: number, seed: number): string =>
  [
    `Rolled back · median minutes until then · bad requests on average, ${runs} releases each:`,
    "",
    `| service | ${Object.keys(judges).join(" | ")} |`,
    `|${"---|".repeat(Object.keys(judges).length + 1)}`,
    ...Object.entries(services).map(([name, service]) => {
      const cells = Object.values(judges).map((judge) => {
        const ends = Array.from({ length: runs }, (_, run) => judge({ ...even, ...service }, seed + 7_919 * run));
        const { rolledBack, minutes, failed } = summary(ends);
        return `${percent(rolledBack)} · ${minutes?.toFixed(1) ?? "—"} · ${failed.toFixed(1)}`;
      });
      return `| ${name} | ${cells.join(" | ")} |`;
    }),
  ].join("\n");
