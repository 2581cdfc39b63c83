import type { Raw } from "../../istio/destination.ts";
import { rootNamespace, rulesSeenBy } from "../../istio/destination-rule.ts";
import { gatewaysOf, isForMesh } from "../../istio/virtual-service.ts";
import type { KubernetesObject } from "../../kubernetes/object.ts";
import { someOf } from "../../lib/some-of.ts";
import { type Finding, refuse, unseen } from "../../ports/preflight.ts";
import type { Plan } from "../../release/plan.ts";
import type { Target } from "../../release/target.ts";
import { type KubernetesClient, KubernetesError } from "../kubernetes/kubernetes-client.ts";
import { listEverywhere, type WideList } from "../kubernetes/list-everywhere.ts";
import { unlessForbidden } from "../kubernetes/unless-forbidden.ts";
import { noticesOf } from "../weighted-rules/notices.ts";
import type { ChosenRoutes, PresentRoutes } from "../weighted-rules/read-routes.ts";
import { dryRun, refusalFrom, rehearse } from "../weighted-rules/rehearse.ts";
import { namespacesOf } from "../weighted-rules/survey-routes.ts";
import { inspectMesh } from "./inspect-mesh.ts";
import { type IstioApi, offeredApi, virtualServicesIn } from "./istio-api.ts";
import { canaryHost, isOurs, ownRule, ownRuleName, ruleNamespace } from "./own-rule.ts";
import { type RoutesAndSubsets, readWithSubsets } from "./read-with-subsets.ts";
import { rivalsOf } from "./rivals.ts";
import { blindClients, lostGateways, namespacesInSight } from "./sight.ts";
import { missingSubsets, type SubsetLabels } from "./subset-need.ts";
import { surveyRoutes } from "./survey-routes.ts";
import { unseenWeights } from "./unseen-weights.ts";
import { virtualServiceShape as shape } from "./virtual-service-shape.ts";
import { virtualServiceWord } from "./virtual-service-word.ts";

/** What has to be known of the routes before a release. Reads, and writes nothing but dry runs. */
export async function inspectRoutes(
  client: KubernetesClient,
  target: Target,
  plan: Plan,
  subsetLabels: SubsetLabels,
): Promise<readonly Finding[]> {
  try {
    const api = await offeredApi(client);
    const routes = await readWithSubsets(api, target);
    const asked = await Promise.all([
      inspectSubsets(api, routes, target, plan, subsetLabels).then((need) => inspectSight(api, target, need)),
      readRules(api, target).then((rules) => inspectMesh(api, routes.chosen, rules, target, plan)),
      inspectRivals(api, routes, target),
      ...routes.chosen.map((one) => rehearse(virtualServicesIn(api), one, target, plan)),
    ]);
    return [
      ...routes.problems,
      ...routes.chosen.flatMap((one) => [...noticesOf(shape, one, target, plan), ...callersAreAsked(one, plan)]),
      ...asked.flat(),
    ];
  } catch (error) {
    return [refusalFrom(error)];
  }
}

/** The DestinationRules of every namespace that may be read. */
const readRules = ({ client, destinationRules }: IstioApi, { namespace }: Target): Promise<WideList> =>
  listEverywhere(client, destinationRules, [namespace, rootNamespace]);

/** Gateways look at no labels: https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPMatchRequest */
function callersAreAsked({ choice, object }: ChosenRoutes, { testers = [] }: Plan): readonly Finding[] {
  if (isForMesh(object) || !testers.some(({ callers }) => callers)) return [];
  return [
    refuse(
      `${virtualServiceWord(choice)} is for gateways alone (gateways: ${gatewaysOf(object).join(", ")}), and gateways do not look at the labels of callers: testers.callers would let nobody in.`,
      "Add mesh to its gateways, or name the VirtualService that callers in the mesh follow.",
    ),
  ];
}

/** What the subsets need, and the DestinationRule that the release will add for it. */
type SubsetFindings = {
  readonly findings: readonly Finding[];
  readonly own?: KubernetesObject;
  /** Nobody knows how the subsets will be. */
  readonly open?: true;
};

async function inspectSubsets(
  { client, version, destinationRules }: IstioApi,
  { subsets, problems }: RoutesAndSubsets,
  target: Target,
  plan: Plan,
  labelsOf: SubsetLabels,
): Promise<SubsetFindings> {
  if (subsets.problem || problems.length > 0) return { findings: [], open: true };
  if (subsets.missing.length === 0) return { findings: [] };
  const [namespace, name] = [ruleNamespace(target), ownRuleName(target.service)];
  const word = `DestinationRule ${namespace}/${name}`;
  try {
    const [present, added] = await Promise.all([
      client.get(destinationRules, namespace, name),
      missingSubsets(subsets.missing, subsets, target, labelsOf),
    ]);
    if (present && !isOurs(present))
      return {
        open: true,
        findings: [
          refuse(
            `${word} is in the way of the one that would add the subset ${target.canary.subset}.`,
            "Rename it, or add the subset yourself.",
          ),
        ],
      };
    const own = ownRule(target, version, added, subsets.beside);
    const findings: Finding[] = [announced(word, added, plan)];
    if (!present)
      findings.push(
        ...(await dryRun(`${word} would be refused`, () =>
          client.create(destinationRules, namespace, own, { dryRun: true }),
        )),
      );
    return { findings, own };
  } catch (error) {
    const finding = refusalFrom(error);
    // With no rule for the host at all it may be that nobody has looked where it is.
    return {
      findings: [subsets.beside ? finding : unseen(`a DestinationRule for ${target.canary.host}`, finding)],
      open: true,
    };
  }
}

