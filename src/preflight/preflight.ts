import { KubernetesError } from "../adapters/kubernetes/kubernetes-client.ts";
import { ToldError, UnreachableError } from "../lib/errors.ts";
import type { Finding, Preflight } from "../ports/preflight.ts";
import { inspectAccess } from "./access.ts";
import { autoscalersAreKnown, disruptionBudgetsAreKnown, revisionsDiffer } from "./autoscalers.ts";
import {
  canaryCanCome,
  canaryIsClear,
  namespaceExists,
  servicesExist,
  servicesSelect,
  stableExists,
} from "./objects.ts";
import { ownersAreKnown } from "./owners.ts";
import { stableIsPinned } from "./pinning.ts";
import { nobodyElseIsReached, podsAreDisjoint, subsetsAreClear } from "./pods-of-versions.ts";
import { portNamesExist, portsExist, portsSpeakHttp } from "./ports.ts";
import { readScene, type Scene, type SceneParts } from "./scene.ts";
import { canaryGetsSidecar } from "./sidecars.ts";
import { canaryHasRoom, imageIsNew, stableCanBeUpdated, stableIsHealthy } from "./versions.ts";

/** A question about what was read. Pure. */
type Check = (scene: Scene) => readonly Finding[];

const checks: readonly Check[] = [
  namespaceExists,
  servicesExist,
  servicesSelect,
  stableExists,
  stableIsHealthy,
  stableCanBeUpdated,
  canaryCanCome,
  canaryIsClear,
  subsetsAreClear,
  podsAreDisjoint,
  nobodyElseIsReached,
  stableIsPinned,
  portsExist,
  portNamesExist,
  portsSpeakHttp,
  canaryGetsSidecar,
  canaryHasRoom,
  imageIsNew,
  autoscalersAreKnown,
  disruptionBudgetsAreKnown,
  revisionsDiffer,
  ownersAreKnown,
];

/** `others`: what only the router and the metric source can say about their own. */
export type PreflightParts = SceneParts & { readonly others: readonly Preflight[] };

/** Looks at everything before a release, all at once, and tells everything that was found: what forbids it first. */
export function preflight(parts: PreflightParts): Preflight {
  return {
    async inspect() {
      const [access, own, ...others] = await Promise.all([
        inspectAccess(parts.client, parts.target, parts.plan),
        inspectScene(parts),
        ...parts.others.map((other) => toldBy(() => other.inspect())),
      ]);
      return inOrder([
        ...access,
        ...unlessExplained(access, own),
        ...others.flatMap((found) => unlessExplained(access, found)),
      ]);
    },
  };
}

const inspectScene = (parts: SceneParts): Promise<Told> =>
  toldBy(async () => {
    const scene = await readScene(parts);
    // Without the namespace everything else is missing as well, and one sentence says it.
    return scene.namespace === undefined ? namespaceExists(scene) : checks.flatMap((check) => check(scene));
  });

type Told = readonly Finding[] | ToldError;

/** What the other side refused is a finding as well. One that does not answer at all is no state of the cluster: that rejects. */
async function toldBy(look: () => Promise<readonly Finding[]>): Promise<Told> {
  try {
    return await look();
  } catch (error) {
    if (error instanceof ToldError && !(error instanceof UnreachableError)) return error;
    throw error;
  }
}

/** A look that was forbidden needs no words of its own where the missing permission is named already. */
function unlessExplained(access: readonly Finding[], found: Told): readonly Finding[] {
  if (!(found instanceof ToldError)) return found;
  if (found instanceof KubernetesError && found.status === 403 && access.some(({ level }) => level === "refuse"))
    return [];
  return [{ level: "refuse", what: found.message, ...(found.next === undefined ? {} : { next: found.next }) }];
}

const levels = ["refuse", "warn", "note"] as const;

/** What forbids the release first; nothing twice. */
function inOrder(findings: readonly Finding[]): readonly Finding[] {
  const distinct = [...new Map(findings.toReversed().map((finding) => [finding.what, finding])).values()].toReversed();
  return levels.flatMap((level) => distinct.filter((finding) => finding.level === level));
}
