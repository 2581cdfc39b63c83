import type { WrittenRule } from "../../istio/envoy-config.ts";
import { lastWriter } from "../../kubernetes/last-writer.ts";
import { isTerminating, type KubernetesObject } from "../../kubernetes/object.ts";
import { DeniedError, StrayedError } from "../../lib/errors.ts";
import { someOf } from "../../lib/some-of.ts";
import type { Fence } from "../../ports/fence.ts";
import type { MovedRoute } from "../../ports/route-family.ts";
import type { Aim } from "../../release/aim.ts";
import type { Clock } from "../../world/clock.ts";
import { fieldManager } from "../kubernetes/api-server.ts";
import { edit, maxOvertaken, maxWrites, patchWrite, type Write } from "../kubernetes/edit.ts";
import type { KubernetesError } from "../kubernetes/kubernetes-client.ts";
import { writtenBy } from "../kubernetes/written-by.ts";
import { additionWord, isChanged } from "./added-rules.ts";
import type { ObjectBefore } from "./before.ts";
import { objectWord, ruleWord, splitWord } from "./describe.ts";
import { destinationRoles, servedBy, type VersionPair } from "./destination-roles.ts";
import { changesCookies, changesCopies, isMoved, patchOf } from "./patch.ts";
import { type Move, planMoves, plannedDestinations, type RoutePlan } from "./plan-moves.ts";
import type { RouteStore } from "./read-routes.ts";

/** What a release needs to move an object. */
export type MovedRouteOptions = {
  readonly store: RouteStore;
  readonly clock: Clock;
  readonly pair: VersionPair;
  readonly before: ObjectBefore;
  readonly fence: Fence;
  /**
   * Resolves when what was written is followed, for kinds whose followers say so, or when it need not be any more.
   * Rejects with DeniedError or UnreachableError. A way back is not held up by it.
   */
  readonly followed?: (object: KubernetesObject, superseded: AbortSignal) => Promise<void>;
  /** Who does not follow it as it is, and why: weights that nobody follows are none. */
  readonly refused?: (object: KubernetesObject) => readonly string[];
};

