import type { KubernetesObject } from "../../kubernetes/object.ts";
import { DeniedError } from "../../lib/errors.ts";
import type { Target } from "../../release/target.ts";
import { type KubernetesClient, KubernetesError } from "../kubernetes/client.ts";
import { destinationRulesOf } from "./api.ts";
import type { RoutesBefore } from "./before.ts";
import type { Role } from "./role.ts";
import type { Raw } from "./rule.ts";
import {
  covers,
  isOurs,
  ownRule,
  ownRuleName,
  ruleNamespace,
  ruleWord,
  type SubsetLabels,
  subsetNeed,
  subsetsFor,
  subsetsOf,
} from "./subset.ts";

export interface OwnSubsets {
  /** Adds the subsets that were missing when the release began. */
  add(): Promise<void>;
  /** Takes them away again; a DestinationRule of ours without subsets goes, too. */
  remove(): Promise<void>;
  /** What is not as it should be after a release that `winner` won. */
  differences(winner: Role): Promise<readonly string[]>;
}

const maxTries = 5;

/** The DestinationRule of our own for one service. */
export function ownSubsets(
  client: KubernetesClient,
  { version, missingSubsets }: RoutesBefore,
  target: Target,
  labelsOf: SubsetLabels,
): OwnSubsets {
  const resource = destinationRulesOf(version);
  const namespace = ruleNamespace(target);
  const name = ownRuleName(target.service);
  const names = missingSubsets.flatMap((role) => target[role].subset ?? []);
  const has = (rule: KubernetesObject, subset: string | undefined): boolean =>
    subsetsOf(rule).some((one) => one.name === subset);

  async function addOnce(): Promise<void> {
    const rules = await client.list(resource, namespace);
    const ours = rules.find(({ metadata }) => metadata.name === name);
    if (ours && !(isOurs(ours) && covers(ours, target))) {
      throw new DeniedError(
        `${ruleWord(ours)} is in the way: Istio Canary did not make it for ${target.canary.host}, so it is not touched.`,
        {
          next: "Rename it, or remove it.",
        },
      );
    }
    const absent = missingSubsets.filter((role) => !(ours && has(ours, target[role].subset)));
    if (absent.length === 0) return;
    const need = subsetNeed(rules, target);
    const subsets = await subsetsFor(absent, need, target, labelsOf);
    if (ours) await change(ours, [...subsetsOf(ours), ...subsets]);
    else await client.create(resource, namespace, ownRule(target, version, subsets, need));
  }

  async function removeOnce(): Promise<void> {
    const rule = await find();
    if (!rule || !names.some((subset) => has(rule, subset))) return;
    const rest = subsetsOf(rule).filter((subset) => !names.includes(String(subset.name)));
    if (rest.length > 0) await change(rule, rest);
    else
      await client.delete(resource, namespace, name, rule.metadata.uid === undefined ? {} : { uid: rule.metadata.uid });
  }

  async function find(): Promise<KubernetesObject | undefined> {
    const rule = await client.get(resource, namespace, name);
    return rule && isOurs(rule) ? rule : undefined;
  }

  async function change(rule: KubernetesObject, subsets: readonly Raw[]): Promise<void> {
    const path = "/spec/subsets";
    await client.patch(resource, namespace, name, {
      type: "json",
      body: [
        { op: "test", path, value: subsetsOf(rule) },
        { op: "replace", path, value: subsets },
      ],
    });
  }

  return {
    add: async () => (names.length === 0 ? undefined : repeat(addOnce)),
    remove: async () => (names.length === 0 ? undefined : repeat(removeOnce)),
    async differences(winner) {
      if (names.length === 0) return [];
      const rules = await client.list(resource, namespace);
      const left = rules
        .filter((rule) => winner === "stable" && rule.metadata.name === name && isOurs(rule))
        .flatMap((rule) =>
          names
            .filter((subset) => has(rule, subset))
            .map((subset) => `${ruleWord(rule)} still has the subset ${subset}`),
        );
      const lost = winner === "canary" && subsetNeed(rules, target).missing.length > 0;
      return lost
        ? [`no DestinationRule in namespace ${namespace} has the subset ${target.canary.subset}, which the routes name`]
        : left;
    },
  };
}

/** A conflict means that somebody wrote in between: look again, decide again. */
async function repeat(step: () => Promise<void>): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await step();
    } catch (error) {
      if (!(error instanceof KubernetesError && [409, 422].includes(error.status)) || tries === maxTries) throw error;
    }
  }
}
