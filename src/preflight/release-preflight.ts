import { type KubernetesClient, KubernetesError } from "../adapters/kubernetes/kubernetes-client.ts";
import { ToldError, UnreachableError } from "../lib/errors.ts";
import type { Finding, Preflight } from "../ports/preflight.ts";
import type { Plan } from "../release/plan.ts";
import type { Target } from "../release/target.ts";
import type { Routes } from "../routes/routes.ts";
import { inspectAccess, looksAreAllowed, looksElsewhereAreAllowed } from "./access.ts";
import { inspectWaypoint } from "./ambient.ts";
import { otherServicesAreKnown, outsidersAreKnown, podsAreChosenByWeights } from "./beside-routes.ts";
import { inspectBystanders } from "./bystanders.ts";
import { connectionsAreJudged } from "./connections.ts";
import { controllersAreKnown } from "./controllers.ts";
import { inspectCopy } from "./copy.ts";
import { callersSeeRoutes } from "./egress.ts";
import { canaryServiceIsExported, routesAreExported } from "./exported.ts";
import { nobodyServes } from "./first-deployment.ts";
import { inspectManifest } from "./manifests.ts";
import { permissionsFor } from "./needed-permissions.ts";
import { oneFamilyForAHost } from "./one-family.ts";
import { ownersAreKnown } from "./owners.ts";
import { stableIsPinned } from "./pinning.ts";
import { inspectPlacement } from "./placement.ts";
import { nobodyElseIsReached, podsAreDisjoint, selectorsAreApart, subsetsAreClear } from "./pods-of-versions.ts";
import { policiesAreForBoth, policiesOfStableStay } from "./policies.ts";
import { portsAgree } from "./ports-agree.ts";
import {
  canaryCanCome,
  canaryCanGo,
  canaryIsClear,
  canaryIsNotPaused,
  namespaceExists,
  servicesExist,
  servicesSelect,
  stableExists,
} from "./presence.ts";
import {
  autoscalerOfStableStays,
  autoscalersAreKnown,
  disruptionBudgetsAreKnown,
  revisionsDiffer,
  stableKeepsTemplates,
  templateCanBePutBack,
} from "./scaling.ts";
import { readScene, type Scene, type SceneParts } from "./scene.ts";
import { portNamesExist, portsExist, portsSpeakProtocol } from "./service-ports.ts";
import { canaryGetsSidecar } from "./sidecars.ts";
import { nothingIsTerminating } from "./terminating.ts";
import { trafficPoliciesAreAlike } from "./traffic-policies.ts";
import {
  buildsAreOne,
  canaryHasRoom,
  canaryHasSeveralPods,
  followersAreKnown,
  imageIsNew,
  stableCanBeUpdated,
  stableIsHealthy,
} from "./versions.ts";
import { sceneWithManifests } from "./with-manifests.ts";

/** A question about what was read. Pure. */
type SceneCheck = (scene: Scene) => readonly Finding[];

const checks: readonly SceneCheck[] = [
  namespaceExists,
  servicesExist,
  servicesSelect,
  nothingIsTerminating,
  stableExists,
  nobodyServes,
  stableIsHealthy,
  stableCanBeUpdated,
  canaryCanCome,
  canaryCanGo,
  canaryIsClear,
  canaryIsNotPaused,
  subsetsAreClear,
  podsAreDisjoint,
  selectorsAreApart,
  nobodyElseIsReached,
  stableIsPinned,
  callersSeeRoutes,
  trafficPoliciesAreAlike,
  routesAreExported,
  canaryServiceIsExported,
  portsExist,
  portNamesExist,
  portsAgree,
  portsSpeakProtocol,
  connectionsAreJudged,
  oneFamilyForAHost,
  canaryGetsSidecar,
  imageIsNew,
  followersAreKnown,
  buildsAreOne,
  revisionsDiffer,
  templateCanBePutBack,
  stableKeepsTemplates,
  ownersAreKnown,
  controllersAreKnown,
  looksAreAllowed,
  looksElsewhereAreAllowed,
];

