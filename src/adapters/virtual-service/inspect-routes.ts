import type { KubernetesObject } from "../../kubernetes/object.ts";
import { ToldError } from "../../lib/errors.ts";
import type { Finding } from "../../ports/preflight.ts";
import type { Plan } from "../../release/plan.ts";
import type { Target } from "../../release/target.ts";
import { type KubernetesClient, KubernetesError } from "../kubernetes/kubernetes-client.ts";
import { destinationRulesOf, istioVersion, virtualServicesOf } from "./api.ts";
import { beforeOf } from "./capture-routes.ts";
import { refuse } from "./check-rule.ts";
import { virtualServiceWord } from "./describe.ts";
import { noticesOf } from "./notices.ts";
import { isOurs, ownRule, ownRuleName, ruleNamespace } from "./own-rule.ts";
import { patchOf } from "./patch.ts";
import { aimAt, planMoves } from "./plan-moves.ts";
import { type ChosenRoutes, type PresentRoutes, readRoutes } from "./read-routes.ts";
import { rivalsOf } from "./rivals.ts";
import { missingSubsets, type SubsetLabels } from "./subset-need.ts";

/** What has to be known of the routes before a release. Reads, and writes nothing but dry runs. */
export async function inspectRoutes(
  client: KubernetesClient,
  target: Target,
  plan: Plan,
  subsetLabels: SubsetLabels,
): Promise<readonly Finding[]> {
  try {
    const reading = await readRoutes(client, await istioVersion(client), target);
    const asked = await Promise.all([
      inspectSubsets(client, reading, target, plan, subsetLabels),
      inspectRivals(client, reading, target),
      ...reading.chosen.map((one) => rehearse(client, reading.version, one, target, plan)),
    ]);
    return [...reading.problems, ...reading.chosen.flatMap((one) => noticesOf(one, target, plan)), ...asked.flat()];
  } catch (error) {
    return [refusalFrom(error)];
  }
}

function refusalFrom(error: unknown): Finding {
  if (!(error instanceof ToldError)) throw error;
  return { level: "refuse", what: error.message, next: error.next };
}

/** The first write as a server-side dry run: validation, permissions and istiod's webhook see it, and nothing is stored. */
async function rehearse(
  client: KubernetesClient,
  version: string,
  { choice, object, rules, problems }: ChosenRoutes,
  target: Target,
  plan: Plan,
): Promise<readonly Finding[]> {
  if (problems.length > 0) return [];
  const before = { namespace: choice.namespace, name: choice.name, rules: rules.map(beforeOf) };
  const body = patchOf(planMoves(object, before, target, aimAt(plan.stages[0]?.weight ?? 100)).moves);
  return dryRun(`${virtualServiceWord(choice)}: the first write would be refused`, () =>
    client.patch(virtualServicesOf(version), choice.namespace, choice.name, { type: "json", body }, { dryRun: true }),
  );
}

async function dryRun(what: string, write: () => Promise<unknown>): Promise<readonly Finding[]> {
  try {
    await write();
    return [];
  } catch (error) {
    const refusal = refusalFrom(error);
    return [{ ...refusal, what: `${what}: ${refusal.what}` }];
  }
}

async function inspectSubsets(
  client: KubernetesClient,
  { version, subsets, problems }: PresentRoutes,
  target: Target,
  plan: Plan,
  labelsOf: SubsetLabels,
): Promise<readonly Finding[]> {
  if (subsets.missing.length === 0 || subsets.problem || problems.length > 0) return [];
  const resource = destinationRulesOf(version);
  const [namespace, name] = [ruleNamespace(target), ownRuleName(target.service)];
  const word = `DestinationRule ${namespace}/${name}`;
  try {
    const [there, wanted] = await Promise.all([
      client.get(resource, namespace, name),
      missingSubsets(subsets.missing, subsets, target, labelsOf),
    ]);
    if (there && !isOurs(there))
      return [
        refuse(
          `${word} is in the way of the one that would add the subset ${target.canary.subset}.`,
          "Rename it, or add the subset yourself.",
        ),
      ];
    const refused = there
      ? []
      : await dryRun(`${word} would be refused`, () =>
          client.create(resource, namespace, ownRule(target, version, wanted, subsets.beside), { dryRun: true }),
        );
    const names = wanted
      .map((subset) => `subset ${String(subset.name)} (${JSON.stringify(subset.labels)})`)
      .join(" and ");
    const stay =
      plan.promotion === "swap" ? "after a swap it stays, because the routes name it then" : "it goes at the end";
    return [
      { level: "note", what: `${word} of our own will have ${names}, which no other has; ${stay}.` },
      ...withoutStable(target, subsets.missing),
      ...refused,
    ];
  } catch (error) {
    return [refusalFrom(error)];
  }
}

/** A rule for the same host in another namespace does not merge with ours: the nearer one hides it. */
function withoutStable(target: Target, missing: PresentRoutes["subsets"]["missing"]): readonly Finding[] {
  if (!missing.includes("stable")) return [];
  const what = `Stable's subset ${target.stable.subset} is in no DestinationRule of namespace ${ruleNamespace(target)}, so ours will have both; one in another namespace, and its traffic policy, would be hidden by it.`;
  return [{ level: "warn", what, next: `If there is such a rule, add the subset ${target.canary.subset} to it.` }];
}

/** Other VirtualServices that send to the same hosts: their requests do not follow the release. */
async function inspectRivals(
  client: KubernetesClient,
  { version, chosen }: PresentRoutes,
  target: Target,
): Promise<readonly Finding[]> {
  const namespaces = [...new Set([target.namespace, ...target.routes.map(({ namespace }) => namespace)])];
  const lists = await Promise.all(namespaces.map((namespace) => listIn(client, version, namespace)));
  const rules = lists.flatMap((list) => ("level" in list ? [] : list));
  return [...lists.flatMap((list) => ("level" in list ? [list] : [])), ...rivalsOf(rules, chosen, target)];
}

async function listIn(
  client: KubernetesClient,
  version: string,
  namespace: string,
): Promise<readonly KubernetesObject[] | Finding> {
  try {
    return await client.list(virtualServicesOf(version), namespace);
  } catch (error) {
    if (!(error instanceof KubernetesError && error.status === 403)) throw error;
    return {
      level: "note",
      what: `VirtualServices in ${namespace} may not be listed, so it is not known whether others send to the service, too.`,
    };
  }
}
