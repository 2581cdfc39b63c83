import type { Target } from "../../release/target.ts";
import { type PresentRoutes, type Revision, readRoutes } from "../weighted-rules/read-routes.ts";
import { type IstioApi, virtualServicesIn } from "./istio-api.ts";
import { ruleNamespace } from "./own-rule.ts";
import { type SubsetNeed, subsetNeed } from "./subset-need.ts";

/** The VirtualServices of a target, and what the mesh knows of the subsets that they will name. */
export type RoutesAndSubsets = PresentRoutes & { readonly subsets: SubsetNeed };

export async function readWithSubsets(api: IstioApi, target: Target, as?: Revision): Promise<RoutesAndSubsets> {
  const [{ chosen, problems }, subsets] = await Promise.all([
    readRoutes(virtualServicesIn(api), target, as),
    readSubsets(api, target),
  ]);
  return { chosen, subsets, problems: subsets.problem ? [...problems, subsets.problem] : problems };
}

async function readSubsets({ client, destinationRules }: IstioApi, target: Target): Promise<SubsetNeed> {
  return subsetNeed(target.canary.subset ? await client.list(destinationRules, ruleNamespace(target)) : [], target);
}
