import { acceptanceOf, parentRefsOf, parentWord } from "../../istio/route-parent.ts";
import { someOf } from "../../lib/some-of.ts";
import { coded, type Finding, refuse, warn } from "../../ports/preflight.ts";
import type { Plan } from "../../release/plan.ts";
import type { Target } from "../../release/target.ts";
import type { KubernetesClient } from "../kubernetes/kubernetes-client.ts";
import { objectWord } from "../weighted-rules/describe.ts";
import { noticesOf } from "../weighted-rules/notices.ts";
import { type ChosenRoutes, readRoutes } from "../weighted-rules/read-routes.ts";
import { refusalFrom, rehearse } from "../weighted-rules/rehearse.ts";
import type { RouteShape } from "../weighted-rules/route-shape.ts";
import { offeredKind } from "./gateway-api.ts";
import { grantsAreThere } from "./reference-grants.ts";

/** What has to be known of the routes before a release. Reads, and writes nothing but dry runs. */
export async function inspectGatewayRoutes(
  client: KubernetesClient,
  shape: RouteShape,
  target: Target,
  plan: Plan,
): Promise<readonly Finding[]> {
  try {
    const store = { client, shape, resource: await offeredKind(client, shape.kind) };
    const { chosen, problems } = await readRoutes(store, target);
    const asked = await Promise.all(
      chosen.flatMap((one) => [rehearse(store, one, target, plan), grantsAreThere(client, shape, one, target)]),
    );
    return [
      ...versionsAreServices(shape, target),
      ...problems,
      ...chosen.flatMap((one) => [...areFollowed(shape, one), ...noticesOf(shape, one, target, plan)]),
      ...asked.flat(),
    ];
  } catch (error) {
    return [refusalFrom(error)];
  }
}

/** Backends are Services: there are no subsets. */
export function versionsAreServices({ kind }: RouteShape, { stable, canary }: Target): readonly Finding[] {
  const subsets = [stable, canary].flatMap(({ subset }) => subset ?? []);
  if (subsets.length === 0) return [];
  return [
    refuse(
      `${kind}s know Services, and no subsets (${subsets.join(", ")}): versions are told apart by their hosts there.`,
      "Take the subsets away, and give each version a Service that selects its pods alone: host under stable and canary.",
    ),
  ];
}

/** Weights that nobody follows now will not be followed later. */
function areFollowed(shape: RouteShape, { choice, object }: ChosenRoutes): readonly Finding[] {
  const word = objectWord(shape, choice);
  const { parents, refused, behind } = acceptanceOf(object);
  const look = `See what it says of each parent: kubectl -n ${choice.namespace} describe ${shape.kind.toLowerCase()} ${choice.name}.`;
  const nobodys = parentRefsOf(object)
    .map(parentWord)
    .filter((ref) => !parents.some(({ parent }) => parent === ref));
  if (parents.length === 0)
    return [
      refuse(
        `${word} is followed by nobody: no controller has taken it up (parentRefs: ${someOf(nobodys) || "none"}).`,
        `Name a Gateway that is there, or a Service of the mesh. ${look}`,
      ),
    ];
  const findings: Finding[] = [];
  if (refused.length > 0)
    findings.push(
      coded("IST0171", refuse(`${word} is not followed as it stands (${someOf(refused)}; IST0171).`, look)),
    );
  if (nobodys.length > 0) findings.push(warn(`${word}: nobody has taken it up for ${someOf(nobodys)}.`, look));
  if (behind.length > 0)
    findings.push(warn(`${word}: its newest version has not been looked at for ${someOf(behind)}.`, look));
  return findings;
}