/** Moves the weights of one of the user's own objects by JSON Patches, and changes nothing else in it. */
export function movedRoute({ store, clock, pair, before, fence, followed, refused }: MovedRouteOptions): MovedRoute {
  const { client, resource, shape } = store;
  const word = objectWord(shape, before);
  /** As it was read after this job's last write that went on; undefined when there was none. */
  let written: KubernetesObject | undefined;
  const read = (): Promise<KubernetesObject | undefined> => client.get(resource, before.namespace, before.name);

  /** What was deleted needs no giving back, and must not keep a rollback from going on; `differences` tells it. */
  function planFor(object: KubernetesObject | undefined, aim: Aim): RoutePlan {
    if (!object) {
      if (aim.to === "before") return { moves: [], additions: [], unknown: [], troubles: [] };
      throw new DeniedError(`${word} was deleted during the release.`, {
        next: "Apply it again, then run the release again.",
      });
    }
    const plan = planMoves(shape, object, before, pair, aim);
    const { troubles } = plan;
    if (troubles.length === 0 || aim.to === "before") return plan;
    throw new DeniedError(`${word} was changed during the release: ${someOf(troubles)}.`, {
      next: "Put the routes back as they were, then run the release again.",
    });
  }

  function patchTo(object: KubernetesObject | undefined, aim: Aim): Write | undefined {
    const plan = planFor(object, aim);
    return object && patchWrite(client, resource, object, patchOf(plan));
  }

  return {
    async reach(aim, superseded, from) {
      const isBack = aim.to === "before";
      let writes = 0;
      const plan = (object: KubernetesObject | undefined): Write | undefined => {
        if (superseded.aborted) return undefined;
        const write = patchTo(object, aim);
        if (write && object && from) assertAsWritten(object, from);
        if (write) writes++;
        return write;
      };
      const reached = await edit(clock, {
        read,
        plan,
        fence: isBack ? fence.back : fence.forward,
        proven: true,
        refused: (error, object) => denied(word, planFor(object, aim).moves, error),
        contested: (error, object) => contested(word, planFor(object, aim).moves, object, error),
      });
      written = isBack || writes === 0 ? undefined : reached;
      if (followed && reached && !isBack) await followed(reached, superseded);
    },
    async takeBack() {
      await patchTo(written, { to: "before" })?.send();
      written = undefined;
    },
    async splits() {
      const { moves } = planFor(await read(), { to: "before" });
      return moves.map(({ rule }) => `${word} ${ruleWord(shape, rule)}: ${splitWord(rule.destinations)}`);
    },
    async written() {
      const object = await read();
      const { moves, additions } = planFor(object, { to: "before" });
      const moved = new Set(moves.map(({ rule }) => rule.path));
      const added = additions.flatMap(({ now }) => now ?? []);
      const origin = shape.originOf?.(before);
      return (object ? shape.rulesOf(object) : []).map(({ path, section, destinations, match }): WrittenRule => {
        const isAdded = added.some((rule) => rule.path === path) && !isForSome(match);
        return { section, origin, destinations, is: moved.has(path) ? "moved" : isAdded ? "added" : "other" };
      });
    },
    async serving() {
      const versions = destinationRoles(shape, pair);
      const { moves, additions, unknown } = planFor(await read(), { to: "before" });
      const rules = [...moves.map(({ rule }) => rule), ...additions.flatMap(({ now }) => now ?? []), ...unknown];
      return rules.flatMap((rule) => servedBy(rule, versions));
    },
    async differences(aim, next) {
      const object = await read();
      if (!object) return [`${word} is gone: somebody else deleted it`];
      const differences = differencesOf(object, aim);
      const astray = next && differencesOf(object, next).length === 0 ? [] : differences;
      // What it is given back to is not asked of: whoever refuses that has refused it before.
      const unfollowed = aim.to === "split" ? (refused?.(object) ?? []) : [];
      return [...astray, ...unfollowed.map((because) => `${word} is not followed any more (${because})`)];
    },
  };

  /** The version that is written over is the one that is read here, so nobody comes in between. */
  function assertAsWritten(object: KubernetesObject, from: readonly Aim[]): void {
    const [differences = [], ...others] = from.map((aim) => differencesOf(object, aim));
    if (differences.length > 0 && others.every(({ length }) => length > 0)) throw new StrayedError(someOf(differences));
  }

  function differencesOf(object: KubernetesObject, aim: Aim): readonly string[] {
    const { moves, additions, troubles } = planMoves(shape, object, before, pair, aim);
    const by = writtenBy(object);
    const different = [...moves.filter(isMoved).map(changeWord), ...additions.filter(isChanged).map(additionWord)];
    const going = isTerminating(object) ? [`${word} is being deleted`] : [];
    return [
      ...going,
      ...troubles.map((trouble) => `${word} ${trouble}`),
      ...different.map((change) => `${word} ${change}${by}`),
    ];
  }
}

/** Not every proxy has such a rule. */
const isForSome = (match: unknown): boolean =>
  /"(sourceLabels|sourceNamespace|gateways)":/.test(JSON.stringify(match) ?? "");

const plannedWord = (move: Move): string => splitWord(plannedDestinations(move));

function changeWord(move: Move): string {
  const [is, should] = [splitWord(move.rule.destinations), plannedWord(move)];
  const words = is === should ? [] : [`${is} instead of ${should}`];
  if (changesCookies(move)) words.push("its cookies are others than the release set");
  if (changesCopies(move)) words.push("its mirrors are others than the release left it");
  return `${ruleWord(move.shape, move.rule)}: ${words.join(", ")}`;
}

const wishWord = (moves: readonly Move[]): string =>
  someOf(
    moves.map((move) => `${ruleWord(move.shape, move.rule)}: ${plannedWord(move)}`),
    "; ",
    3,
  );

const denied = (word: string, moves: readonly Move[], error: KubernetesError): DeniedError =>
  new DeniedError(`${word} could not be written (${wishWord(moves)}): ${error.message}`, {
    cause: error,
    next: error.next,
  });

function contested(
  word: string,
  moves: readonly Move[],
  object: KubernetesObject | undefined,
  cause: KubernetesError | undefined,
): DeniedError {
  const writer = object && lastWriter(object, fieldManager);
  const by = writer === undefined ? "" : `: ${writer} writes it, too`;
  const tried = cause
    ? `was changed between reading and writing it, ${maxOvertaken} times,`
    : `was written ${maxWrites} times`;
  return new DeniedError(`${word} ${tried} and is still not as it should be (${wishWord(moves)})${by}.`, {
    next: "Stop whatever else writes it while a release runs: a GitOps sync, another release, a controller.",
    cause,
  });
}