/** … and about what will be from when the manifests are applied, beside what is now. */
const checksWithManifests: readonly ((future: Scene, now: Scene) => readonly Finding[])[] = [
  otherServicesAreKnown,
  outsidersAreKnown,
  podsAreChosenByWeights,
  policiesAreForBoth,
  policiesOfStableStay,
  canaryHasRoom,
  canaryHasSeveralPods,
  autoscalersAreKnown,
  autoscalerOfStableStays,
  disruptionBudgetsAreKnown,
];

export type PreflightParts = {
  readonly client: KubernetesClient;
  readonly routes: Pick<Routes, "permissions" | "look">;
  readonly target: Target;
  readonly plan: Plan;
  readonly firstDeploy: boolean;
  /** The version that serves is what is wrong. */
  readonly undo: boolean;
  /** The roles are not the configuration's any more. */
  readonly exchanged: boolean;
  /** Who answered requests of the service lately. */
  readonly answerers: SceneParts["answerers"];
  /** What only the metric source can say about its own. */
  readonly others: readonly Preflight[];
};

/** Looks at everything before a release, all at once, and tells everything that was found: what forbids it first. */
export function releasePreflight(parts: PreflightParts): Preflight {
  const { client, target, plan, routes } = parts;
  return {
    async inspect() {
      const look = routes.look(target);
      const scene = readScene({ ...parts, look });
      const [access, ...answers] = await Promise.all([
        inspectAccess(client, permissionsFor(target, plan, routes.permissions)),
        answerOf(async () => inspectScene(await scene)),
        ...manifestsOf(target).map((manifest) =>
          answerOf(async () => inspectManifest({ client, scene: await scene }, manifest)),
        ),
        answerOf(async () => inspectCopy(client, await scene)),
        answerOf(async () => inspectWaypoint(client, await scene)),
        answerOf(async () => inspectPlacement(client, await scene)),
        answerOf(() => look.inspect(plan)),
        answerOf(() => inspectBystanders({ ...parts, look })),
        ...parts.others.map((other) => answerOf(() => other.inspect())),
      ]);
      return inOrder([...access, ...answers.flatMap((answer) => unlessExplained(access, answer))]);
    },
  };
}

/** Without the namespace everything else is missing as well, and one sentence says it. */
function inspectScene(scene: Scene): readonly Finding[] {
  if (scene.namespace === undefined) return namespaceExists(scene);
  const future = sceneWithManifests(scene);
  return [...checks.flatMap((check) => check(scene)), ...checksWithManifests.flatMap((check) => check(future, scene))];
}

const manifestsOf = ({ source }: Target): readonly Readonly<Record<string, unknown>>[] =>
  source.from === "manifests" ? source.objects : [];

type InspectionResult = readonly Finding[] | ToldError;

/**
 * What the other side refused is a finding as well. One that does not answer at all is no state of the cluster: that
 * rejects.
 */
async function answerOf(look: () => Promise<readonly Finding[]>): Promise<InspectionResult> {
  try {
    return await look();
  } catch (error) {
    if (error instanceof ToldError && !(error instanceof UnreachableError)) return error;
    throw error;
  }
}

/** A look that was forbidden needs no words of its own where the missing permission is named already. */
function unlessExplained(access: readonly Finding[], answer: InspectionResult): readonly Finding[] {
  if (!(answer instanceof ToldError)) return answer;
  const isForbidden = answer instanceof KubernetesError && answer.status === 403;
  if (isForbidden && access.some(({ level }) => level === "refuse")) return [];
  return [{ level: "refuse", what: answer.message, next: answer.next }];
}

const levels = ["refuse", "warn", "note"] as const;

/** What forbids the release first; nothing twice. */
function inOrder(findings: readonly Finding[]): readonly Finding[] {
  const distinct = [...new Map(findings.toReversed().map((finding) => [finding.what, finding])).values()].toReversed();
  return levels.flatMap((level) => distinct.filter((finding) => finding.level === level));
}
