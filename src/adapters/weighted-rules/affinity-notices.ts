import { type Finding, note, refuse } from "../../ports/preflight.ts";
import type { Affinity, Plan } from "../../release/plan.ts";
import { roles } from "../../release/target.ts";
import { narrowedFor } from "./added-rules.ts";
import { keptOn } from "./affinity.ts";
import { ruleWord } from "./describe.ts";
import type { DestinationRoles } from "./destination-roles.ts";
import { isBecause } from "./narrow.ts";
import type { ChosenRoutes } from "./read-routes.ts";
import type { RouteShape } from "./route-shape.ts";

/** By which rules users are kept on their version, or why they cannot be. */
export function affinityNotices(
  shape: RouteShape,
  { rules, problems }: ChosenRoutes,
  { roleOf }: DestinationRoles,
  { affinity, stages }: Pick<Plan, "affinity" | "stages">,
  where: string,
): readonly Finding[] {
  if (!affinity || stages.length === 0 || problems.length > 0) return [];
  return rules.map((rule) => {
    const word = `${where}: ${ruleWord(shape, rule)}`;
    const because = whyNotKept(shape, rule, affinity, roleOf);
    if (because !== undefined)
      return refuse(
        `${word} cannot keep users on their version: ${because}.`,
        "Take affinity away, or choose other routes.",
      );
    return note(
      `${word}: from the first weight on, answers set the cookie ${affinity.cookie}, and two ${shape.words.rule}s before it keep whoever has it on his version; all of it goes at the end, and with a rollback.`,
    );
  });
}

function whyNotKept(
  shape: RouteShape,
  rule: ChosenRoutes["rules"][number],
  affinity: Affinity,
  roleOf: DestinationRoles["roleOf"],
): string | undefined {
  if (rule.section !== "http") return "it divides connections, which have no cookies";
  if (!shape.cookies) return `destinations of ${shape.kind}s set no cookies`;
  const unsaid = roles.map((role) => narrowedFor(shape, rule, keptOn(affinity, role))).find(isBecause);
  if (unsaid) return unsaid.because;
  const taken = rule.destinations.filter(roleOf).map(({ raw }) => shape.cookies?.whyNot(raw));
  return taken.find((one) => one !== undefined);
}
