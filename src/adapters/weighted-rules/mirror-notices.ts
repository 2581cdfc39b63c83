import type { RouteRule } from "../../istio/route-rule.ts";
import { field, listAt, textAt } from "../../kubernetes/field.ts";
import { type Finding, note, refuse, warn } from "../../ports/preflight.ts";
import type { Plan } from "../../release/plan.ts";
import { whyNoMirror } from "./copies.ts";
import { ruleWord } from "./describe.ts";
import type { DestinationRoles } from "./destination-roles.ts";
import type { ChosenRoutes } from "./read-routes.ts";
import type { RouteShape } from "./route-shape.ts";

/** What copies of requests do, and which rules can send none. */
export function mirrorNotices(
  shape: RouteShape,
  { choice, rules, problems }: ChosenRoutes,
  versions: DestinationRoles,
  { stages }: Pick<Plan, "stages">,
  where: string,
): readonly Finding[] {
  const most = Math.max(0, ...stages.map(({ mirror = 0 }) => mirror));
  if (most === 0 || problems.length > 0) return [];
  return rules.map((rule) => {
    const word = `${where}: ${ruleWord(shape, rule)}`;
    const unsaid = whyNoMirror(shape, rule, versions, choice.namespace);
    if (unsaid) return refuse(`${word} cannot send copies to the canary: ${unsaid.because}.`, unsaid.next);
    if (takesOnlyReads(rule))
      return note(`${word} sends the canary copies of up to ${most}% of its requests, all of them reads.`);
    return warn(
      `${word} takes writes as well, and sends copies of up to ${most}% of its requests: every mirrored ${shape.kind === "GRPCRoute" ? "call" : "POST"} is done twice, once by each version.`,
      `Let the canary write to a place of its own meanwhile, or choose by routes a ${shape.words.rule} that takes reads alone.`,
    );
  });
}

const reads: readonly string[] = ["GET", "HEAD", "OPTIONS"];

/** Each of its conditions asks for methods that change nothing (https://www.rfc-editor.org/rfc/rfc9110#section-9.2.1). */
function takesOnlyReads({ match }: RouteRule): boolean {
  const blocks = listAt(match);
  return blocks.length > 0 && blocks.every((block) => methodsIn(block).every((method) => reads.includes(method)));
}

/** A text, or exactly one, or several by a regular expression. One that is no method is no read. */
function methodsIn(block: unknown): readonly string[] {
  const whole = field(block, "method");
  const text = textAt(block, "method", "exact") ?? textAt(block, "method", "regex");
  return String(typeof whole === "string" ? whole : text).split("|");
}
