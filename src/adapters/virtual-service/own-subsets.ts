import type { Raw } from "../../istio/destination.ts";
import { type DestinationRule, readDestinationRule } from "../../istio/destination-rule.ts";
import { covers } from "../../istio/host.ts";
import { DeniedError } from "../../lib/errors.ts";
import type { Role, Target } from "../../release/target.ts";
import { type KubernetesClient, KubernetesError } from "../kubernetes/kubernetes-client.ts";
import { destinationRulesOf } from "./api.ts";
import type { RoutesBefore } from "./before.ts";
import { canaryHost, isOurs, ownRule, ownRuleName, ruleNamespace } from "./own-rule.ts";
import { missingSubsets, type SubsetLabels, subsetNeed } from "./subset-need.ts";

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
  before: RoutesBefore,
  target: Target,
  labelsOf: SubsetLabels,
): OwnSubsets {
  const resource = destinationRulesOf(before.version);
  const namespace = ruleNamespace(target);
  const name = ownRuleName(target.service);
  const names = before.missingSubsets.flatMap((role) => target[role].subset ?? []);
  const has = ({ subsets }: DestinationRule, subset: string | undefined): boolean =>
    subsets.some((one) => one.name === subset);

  async function addOnce(): Promise<void> {
    const rules = await client.list(resource, namespace);
    const object = rules.find(({ metadata }) => metadata.name === name);
    const ours = object && readDestinationRule(object);
    if (ours && !(isOurs(ours.object) && covers(ours.host, canaryHost(target)))) throw inTheWay(ours);
    const absent = before.missingSubsets.filter((role) => !(ours && has(ours, target[role].subset)));
    if (absent.length === 0) return;
    const need = subsetNeed(rules, target);
    const subsets = await missingSubsets(absent, need, target, labelsOf);
    if (ours) await change(ours, [...rawSubsets(ours), ...subsets]);
    else await client.create(resource, namespace, ownRule(target, before.version, subsets, need.beside));
  }

  const inTheWay = ({ word }: DestinationRule): DeniedError =>
    new DeniedError(
      `${word} is in the way: Istio Canary did not make it for ${target.canary.host}, so it is not touched.`,
      { next: "Rename it, or remove it." },
    );

  async function removeOnce(): Promise<void> {
    const object = await client.get(resource, namespace, name);
    const rule = object && isOurs(object) ? readDestinationRule(object) : undefined;
    if (!rule || !names.some((subset) => has(rule, subset))) return;
    const rest = rule.subsets.filter((subset) => !names.includes(subset.name)).map(({ raw }) => raw);
    if (rest.length > 0) await change(rule, rest);
    else await client.delete(resource, namespace, name, { uid: rule.object.metadata.uid });
  }

  /** Whatever somebody changes between reading and writing makes the test fail, and the rule is read again. */
  async function change(rule: DestinationRule, subsets: readonly Raw[]): Promise<void> {
    const path = "/spec/subsets";
    await client.patch(resource, namespace, name, {
      type: "json",
      body: [
        { op: "test", path, value: rawSubsets(rule) },
        { op: "replace", path, value: subsets },
      ],
    });
  }

  return {
    add: async () => (names.length === 0 ? undefined : repeat(addOnce)),
    remove: async () => (names.length === 0 ? undefined : repeat(removeOnce)),
    async differences(winner) {
      if (names.length === 0) return [];
      const objects = await client.list(resource, namespace);
      if (winner === "canary")
        return subsetNeed(objects, target).missing.length === 0
          ? []
          : [
              `no DestinationRule in namespace ${namespace} has the subset ${target.canary.subset}, which the routes name`,
            ];
      const ours = objects.filter((object) => object.metadata.name === name && isOurs(object)).map(readDestinationRule);
      return ours.flatMap((rule) =>
        names.filter((subset) => has(rule, subset)).map((subset) => `${rule.word} still has the subset ${subset}`),
      );
    },
  };
}

const rawSubsets = ({ subsets }: DestinationRule): readonly Raw[] => subsets.map(({ raw }) => raw);

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
