import type { KubernetesObject } from "../../kubernetes/object.ts";
import { DeniedError, tell, UnreachableError } from "../../lib/errors.ts";
import type { Router } from "../../ports/router.ts";
import type { Target } from "../../release/target.ts";
import type { Clock } from "../../world/clock.ts";
import { fieldManager } from "../kubernetes/api-server.ts";
import { type KubernetesClient, KubernetesError } from "../kubernetes/kubernetes-client.ts";
import { lastWriter, virtualServicesOf } from "./api.ts";
import type { RoutesBefore, VirtualServiceBefore } from "./before.ts";
import { routeWord, someOf, splitWord, virtualServiceWord } from "./describe.ts";
import { ownSubsets } from "./own-subsets.ts";
import { patchOf } from "./patch.ts";
import { type Aim, aimAt, type Move, planMoves, plannedDestinations } from "./plan-moves.ts";
import type { SubsetLabels } from "./subset-need.ts";

export type VirtualServiceRouterOptions = {
  readonly client: KubernetesClient;
  readonly clock: Clock;
  readonly target: Target;
  /** From `captureRoutes`, or from the journal of the release that is carried on. */
  readonly before: RoutesBefore;
  /** Asked only when a subset is missing and the target does not say the labels itself. */
  readonly subsetLabels: SubsetLabels;
};

const maxTries = 5;

/** Moves the weights of the user's own VirtualServices, one JSON Patch for each, and changes nothing else in them. */
export function virtualServiceRouter({
  client,
  clock,
  target,
  before,
  subsetLabels,
}: VirtualServiceRouterOptions): Router {
  const resource = virtualServicesOf(before.version);
  const subsets = ownSubsets(client, before, target, subsetLabels);
  const read = (one: VirtualServiceBefore): Promise<KubernetesObject | undefined> =>
    client.get(resource, one.namespace, one.name);

  /** The newest wish alone is pursued: a stopped job may leave a write under way, and the rollback after it must not be undone. */
  let newest: Aim | undefined;
  let underWay: Promise<void> | undefined;

  /** Reads, plans and writes until a reading shows that nothing is left to write: one read, one write, and the proof. */
  async function reach(one: VirtualServiceBefore, aim: Aim): Promise<void> {
    let refused: { readonly patch: string; readonly error: KubernetesError } | undefined;
    for (let tries = 0; ; tries++) {
      const object = await read(one);
      if (aim !== newest) return;
      const moves = movesFor(object, one, aim);
      const body = patchOf(moves);
      if (body.length === 0) return;
      const patch = JSON.stringify(body);
      // Nothing that the patch tests has changed since it was refused, so it is the patch that is wrong.
      if (refused?.patch === patch) throw denied(one, moves, refused.error);
      if (tries === maxTries) throw contested(one, moves, object, refused?.error);
      refused = undefined;
      try {
        await client.patch(resource, one.namespace, one.name, { type: "json", body });
      } catch (error) {
        if (!(error instanceof KubernetesError)) throw error;
        if (![404, 409, 422].includes(error.status)) throw denied(one, moves, error);
        if (error.status === 422) refused = { patch, error };
        await clock.sleepUntil(clock.now() + 20 * 2 ** tries);
      }
    }
  }

  /** What was deleted needs no giving back, and must not keep a rollback from going on; `differences` tells it. */
  function movesFor(object: KubernetesObject | undefined, one: VirtualServiceBefore, aim: Aim): readonly Move[] {
    if (!object) {
      if (aim.to === "before") return [];
      throw new DeniedError(`${virtualServiceWord(one)} was deleted during the release.`, {
        next: "Apply it again, then run the release again.",
      });
    }
    const { moves, troubles } = planMoves(object, one, target, aim);
    if (troubles.length === 0 || aim.to === "before") return moves;
    throw new DeniedError(`${virtualServiceWord(one)} was changed during the release: ${someOf(troubles)}.`, {
      next: "Put the routes back as they were, then run the release again.",
    });
  }

  async function compare(one: VirtualServiceBefore, aim: Aim): Promise<readonly string[]> {
    const object = await read(one);
    if (!object) return [`${virtualServiceWord(one)} is gone: somebody else deleted it`];
    const { moves, troubles } = planMoves(object, one, target, aim);
    const writer = lastWriter(object, fieldManager);
    const different = moves.filter((move) => patchOf([move]).length > 0);
    return [
      ...troubles.map((trouble) => `${virtualServiceWord(one)} ${trouble}`),
      ...different.map(
        (move) =>
          `${virtualServiceWord(one)} ${changeWord(move)}${writer === undefined ? "" : `, written by ${writer}`}`,
      ),
    ];
  }

  const compareAll = async (aim: Aim): Promise<readonly string[]> =>
    (await Promise.all(before.virtualServices.map((one) => compare(one, aim)))).flat();

  async function inOrder(aim: Aim): Promise<void> {
    newest = aim;
    for (const one of before.virtualServices) await reach(one, aim);
  }

  function forward(aim: Aim): Promise<void> {
    const work = inOrder(aim);
    const ended: Promise<void> = work
      .catch(() => undefined)
      .then(() => {
        if (underWay === ended) underWay = undefined;
      });
    underWay = ended;
    return work;
  }

  /** At once, and once more when a write that was under way has ended: it may have landed after the first look. */
  async function back(): Promise<void> {
    const aim: Aim = { to: "before" };
    newest = aim;
    const earlier = underWay;
    await atOnce(aim);
    if (!earlier) return;
    await earlier;
    await atOnce(aim);
  }

  /** Traffic back first: one VirtualService that refuses must not keep the others from being given back. */
  async function atOnce(aim: Aim): Promise<void> {
    const results = await Promise.allSettled(before.virtualServices.map((one) => reach(one, aim)));
    const errors = results.flatMap((result) => (result.status === "rejected" ? [result.reason as unknown] : []));
    if (errors.length > 0) throw joined(errors);
  }

  return {
    prepare: () => subsets.add(),
    write: ({ canary }) => forward(aimAt(canary)),
    async drift({ canary }) {
      const found = await compareAll(aimAt(canary));
      return found.length === 0 ? undefined : someOf(found, "; ", 3);
    },
    finish: (winner) => (winner === "stable" ? back() : forward({ to: "swapped" })),
    // After a swap the routes name the canary's subset, so it has to stay.
    cleanUp: async (winner) => (winner === "stable" ? subsets.remove() : undefined),
    async differences(winner) {
      const found = await Promise.all([
        compareAll(winner === "stable" ? { to: "before" } : { to: "swapped" }),
        subsets.differences(winner),
      ]);
      return found.flat();
    },
  };
}

