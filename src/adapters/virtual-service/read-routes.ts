import type { KubernetesObject } from "../../kubernetes/object.ts";
import { someOf } from "../../lib/some-of.ts";
import { type Finding, refuse } from "../../ports/preflight.ts";
import type { RouteChoice, Target } from "../../release/target.ts";
import { destinationWord, virtualServiceWord } from "./describe.ts";
import { destinationRoles } from "./destination-roles.ts";
import type { IstioApi } from "./istio-api.ts";
import { choicesOf } from "./movable-rule.ts";
import { ruleNamespace } from "./own-rule.ts";
import { type Selection, selectRules } from "./select-rules.ts";
import { type SubsetNeed, subsetNeed } from "./subset-need.ts";

/** A VirtualService of the release, and the routes in it that the release moves. */
export type ChosenRoutes = Selection & { readonly choice: RouteChoice; readonly object: KubernetesObject };

/** The routes of a target as they are now, and everything in them that forbids a release. */
export type PresentRoutes = {
  readonly chosen: readonly ChosenRoutes[];
  readonly subsets: SubsetNeed;
  readonly problems: readonly Finding[];
};

/** An object as it is, or as it should have been. */
export type Revision = (object: KubernetesObject) => KubernetesObject;

export async function readRoutes(
  api: IstioApi,
  target: Target,
  as: Revision = (object) => object,
): Promise<PresentRoutes> {
  const choices = [...new Map(choicesOf(target).map((choice) => [virtualServiceWord(choice), choice])).values()];
  const [objects, subsets] = await Promise.all([
    Promise.all(
      choices.map(async (choice) => ({
        choice,
        object: await api.client.get(api.virtualServices, choice.namespace, choice.name),
      })),
    ),
    readSubsets(api, target),
  ]);
  const chosen = objects.flatMap(({ choice, object }): readonly ChosenRoutes[] =>
    object ? [{ choice, object, ...selectRules(as(object), choice, target) }] : [],
  );
  const absent = objects.filter(({ object }) => !object).map(({ choice }) => choice);
  const problems = choiceProblems(target);
  problems.push(...(await Promise.all(absent.map((choice) => missing(api, choice)))));
  problems.push(...chosen.flatMap((one) => one.problems));
  if (subsets.problem) problems.push(subsets.problem);
  return { chosen, subsets, problems };
}

async function readSubsets({ client, destinationRules }: IstioApi, target: Target): Promise<SubsetNeed> {
  return subsetNeed(target.canary.subset ? await client.list(destinationRules, ruleNamespace(target)) : [], target);
}

async function missing({ client, virtualServices }: IstioApi, choice: RouteChoice): Promise<Finding> {
  const there = await client.list(virtualServices, choice.namespace);
  const names = there.map(({ metadata }) => metadata.name).sort();
  return refuse(
    `${virtualServiceWord(choice)} does not exist (in ${choice.namespace}: ${someOf(names, ", ", 10) || "none"}).`,
    "Correct its name and namespace; a release moves the weights of a VirtualService that is there.",
  );
}

/** What is wrong before anything is read. */
function choiceProblems(target: Target): Finding[] {
  const problems: Finding[] = [];
  const words = choicesOf(target).map(virtualServiceWord);
  if (words.length === 0)
    problems.push(
      refuse(
        `No VirtualService is named for ${target.namespace}/${target.service}.`,
        "Name the one that routes to the service.",
      ),
    );
  const twice = words.find((word, index) => words.indexOf(word) !== index);
  if (twice !== undefined)
    problems.push(refuse(`${twice} is named twice.`, "Name it once, with all the routes of it."));
  const { roleOf, canary, stable } = destinationRoles(target);
  if (roleOf(canary) === "stable")
    problems.push(
      refuse(
        `Stable and canary are the same destination: ${destinationWord(stable)}.`,
        "Give them different subsets, or different hosts.",
      ),
    );
  return problems;
}
