import type { Finding } from "../../ports/preflight.ts";
import { isJudgedByEvidence } from "../../release/gate.ts";
import type { Plan } from "../../release/plan.ts";
import type { Target } from "../../release/target.ts";
import { beforeOf } from "./capture.ts";
import { canaryTraffic } from "./check.ts";
import { delegateWord, percentWord, routeWord, someOf, splitWord, virtualServiceWord } from "./describe.ts";
import { aimAt, planRoutes } from "./plan.ts";
import type { Chosen } from "./read.ts";
import { type Versions, versionsIn } from "./role.ts";
import { entryOf, isRaw, type Rule, rulesOf, sumOf } from "./rule.ts";
import { canaryWeight } from "./share.ts";

type Scene = {
  readonly chosen: Chosen;
  readonly all: readonly Rule[];
  readonly versions: Versions;
  readonly target: Target;
  readonly plan: Plan;
  readonly where: string;
};

/** What is worth knowing of one VirtualService of the release, though it may not forbid anything. Pure. */
export function noticesOf(chosen: Chosen, target: Target, plan: Plan): readonly Finding[] {
  const { choice, object } = chosen;
  const scene: Scene = {
    chosen,
    all: rulesOf(object),
    versions: versionsIn(choice.namespace, target),
    target,
    plan,
    where: virtualServiceWord(choice),
  };
  return [moves, offSchedule, neverReached, coarse, testers, staying, delegates].flatMap((notice) => notice(scene));
}

/** What the release does there first, for `plan` to show. */
function moves({ chosen, target, plan, where }: Scene): readonly Finding[] {
  if (chosen.problems.length > 0) return [];
  const before = { ...chosen.choice, rules: chosen.rules.map(beforeOf) };
  const words = planRoutes(chosen.object, before, target, aimAt(plan.stages[0]?.weight ?? 100)).moves.map(
    ({ rule, planned }) =>
      `${routeWord(rule)} from ${splitWord(rule.entries)} to ${splitWord(planned.map(({ raw }) => entryOf(raw)))}`,
  );
  return [{ level: "note", what: `${where}: the first write takes ${someOf(words)}.` }];
}

function offSchedule({ chosen, versions, plan, where }: Scene): readonly Finding[] {
  const weights = plan.stages.map(({ weight }) => weight);
  return chosen.rules.flatMap((rule): readonly Finding[] => {
    const traffic = canaryTraffic(rule.entries, versions);
    if (traffic === 0 || traffic === 1 || weights.includes(Math.round(traffic * 10_000) / 100)) return [];
    return [
      {
        level: "note",
        what: `${where}: ${routeWord(rule)} gives the canary ${percentWord(traffic)}, which is no weight of this plan (${weights.join(", ")}): no release with these stages wrote it.`,
      },
    ];
  });
}

/** IST0130: Istio takes the first rule that fits, so behind one that takes everything no request arrives. */
function neverReached({ chosen, all, where }: Scene): readonly Finding[] {
  const catchAll = all.find(takesEverything);
  if (!catchAll) return [];
  return chosen.rules
    .filter(({ index }) => index > catchAll.index)
    .map((rule) => ({
      level: "warn",
      what: `${where}: ${routeWord(rule)} is never reached, because ${routeWord(catchAll)} above it takes every request.`,
      next: "Move it up, or choose the other route.",
    }));
}

function takesEverything({ match }: Rule): boolean {
  if (!Array.isArray(match) || match.length === 0) return true;
  return match
    .filter(isRaw)
    .some(
      ({ name: _, uri, ...conditions }) =>
        Object.keys(conditions).length === 0 && (uri === undefined || (isRaw(uri) && uri.prefix === "/")),
    );
}

/** Beside third destinations the two have only their own share to divide, which may be too coarse for the plan. */
function coarse({ chosen, versions, plan, where }: Scene): readonly Finding[] {
  return chosen.rules.flatMap(({ entries, ...rule }): readonly Finding[] => {
    const share = sumOf(entries.filter((entry) => versions.roleOf(entry) !== undefined));
    if (chosen.problems.length > 0 || share === sumOf(entries)) return [];
    const off = plan.stages
      .map(({ weight }) => ({ weight, written: canaryWeight(share, weight) / share }))
      .filter(({ weight, written }) => Math.abs(written * 100 - weight) > 1);
    if (off.length === 0) return [];
    const words = off.map(({ weight, written }) => `${weight} % becomes ${percentWord(written)}`);
    return [
      {
        level: "warn",
        what: `${where}: ${routeWord(rule)} leaves the two versions a share of ${share}, so ${someOf(words, ", ")}.`,
        next: "Multiply every weight of the route by 100; Istio takes weights as proportions.",
      },
    ];
  });
}

const others = ({ chosen, all }: Scene): readonly Rule[] =>
  all.filter(({ index }) => !chosen.rules.some((rule) => rule.index === index));

function testers(scene: Scene): readonly Finding[] {
  const found = others(scene).filter(({ entries }) => canaryTraffic(entries, scene.versions) > 0);
  return found.length === 0
    ? []
    : [
        {
          level: "note",
          what: `${scene.where}: ${someOf(found.map(routeWord), ", ")} sends requests to the canary already, and stays as it is, also after a rollback.`,
          ...countsInSplit(scene),
        },
      ];
}

function staying(scene: Scene): readonly Finding[] {
  const found = others(scene).filter(
    ({ entries }) =>
      scene.versions.indexesOf("stable", entries).length > 0 && canaryTraffic(entries, scene.versions) === 0,
  );
  return found.length === 0
    ? []
    : [
        {
          level: "note",
          what: `${scene.where}: ${someOf(found.map(routeWord), ", ")} sends to stable and is not moved by this release.`,
          ...countsInSplit(scene),
        },
      ];
}

/** Counters do not tell the routes of a service apart. */
const countsInSplit = ({ plan }: Scene): Pick<Finding, "next"> =>
  plan.stages.some(isJudgedByEvidence)
    ? {
        next: "Its requests count in the observed split: if they are many, the release is held, or rolled back, because of it. Allow the difference with evidence.splitTolerance; 100% takes every split as planned.",
      }
    : {};

function delegates(scene: Scene): readonly Finding[] {
  const found = others(scene).filter(({ instead }) => instead === "delegate");
  const words = found.map(
    (rule) => `${routeWord(rule)} to ${delegateWord(rule.raw.delegate, scene.chosen.choice.namespace)}`,
  );
  return found.length === 0
    ? []
    : [
        {
          level: "note",
          what: `${scene.where}: some requests are routed elsewhere (${someOf(words, ", ")}); this release moves them only if that VirtualService is named, too.`,
        },
      ];
}
