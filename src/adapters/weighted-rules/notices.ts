import { sumOf } from "../../istio/destination.ts";
import type { RouteRule } from "../../istio/route-rule.ts";
import { percentWord } from "../../lib/numbers.ts";
import { someOf } from "../../lib/some-of.ts";
import { type Finding, note } from "../../ports/preflight.ts";
import { aimOf } from "../../release/aim.ts";
import { isJudgedByEvidence } from "../../release/gate.ts";
import { isMirrored, type Plan } from "../../release/plan.ts";
import { trafficAt } from "../../release/planned-traffic.ts";
import type { Target } from "../../release/target.ts";
import { isOurName } from "./added-rules.ts";
import { affinityNotices } from "./affinity-notices.ts";
import { objectBeforeOf } from "./before-of.ts";
import { canaryTraffic } from "./check-rule.ts";
import { destinationWord, objectWord, ruleWord, splitWord } from "./describe.ts";
import { type DestinationRoles, destinationRoles } from "./destination-roles.ts";
import { mirrorNotices } from "./mirror-notices.ts";
import { planMoves, plannedDestinations } from "./plan-moves.ts";
import type { ChosenRoutes } from "./read-routes.ts";
import type { RouteShape } from "./route-shape.ts";
import { canaryWeight } from "./share.ts";
import { testerNotices } from "./tester-notices.ts";

/** One object of the release, with what a release means for it. */
type Subject = {
  readonly shape: RouteShape;
  readonly chosen: ChosenRoutes;
  /** The rules that stay as they are. */
  readonly others: readonly RouteRule[];
  readonly versions: DestinationRoles;
  readonly target: Target;
  readonly plan: Plan;
  readonly where: string;
};

/** What is worth knowing of one object of the release, though it may not forbid anything. Pure. */
export function noticesOf(shape: RouteShape, chosen: ChosenRoutes, target: Target, plan: Plan): readonly Finding[] {
  const isMoved = (rule: RouteRule): boolean => chosen.rules.some(({ place }) => place === rule.place);
  const subject: Subject = {
    shape,
    chosen,
    others: shape.rulesOf(chosen.object).filter((rule) => !isMoved(rule)),
    versions: destinationRoles(shape, target),
    target,
    plan,
    where: objectWord(shape, chosen.choice),
  };
  return [
    moves,
    copies,
    offSchedule,
    neverReached,
    coarse,
    testers,
    lettingIn,
    mirroring,
    keeping,
    staying,
    delegates,
  ].flatMap((notice) => notice(subject));
}

const lettingIn = ({ shape, chosen, plan, where }: Subject): readonly Finding[] =>
  testerNotices(shape, chosen, plan, where);

const keeping = ({ shape, chosen, versions, plan, where }: Subject): readonly Finding[] =>
  affinityNotices(shape, chosen, versions, plan, where);

const mirroring = ({ shape, chosen, versions, plan, where }: Subject): readonly Finding[] =>
  mirrorNotices(shape, chosen, versions, plan, where);

/** What the release does there first, for `plan` to show. */
function moves({ shape, chosen, target, plan, where }: Subject): readonly Finding[] {
  if (chosen.problems.length > 0) return [];
  const before = objectBeforeOf(shape, chosen);
  const aim = aimOf(trafficAt(plan, 0));
  if (aim.to === "split" && aim.canary === 0) return [];
  const first = planMoves(shape, chosen.object, before, target, aim);
  const words = first.moves.map(
    (move) =>
      `${ruleWord(shape, move.rule)} from ${splitWord(move.rule.destinations)} to ${splitWord(plannedDestinations(move))}`,
  );
  return [note(`${where}: the first write takes ${someOf(words)}.`)];
}

/** Both a weight and a copy of every request would be a request that is done twice. */
function copies({ shape, chosen, versions, plan, where }: Subject): readonly Finding[] {
  const rules = chosen.rules.filter(({ mirrors }) => mirrors.some((one) => versions.roleOf(one) === "canary"));
  if (chosen.problems.length > 0 || rules.length === 0) return [];
  const why = isMirrored(plan)
    ? "and sends copies as the stages say"
    : "because whatever is sent there would be done twice";
  const end = plan.promotion === "swap" ? "a rollback brings it back, and a swap does not" : "it comes back at the end";
  return [
    {
      level: "warn",
      what: `${where}: the first write takes the mirror to ${destinationWord(versions.canary)} away from ${someOf(
        rules.map((rule) => ruleWord(shape, rule)),
        ", ",
      )}, ${why}; ${end}.`,
      next: undefined,
    },
  ];
}

