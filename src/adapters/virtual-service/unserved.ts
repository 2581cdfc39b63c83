import { rulesFor, subsetFor } from "../../istio/destination-rule.ts";
import { readHost } from "../../istio/host.ts";
import { isTerminating } from "../../kubernetes/object.ts";
import type { Unserved } from "../../release/observation.ts";
import type { Role, Target } from "../../release/target.ts";
import { type Narrowing, unservedAmong } from "../weighted-rules/unserved.ts";
import type { IstioApi } from "./istio-api.ts";
import { ruleNamespace } from "./own-rule.ts";

/** For which of these versions no request can be answered, by its Service and the subset in it. */
export const unserved = (api: IstioApi, target: Target, among: readonly Role[]): Promise<Unserved> =>
  unservedAmong(api.client, target, among, bySubset(api, target));

const bySubset =
  ({ destinationRules }: IstioApi, target: Target): Narrowing =>
  async (client, role) => {
    const { host: text, subset: name } = target[role];
    if (name === undefined) return { labels: {} };
    const host = readHost(text, target.namespace);
    const rules = await client.list(destinationRules, ruleNamespace(target));
    const subset = subsetFor(rules, host, name);
    if (!subset) return { because: lacksSubset(target, role) };
    const definedIn = rulesFor(rules, host).find(({ word }) => word === subset.rule);
    if (definedIn && isTerminating(definedIn.object))
      return { because: `${subset.rule}, which has the subset ${name}, is being deleted` };
    return { labels: subset.labels };
  };

export const lacksSubset = (target: Target, role: Role): string =>
  `no DestinationRule in namespace ${ruleNamespace(target)} has the subset ${target[role].subset}, which the routes name`;