const plannedWord = (move: Move): string => splitWord(plannedDestinations(move));

const changeWord = (move: Move): string =>
  `${routeWord(move.rule)}: ${splitWord(move.rule.destinations)} instead of ${plannedWord(move)}`;

const wishWord = (moves: readonly Move[]): string =>
  someOf(
    moves.map((move) => `${routeWord(move.rule)}: ${plannedWord(move)}`),
    "; ",
    3,
  );

/** Policies and webhooks answer 403, too; only Kubernetes's own authorization says which verb is missing. */
const lacksPermission = ({ status, message }: KubernetesError): boolean =>
  status === 403 && message.includes("cannot patch resource");

const denied = (one: VirtualServiceBefore, moves: readonly Move[], error: KubernetesError): DeniedError =>
  new DeniedError(`${virtualServiceWord(one)} could not be written (${wishWord(moves)}): ${error.message}`, {
    cause: error,
    ...(lacksPermission(error)
      ? { next: "Give the job's service account the verb patch on virtualservices in that namespace." }
      : {}),
  });

function contested(
  one: VirtualServiceBefore,
  moves: readonly Move[],
  object: KubernetesObject | undefined,
  cause: KubernetesError | undefined,
): DeniedError {
  const writer = object && lastWriter(object, fieldManager);
  return new DeniedError(
    `${virtualServiceWord(one)} was written ${maxTries} times and is still not as it should be (${wishWord(moves)})${writer === undefined ? "" : `: ${writer} writes it, too`}.`,
    {
      next: "Stop whatever else writes it while a release runs: a GitOps sync, another release, a controller.",
      ...(cause ? { cause } : {}),
    },
  );
}

/** Several failures in one: lasting if any of them is. */
function joined(errors: readonly unknown[]): unknown {
  const [only, ...more] = errors;
  if (more.length === 0) return only;
  const message = errors.map(tell).join("; ");
  return errors.every((error) => error instanceof UnreachableError)
    ? new UnreachableError(message, { cause: only })
    : new DeniedError(message, { cause: only });
}