function offSchedule({ shape, chosen, versions, plan, where }: Subject): readonly Finding[] {
  const weights = plan.stages.map(({ weight }) => weight);
  const findings: Finding[] = [];
  for (const rule of chosen.rules) {
    const traffic = canaryTraffic(rule.destinations, versions);
    if (traffic === 0 || traffic === 1 || weights.includes(Math.round(traffic * 10_000) / 100)) continue;
    findings.push(
      note(
        `${where}: ${ruleWord(shape, rule)} gives the canary ${percentWord(traffic)}, which is no weight of this plan (${weights.join(", ")}): no release with these stages wrote it.`,
      ),
    );
  }
  return findings;
}

/** IST0130: Istio takes the first rule that fits, so behind one that takes everything no request arrives. */
function neverReached({ shape, chosen, where }: Subject): readonly Finding[] {
  const catchAlls = shape.rulesOf(chosen.object).filter(({ takesEverything }) => takesEverything);
  return chosen.rules.flatMap((rule): readonly Finding[] => {
    const catchAll = catchAlls.find(({ section, index }) => section === rule.section && index < rule.index);
    if (!catchAll) return [];
    return [
      {
        code: "IST0130",
        level: "warn",
        what: `${where}: ${ruleWord(shape, rule)} is never reached, because ${ruleWord(shape, catchAll)} above it takes every request.`,
        next: `Move it up, or choose the other ${shape.words.rule}.`,
      },
    ];
  });
}

/** Beside third destinations the two have only their own share to divide, which may be too coarse for the plan. */
function coarse({ shape, chosen, versions, plan, where }: Subject): readonly Finding[] {
  if (chosen.problems.length > 0) return [];
  const findings: Finding[] = [];
  for (const rule of chosen.rules) {
    const share = sumOf(rule.destinations.filter(versions.roleOf));
    if (share === sumOf(rule.destinations)) continue;
    const off = plan.stages
      .map(({ weight }) => ({ weight, written: canaryWeight(share, weight) / share }))
      .filter(({ weight, written }) => Math.abs(written * 100 - weight) > 1);
    if (off.length === 0) continue;
    const words = off.map(({ weight, written }) => `${weight}% becomes ${percentWord(written)}`);
    findings.push({
      level: "warn",
      what: `${where}: ${ruleWord(shape, rule)} leaves the two versions a share of ${share}, so ${someOf(words, ", ")}.`,
      next: `Multiply every weight of the ${shape.words.rule} by 100; Istio takes weights as proportions.`,
    });
  }
  return findings;
}

function testers({ shape, others, versions, where, plan }: Subject): readonly Finding[] {
  const rules = others.filter(
    ({ destinations, name }) => canaryTraffic(destinations, versions) > 0 && !isOurName(name),
  );
  if (rules.length === 0) return [];
  return [
    note(
      `${where}: ${someOf(
        rules.map((rule) => ruleWord(shape, rule)),
        ", ",
      )} sends requests to the canary already, and stays as it is, also after a rollback.`,
      countsInSplit(plan),
    ),
  ];
}

function staying({ shape, others, versions, where, plan }: Subject): readonly Finding[] {
  const rules = others.filter(
    ({ destinations }) =>
      versions.indexesOf("stable", destinations).length > 0 && canaryTraffic(destinations, versions) === 0,
  );
  if (rules.length === 0) return [];
  return [
    note(
      `${where}: ${someOf(
        rules.map((rule) => ruleWord(shape, rule)),
        ", ",
      )} sends to stable and is not moved by this release.`,
      countsInSplit(plan),
    ),
  ];
}

/** Counters do not tell the routes of a service apart. */
const countsInSplit = ({ stages }: Plan): string | undefined =>
  stages.some(isJudgedByEvidence)
    ? "Its requests count in the observed split: if they are many, the release is held, or rolled back, because of it. Allow the difference with evidence.splitTolerance; 100% takes every split as planned."
    : undefined;

function delegates({ shape, others, where }: Subject): readonly Finding[] {
  const words = others.flatMap((rule) =>
    rule.delegate ? `${ruleWord(shape, rule)} to ${objectWord(shape, rule.delegate)}` : [],
  );
  if (words.length === 0) return [];
  return [
    note(
      `${where}: some requests are routed elsewhere (${someOf(words, ", ")}); this release moves them only if that ${shape.kind} is named, too.`,
    ),
  ];
}
