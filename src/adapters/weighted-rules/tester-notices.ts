import { covers } from "../../istio/match-coverage.ts";
import type { RouteRule } from "../../istio/route-rule.ts";
import { listAt, objectAt } from "../../kubernetes/field.ts";
import { someOf } from "../../lib/some-of.ts";
import { type Finding, note, refuse, warn } from "../../ports/preflight.ts";
import type { Plan } from "../../release/plan.ts";
import { isOurName, narrowedFor, noFaults } from "./added-rules.ts";
import { ruleWord } from "./describe.ts";
import type { ChosenRoutes } from "./read-routes.ts";
import type { RouteShape } from "./route-shape.ts";

/** What is to be known of the rules that let testers in: whether they can be written, and who else is there. */
export function testerNotices(
  shape: RouteShape,
  chosen: ChosenRoutes,
  { testers = [], stages = [] }: Partial<Pick<Plan, "testers" | "stages">>,
  where: string,
): readonly Finding[] {
  const all = shape.rulesOf(chosen.object);
  const leftOver = all.filter(({ name }) => isOurName(name));
  const findings: Finding[] = leftOver.map((rule) =>
    refuse(
      `${where}: ${ruleWord(shape, rule)} is called as a ${shape.words.rule} that a release adds: one was left there, or somebody else's has this name.`,
      "If it was left, `istio-canary rollback` takes it away; otherwise give it another name.",
    ),
  );
  if (testers.length === 0 || chosen.problems.length > 0 || leftOver.length > 0) return findings;
  if (!shape.fault && stages.some(({ drill }) => drill))
    findings.push(refuse(`${where}: ${noFaults(shape)}.`, "Take the drill away, or release by a VirtualService."));
  for (const rule of chosen.rules) findings.push(...ofRule(shape, rule, all, testers, where));
  return [...findings, ...announced(shape, chosen, findings, where)];
}

function ofRule(
  shape: RouteShape,
  rule: RouteRule,
  all: readonly RouteRule[],
  testers: NonNullable<Plan["testers"]>,
  where: string,
): readonly Finding[] {
  const word = `${where}: ${ruleWord(shape, rule)}`;
  const narrowed = narrowedFor(shape, rule, testers);
  if ("because" in narrowed)
    return [
      refuse(
        `${word} cannot let testers in: ${narrowed.because}.`,
        `Let them be known by something else, or choose other ${shape.words.rule}s with routes.`,
      ),
    ];
  if (!shape.firstWins) return [];
  const above = all.filter(
    ({ section, index, takesEverything }) => section === rule.section && index < rule.index && !takesEverything,
  );
  const shadows = above.filter(({ match }) =>
    narrowed.match.some((block) => listAt(match).some((other) => covers(objectAt(other), block))),
  );
  return shadows.map((shadow) =>
    warn(
      `${word}: its testers meet ${ruleWord(shape, shadow)} before it, which takes what they are known by.`,
      "They get the canary by no rule of this release then. Move it down, or let them be known by something else.",
    ),
  );
}

function announced(
  shape: RouteShape,
  { rules }: ChosenRoutes,
  findings: readonly Finding[],
  where: string,
): readonly Finding[] {
  if (findings.some(({ level }) => level === "refuse")) return [];
  const words = rules.map((rule) => ruleWord(shape, rule));
  return [
    note(
      `${where}: with the first write testers get the canary by a ${shape.words.rule} before ${someOf(words, ", ")}, with everything that it has; it goes at the end, and with a rollback.`,
    ),
  ];
}
