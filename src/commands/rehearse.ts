import type { RehearsalConfig } from "../config/config.ts";
import { formatDuration } from "../lib/duration.ts";
import { RefusedError } from "../lib/errors.ts";
import { number, percent } from "../lib/numbers.ts";
import type { Traffic } from "../rehearsal/detection.ts";
import { isRehearsed } from "../rehearsal/play.ts";
import { type RehearsedKind, rehearseKinds, usualRuns } from "../rehearsal/rehearse-kinds.ts";
import type { Plan } from "../release/plan.ts";
import { about, trafficInWords } from "./figures.ts";
import type { Desk, ExitCode } from "./session.ts";
import { usualTraffic, withMeasuredDispersion } from "./traffic.ts";

/** What was rehearsed, and what came of it. */
type Rehearsal = {
  readonly plan: Plan;
  readonly traffic: Traffic;
  readonly from: string;
  readonly runs: number;
  readonly seed: number;
  readonly kinds: readonly RehearsedKind[];
  /** Gates that count as passed. */
  readonly unrehearsed: readonly string[];
};

/** Plays the plan through, with good canaries and with bad ones, and says how often it is right. Asks Prometheus at most. */
export async function rehearse(desk: Desk): Promise<ExitCode> {
  const { config, print } = desk;
  const { rehearsal } = config;
  if (!rehearsal) throw new Error("the configuration of a rehearsal has none");
  const scene = await sceneOf(desk, rehearsal);
  if ("because" in scene) {
    print(
      `This plan cannot be rehearsed before the service's own requests: ${scene.because}. Give rehearse-rate and rehearse-errors to rehearse it before others.`,
    );
    return 3;
  }
  const { runs = usualRuns(scene.plan), seed } = rehearsal;
  const kinds = rehearseKinds(scene.plan, scene.traffic, { runs, seed });
  const result: Rehearsal = { ...scene, runs, seed, kinds, unrehearsed: unrehearsedIn(scene.plan) };
  print(config.json ? jsonOf(result) : textOf(result, config.metrics !== undefined));
  return 0;
}

type Scene = Pick<Rehearsal, "plan" | "traffic" | "from">;

async function sceneOf(
  desk: Desk,
  { plan, rate, errors }: RehearsalConfig,
): Promise<Scene | { readonly because: string }> {
  if (rate !== undefined && errors !== undefined) return { plan, traffic: { rate, baseline: errors }, from: "given" };
  const target = desk.config.release?.target;
  if (!target) {
    throw new RefusedError("Nobody said whose requests are to be taken from Prometheus.", {
      next: "Name namespace, service, stable and canary, or give rehearse-rate and rehearse-errors.",
    });
  }
  const found = await usualTraffic(desk, target);
  if ("because" in found) return found;
  const traffic = { rate: rate ?? found.rate, baseline: errors ?? found.baseline };
  const measured = await withMeasuredDispersion(desk, target, plan);
  return { plan: measured.plan, traffic, from: "the last hour, by Prometheus" };
}

const unrehearsedIn = ({ stages }: Plan): readonly string[] => [
  ...new Set(stages.flatMap(({ gates }) => gates.filter((gate) => !isRehearsed(gate)).map(({ name }) => name))),
];

const jsonOf = ({ plan, traffic, from, runs, seed, kinds, unrehearsed }: Rehearsal): string =>
  JSON.stringify(
    { traffic: { ...traffic, phi: phiOf(plan), from }, runs, seed, kinds, unrehearsed, plan },
    undefined,
    2,
  );

const phiOf = (plan: Plan): number => plan.evidence.settings.dispersion.phi;

function textOf({ plan, traffic, from, runs, seed, kinds, unrehearsed }: Rehearsal, hasPrometheus: boolean): string {
  const phi = phiOf(plan);
  return [
    `${number(runs)} rehearsed releases of each kind of canary (seed ${seed}), before ${trafficInWords(traffic)} (${from})${phi > 1 ? `, in clusters (φ ${number(phi)})` : ""}.`,
    `Stages: ${plan.stages.map(({ weight, wait }) => `${weight} %${wait > 0 ? ` for ${formatDuration(wait)}` : ""}`).join(", ")}; looked at every ${formatDuration(plan.pollEvery)}.`,
    ...(unrehearsed.length > 0 ? [`Not rehearsed, and taken as passed: ${unrehearsed.join(", ")}.`] : []),
    ...(plan.stages.some(({ approval }) => approval) ? ["Approvals are taken as given at once."] : []),
    ...(hasPrometheus ? [] : ["No Prometheus is configured: this is the plan as it would be with one."]),
    "",
    ...table(kinds),
    "",
    ...verdictOn(kinds),
  ].join("\n");
}

const heads = [
  "the canary fails",
  "rolled back",
  "held",
  "released",
  "until rollback (9 in 10)",
  "failed requests (too many)",
  "until promotion",
];

function table(kinds: readonly RehearsedKind[]): readonly string[] {
  const rows = [heads, ...kinds.map(rowOf)];
  const widths = heads.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join("  ")
      .trimEnd(),
  );
}

const rowOf = (kind: RehearsedKind): readonly string[] => [
  nameOf(kind),
  percent(kind.rolledBack),
  percent(kind.held),
  percent(kind.released),
  kind.untilRollback ? `${about(kind.untilRollback.median)} (${about(kind.untilRollback.p90)})` : "—",
  `${number(kind.failedRequests)} (${number(kind.excess)})`,
  kind.untilPromotion === undefined ? "—" : about(kind.untilPromotion),
];

const nameOf = ({ timesStable, failing }: RehearsedKind): string =>
  timesStable === undefined
    ? "every request"
    : timesStable === 1
      ? `as often as stable (${percent(failing)})`
      : `${timesStable} times as often (${percent(failing)})`;

/** What somebody on call wants to know, in a few sentences. */
function verdictOn(kinds: readonly RehearsedKind[]): readonly string[] {
  const [healthy] = kinds;
  const dead = kinds.at(-1);
  if (!healthy || !dead) return [];
  const missed = kinds.filter(({ timesStable = 0, released }) => timesStable > 1 && released > 0.2);
  return [
    `This plan rolls a healthy version back in ${percent(healthy.rolledBack)} of releases${healthy.late > 0 ? ` (in ${percent(healthy.late)} because time ran out)` : ""}${healthy.held > 0 ? ` and leaves ${percent(healthy.held)} of them to somebody to decide` : ""}${healthy.untilPromotion === undefined || healthy.released < 0.5 ? "" : `; a good release takes ${about(healthy.untilPromotion)}`}.`,
    dead.untilRollback
      ? `A version that fails every request is rolled back in ${percent(dead.rolledBack)} of releases, half of them within ${about(dead.untilRollback.median)}, after ${number(dead.failedRequests)} failed requests on average.`
      : "A version that fails every request is never rolled back by this plan.",
    ...missed.map(
      ({ timesStable, released }) =>
        `A version that fails ${timesStable} times as often as stable is released all the same in ${percent(released)} of releases.`,
    ),
  ];
}