/** Who sees the weights and the subsets, wherever that is said. */
async function inspectSight(
  api: IstioApi,
  target: Target,
  { findings, own, open }: SubsetFindings,
): Promise<readonly Finding[]> {
  const { client, destinationRules, gateways } = api;
  const survey = await unlessForbidden(surveyRoutes(client, target));
  if (!survey) return findings;
  const facts = survey.facts.filter(({ moves }) => moves);
  const namespaces = namespacesInSight(facts, target);
  const [rules, knownGateways] = await Promise.all([
    listEverywhere(client, destinationRules, namespaces),
    listEverywhere(client, gateways, namespaces),
  ]);
  const question = { target, facts, destinationRules: rules.objects, own, isUnread: rules.isUnread };
  const blind = open ? [] : blindClients(question);
  const notFollowed = unseenWeights(facts, knownGateways);
  const lost = lostGateways(question);
  if (blind.length > 0) return [...blind, ...lost, ...notFollowed];
  const hidden = own ? hiddenByOwn(own, rules.objects, target) : [];
  const unread = [...new Set(namespaces)].filter((one) => rules.isUnread(one) || knownGateways.isUnread(one));
  const found = [...findings, ...hidden, ...lost, ...notFollowed];
  if (unread.length > 0) found.push(unknown(unread));
  return found;
}

const unknown = (namespaces: readonly string[]): Finding => ({
  unseen: `DestinationRules or Gateways of ${someOf(namespaces, ", ")}`,
  level: "note",
  what: `DestinationRules or Gateways of ${someOf(namespaces, ", ")} may not be listed, so it is not known what gateways and clients there see of the weights.`,
  next: "The release goes on. To have it looked at, give the job the ClusterRole of docs/rbac.yaml.",
});

/** Where the service's namespace has no rule, the root's counts, until ours hides it. */
function hiddenByOwn(
  own: KubernetesObject,
  destinationRules: readonly KubernetesObject[],
  target: Target,
): readonly Finding[] {
  const beside = rulesSeenBy({ namespace: target.namespace }, destinationRules, canaryHost(target));
  const hidden = beside.filter(({ object }) => object.metadata.namespace !== own.metadata.namespace);
  return hidden.map(({ word }) => ({
    level: "warn",
    what: `${word} counts for ${target.canary.host} now, and DestinationRule ${own.metadata.namespace}/${own.metadata.name} of our own would hide it with its traffic policy.`,
    next: `Add the subset ${target.canary.subset} to ${word}.`,
  }));
}

function announced(word: string, subsets: readonly Raw[], { promotion }: Plan): Finding {
  const names = subsets.map(({ name, labels }) => `subset ${String(name)} (${JSON.stringify(labels)})`).join(" and ");
  const stay = promotion === "swap" ? "after a swap it stays, because the routes name it then" : "it goes at the end";
  return {
    level: "note",
    what: `${word} of our own will have ${names}, which no other has; ${stay}.${policyOf(subsets)}`,
  };
}

/** Ours are made as stable's subset is; each subset has limits of its own, whatever the other one has used up. */
function policyOf(subsets: readonly Raw[]): string {
  const parts = [...new Set(subsets.flatMap(({ trafficPolicy }) => Object.keys(Object(trafficPolicy))))];
  if (parts.length === 0) return "";
  return ` It has stable's trafficPolicy (${someOf(parts, ", ")}), and limits in it count for the canary by itself.`;
}

/** Other VirtualServices that send to the same hosts: their requests do not follow the release. */
async function inspectRivals(api: IstioApi, { chosen }: PresentRoutes, target: Target): Promise<readonly Finding[]> {
  const lists = await Promise.all(namespacesOf(shape, target).map((namespace) => listIn(api, namespace)));
  const [unread, objects]: [Finding[], KubernetesObject[]] = [[], []];
  for (const list of lists) {
    if ("level" in list) unread.push(list);
    else objects.push(...list);
  }
  return [...unread, ...rivalsOf(objects, chosen, target)];
}

async function listIn(
  { client, virtualServices }: IstioApi,
  namespace: string,
): Promise<readonly KubernetesObject[] | Finding> {
  try {
    return await client.list(virtualServices, namespace);
  } catch (error) {
    if (!(error instanceof KubernetesError && error.status === 403)) throw error;
    return {
      unseen: `VirtualServices of ${namespace}`,
      level: "note",
      what: `VirtualServices in ${namespace} may not be listed, so it is not known whether others send to the service, too.`,
    };
  }
}
