import type { KubernetesObject, Resource } from "../../kubernetes/object.ts";
import { RefusedError } from "../../lib/errors.ts";
import { someOf } from "../../lib/some-of.ts";
import { type Finding, refuse, unseen } from "../../ports/preflight.ts";
import type { RouteChoice, Target } from "../../release/target.ts";
import type { KubernetesClient } from "../kubernetes/kubernetes-client.ts";
import { destinationWord, objectWord } from "./describe.ts";
import { destinationRoles } from "./destination-roles.ts";
import { choicesOf } from "./movable-rule.ts";
import type { RouteShape } from "./route-shape.ts";
import { type Selection, selectRules } from "./select-rules.ts";

/** An object of the release, and the rules in it that the release moves. */
export type ChosenRoutes = Selection & { readonly choice: RouteChoice; readonly object: KubernetesObject };

/** The routes of a target as they are now, and everything in them that forbids a release. */
export type PresentRoutes = {
  readonly chosen: readonly ChosenRoutes[];
  readonly problems: readonly Finding[];
};

/** An object as it is, or as it should have been. */
export type Revision = (object: KubernetesObject) => KubernetesObject;

/** Where objects of a kind are kept. */
export type RouteStore = {
  readonly client: KubernetesClient;
  readonly resource: Resource;
  readonly shape: RouteShape;
};

export async function readRoutes(
  store: RouteStore,
  target: Target,
  as: Revision = (object) => object,
): Promise<PresentRoutes> {
  const { client, resource, shape } = store;
  const choices = [...new Map(choicesOf(shape, target).map((choice) => [objectWord(shape, choice), choice])).values()];
  const objects = await Promise.all(
    choices.map(async (choice) => ({ choice, object: await client.get(resource, choice.namespace, choice.name) })),
  );
  const chosen = objects.flatMap(({ choice, object }): readonly ChosenRoutes[] =>
    object ? [{ choice, object, ...selectRules(shape, as(object), choice, target) }] : [],
  );
  const absent = objects.filter(({ object }) => !object).map(({ choice }) => choice);
  const problems = choiceProblems(shape, target);
  problems.push(...(await Promise.all(absent.map((choice) => missing(store, choice)))));
  problems.push(...chosen.flatMap((one) => one.problems));
  return { chosen, problems };
}

/** Nothing is begun that cannot be moved: rejects with every reason at once. */
export function assertMovable(problems: readonly Finding[]): void {
  if (problems.length > 0) throw new RefusedError(problems.map(({ what, next }) => `${what} ${next ?? ""}`.trimEnd()));
}

async function missing({ client, resource, shape }: RouteStore, choice: RouteChoice): Promise<Finding> {
  const there = await client.list(resource, choice.namespace);
  const names = there.map(({ metadata }) => metadata.name).sort();
  return unseen(
    objectWord(shape, choice),
    refuse(
      `${objectWord(shape, choice)} does not exist (in ${choice.namespace}: ${someOf(names, ", ", 10) || "none"}).`,
      `Correct its name and namespace; a release moves the weights of a ${shape.kind} that is there.`,
    ),
  );
}

/** What is wrong before anything is read. */
function choiceProblems(shape: RouteShape, target: Target): Finding[] {
  const problems: Finding[] = [];
  const words = choicesOf(shape, target).map((choice) => objectWord(shape, choice));
  if (words.length === 0)
    problems.push(
      refuse(
        `No ${shape.kind} is named for ${target.namespace}/${target.service}.`,
        "Name the one that routes to the service.",
      ),
    );
  const twice = words.find((word, index) => words.indexOf(word) !== index);
  if (twice !== undefined)
    problems.push(refuse(`${twice} is named twice.`, `Name it once, with all the ${shape.words.rule}s of it.`));
  const { roleOf, canary, stable } = destinationRoles(shape, target);
  if (roleOf(canary) === "stable")
    problems.push(
      refuse(
        `Stable and canary are the same destination: ${destinationWord(stable)}.`,
        "Give them different subsets, or different hosts.",
      ),
    );
  return problems;
}
