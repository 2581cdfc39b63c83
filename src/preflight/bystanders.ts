import type { KubernetesClient } from "../adapters/kubernetes/kubernetes-client.ts";
import { unlessForbidden } from "../adapters/kubernetes/unless-forbidden.ts";
import { covers, nameFrom, readHost, sameHost } from "../istio/host.ts";
import { resources } from "../kubernetes/object.ts";
import { isPodOf, type Pod, readPod } from "../kubernetes/pod.ts";
import { asQuery, carries, type Labels } from "../kubernetes/selector.ts";
import type { Bystanders } from "../ports/bystanders.ts";
import { type Finding, refuse, unseen, warn } from "../ports/preflight.ts";
import type { RouteLook } from "../ports/route-family.ts";
import type { Plan } from "../release/plan.ts";
import { kindsAmong } from "../release/route-kind.ts";
import { roles, type Target } from "../release/target.ts";
import { routeKindWords } from "../words/route-kind-words.ts";
import { doubledIn } from "./doubled.ts";
import { listed } from "./finding.ts";
import { type Neighbourhood, neighbourhoodWithManifests, readNeighbourhood } from "./neighbourhood.ts";
import { type Bystander, lostBehind, type StrandedQuestion, strandedIn } from "./stranded.ts";

type BystanderParts = {
  readonly client: KubernetesClient;
  readonly look: Pick<RouteLook, "everywhere">;
  readonly target: Target;
};

/** `exchanged`: the roles are not the configuration's any more. */
type ReleaseWay = { readonly plan: Plan; readonly undo: boolean; readonly exchanged: boolean };

/** Whom a swap would leave without pods, before it begins. */
export async function inspectBystanders(parts: BystanderParts & ReleaseWay): Promise<readonly Finding[]> {
  const { target, plan, undo } = parts;
  if (plan.promotion !== "swap") return [];
  const around = neighbourhoodWithManifests(await readNeighbourhood(parts.client, parts.look, target));
  const doubled = doubledIn(around).map(({ what, next }) => (undo ? warn(what, undoGoesOn) : refuse(what, next)));
  if (plan.keepOld && plan.keepFor === undefined) return doubled;
  const stranded = await withoutOtherPods(parts, around, { loser: "stable", moving: true });
  return [...stranded.map((one) => findingOn(one, parts)), ...doubled, ...calledByName(around), ...unreadIn(around)];
}

const undoGoesOn = "The undo goes on.";

function findingOn(one: Bystander, { target, plan, undo, exchanged }: { target: Target } & ReleaseWay): Finding {
  const { deployment } = target.stable;
  const what = `${one.where} ${one.does}, and does not move with the release: without the pods of ${deployment} nobody would answer.`;
  if (undo) return warn(what, `${undoGoesOn} ${deployment} keeps its pods for it.`);
  const [self, ways] = "do" in one.remedy ? [one.remedy.do, "Or keep"] : [`${one.remedy.cannot}.`, "Keep"];
  if (plan.keepOld) return warn(what, `${self} As long as it is so, ${deployment} keeps its pods.`);
  const roles = exchanged ? ", with stable and canary exchanged in the configuration" : "";
  return refuse(
    what,
    `${self} ${ways} the old pods after the swap (promotion: { model: swap, keepOld: true }), or give stable the new image instead (promotion: update${roles}).`,
  );
}

/**
 * Where versions differ by host, and stable has the service's own name: who calls that in the mesh is moved only by a
 * route for the mesh.
 */
function calledByName(around: Neighbourhood): readonly Finding[] {
  const { target, facts } = around;
  const { service, namespace, stable } = target;
  const host = readHost(service, namespace);
  if (stable.subset !== undefined || !sameHost(host, readHost(stable.host, namespace))) return [];
  if (!lostBehind(around, { host, subset: undefined, port: undefined }, "stable")) return [];
  const isMoved = facts.some(
    ({ moves, seenBy }) =>
      moves && seenBy.some(({ who, hosts }) => who === "mesh" && hosts.some((one) => covers(one, host))),
  );
  if (isMoved) return [];
  const elsewhere = target.routes.find((route) => route.namespace !== namespace)?.namespace;
  const name = elsewhere === undefined ? service : nameFrom(elsewhere, host);
  const ways = kindsAmong(target.routes).map((kind) => routeKindWords[kind].toMesh(name));
  return [
    warn(
      `No route of the release is for clients in the mesh that call ${service} directly: after the swap nobody would answer them, since Service ${namespace}/${service} selects the pods of ${stable.deployment} alone.`,
      `If there are such clients, ${ways.join(", or ")}, or keep the old pods (keepOld).`,
    ),
  ];
}

function unreadIn({ unread, target }: Neighbourhood): readonly Finding[] {
  if (unread.length === 0) return [];
  return [
    unseen(
      listed(unread),
      warn(
        `This job may not list ${listed(unread)}, so it is not known whether somebody there sends to ${target.stable.deployment} alone: after the swap nobody would answer.`,
        "Give it the ClusterRole of docs/rbac.yaml, or look yourself: kubectl get virtualservices -A.",
      ),
    ),
  ];
}

/**
 * Those who reach the canary's pods alone before the release, or by its own manifests, for the journal: without the
 * canary nobody answers them, then as now.
 */
export async function bystandersBefore(parts: BystanderParts): Promise<readonly string[]> {
  const around = await unlessForbidden(readNeighbourhood(parts.client, parts.look, parts.target));
  if (!around) return [];
  return strandedIn(neighbourhoodWithManifests(around), { loser: "canary", moving: true }).map(wordOf);
}

/** `before` is what `bystandersBefore` gave; undefined where nobody looked, and then nobody is held to be new. */
type BystandersOfRelease = BystanderParts & {
  readonly before: readonly string[] | undefined;
  /** The canary had pods before the release, and has them again after it. */
  readonly canaryStays: boolean;
};

/** The last question before pods are taken. */
export const bystandersOf = (parts: BystandersOfRelease): Bystanders => ({
  async strandedWithout(loser) {
    const { before, canaryStays } = parts;
    if (loser === "canary" && (canaryStays || !before)) return [];
    const around = await unlessForbidden(readNeighbourhood(parts.client, parts.look, parts.target));
    if (!around) return [];
    const stranded = (await withoutOtherPods(parts, around, { loser, moving: false })).map(wordOf);
    if (loser === "canary") return stranded.filter((one) => !before?.includes(one));
    return stranded;
  },
});

const wordOf = ({ where, does }: Bystander): string => `${where} ${does}`;

/** Pods of neither version may answer as well: of a StatefulSet, of another Deployment. */
async function withoutOtherPods(
  { client, target }: BystanderParts,
  around: Neighbourhood,
  question: StrandedQuestion,
): Promise<readonly Bystander[]> {
  const stranded = strandedIn(around, question);
  const areAlone = await Promise.all(
    stranded.map(async ({ selected }) => !(await othersAnswer(client, target, selected))),
  );
  return stranded.filter((_, index) => areAlone[index]);
}

async function othersAnswer(client: KubernetesClient, target: Target, selected: Labels): Promise<boolean> {
  const labelSelector = asQuery({ matchLabels: selected, matchExpressions: [] });
  const pods = (await client.list(resources.pods, target.namespace, { labelSelector })).map(readPod);
  const isOther = (pod: Pod): boolean => roles.every((role) => !isPodOf(target[role].deployment, pod));
  return pods.some((pod) => pod.ready && !pod.terminating && carries(pod.labels, selected) && isOther(pod));
}
