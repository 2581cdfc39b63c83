import type { Raw } from "../../istio/destination.ts";
import { type DestinationRule, readDestinationRule } from "../../istio/destination-rule.ts";
import { covers } from "../../istio/host.ts";
import type { KubernetesObject } from "../../kubernetes/object.ts";
import { DeniedError } from "../../lib/errors.ts";
import type { Fence } from "../../ports/fence.ts";
import type { Role, Target } from "../../release/target.ts";
import type { Clock } from "../../world/clock.ts";
import { edit, patchWrite, type Write } from "../kubernetes/edit.ts";
import { touch } from "../kubernetes/touch.ts";
import type { IstioApi } from "./istio-api.ts";
import { canaryHost, isOurs, ownRule, ownRuleName, ruleNamespace } from "./own-rule.ts";
import { missingSubsets, type SubsetLabels, subsetNeed } from "./subset-need.ts";
import { lacksSubset } from "./unserved.ts";

export interface OwnSubsets {
  /** Adds the subsets that were missing when the release began. */
  add(): Promise<void>;
  /** Takes them away again; a DestinationRule of ours without subsets goes, too. */
  remove(): Promise<void>;
  /** Makes whatever was planned for them before fail. */
  fence(): Promise<void>;
  /** What is not as it should be after a release that `winner` won. */
  differences(winner: Role): Promise<readonly string[]>;
}

export type OwnSubsetsOptions = {
  readonly api: IstioApi;
  readonly clock: Clock;
  readonly fence: Fence;
  readonly target: Target;
  /** The versions whose subset was missing when the release began. */
  readonly missing: readonly Role[];
  readonly labelsOf: SubsetLabels;
};

/** The DestinationRule of our own for one service. */
export function ownSubsets({ api, clock, fence, target, missing, labelsOf }: OwnSubsetsOptions): OwnSubsets {
  const { client, version, destinationRules: resource } = api;
  const namespace = ruleNamespace(target);
  const name = ownRuleName(target.service);
  const names = missing.flatMap((role) => target[role].subset ?? []);
  const has = ({ subsets }: DestinationRule, subset: string | undefined): boolean =>
    subsets.some((one) => one.name === subset);

  const read = (): Promise<KubernetesObject | undefined> => client.get(resource, namespace, name);
  const list = (): Promise<readonly KubernetesObject[]> => client.list(resource, namespace);

  async function addition(rules: readonly KubernetesObject[]): Promise<Write | undefined> {
    const object = rules.find(({ metadata }) => metadata.name === name);
    const ours = object && readDestinationRule(object);
    if (ours && !(isOurs(ours.object) && covers(ours.host, canaryHost(target)))) throw inTheWay(ours);
    const absent = missing.filter((role) => !(ours && has(ours, target[role].subset)));
    if (absent.length === 0) return undefined;
    const need = subsetNeed(rules, target);
    const subsets = await missingSubsets(absent, need, target, labelsOf);
    if (ours) return change(ours, [...rawSubsets(ours), ...subsets]);
    const body = ownRule(target, version, subsets, need.beside);
    return { body, send: () => client.create(resource, namespace, body) };
  }

  const inTheWay = ({ word }: DestinationRule): DeniedError =>
    new DeniedError(
      `${word} is in the way: Istio Canary did not make it for ${target.canary.host}, so it is not touched.`,
      { next: "Rename it, or remove it." },
    );

  function removal(object: KubernetesObject | undefined): Write | undefined {
    const rule = object && isOurs(object) ? readDestinationRule(object) : undefined;
    if (!rule || !names.some((subset) => has(rule, subset))) return undefined;
    const rest = rule.subsets.filter((subset) => !names.includes(subset.name)).map(({ raw }) => raw);
    if (rest.length > 0) return change(rule, rest);
    const { uid, resourceVersion } = rule.object.metadata;
    const as = { uid, resourceVersion };
    return { body: as, send: () => client.delete(resource, namespace, name, as) };
  }

  const change = (rule: DestinationRule, subsets: readonly Raw[]): Write | undefined =>
    patchWrite(client, resource, rule.object, [{ op: "replace", path: "/spec/subsets", value: subsets }]);

  return {
    async add() {
      if (names.length > 0) await edit(clock, { read: list, plan: addition, fence: fence.forward });
    },
    async remove() {
      if (names.length > 0) await edit(clock, { read, plan: removal, fence: fence.back });
    },
    async fence() {
      const object = names.length > 0 ? await read() : undefined;
      if (object && isOurs(object)) await touch(client, resource, namespace, name);
    },
    async differences(winner) {
      if (names.length === 0) return [];
      const objects = await list();
      if (winner === "canary") {
        return subsetNeed(objects, target).missing.length === 0 ? [] : [lacksSubset(target, "canary")];
      }
      const ours = objects.filter((object) => object.metadata.name === name && isOurs(object)).map(readDestinationRule);
      return ours.flatMap((rule) =>
        names.filter((subset) => has(rule, subset)).map((subset) => `${rule.word} still has the subset ${subset}`),
      );
    },
  };
}

const rawSubsets = ({ subsets }: DestinationRule): readonly Raw[] => subsets.map(({ raw }) => raw);
