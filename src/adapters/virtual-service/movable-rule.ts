import { type RouteRule, rulesOf } from "../../istio/virtual-service.ts";
import type { KubernetesObject } from "../../kubernetes/object.ts";
import type { RouteChoice, Target } from "../../release/target.ts";

/** The VirtualServices among a target's routes. */
export const choicesOf = ({ routes }: Target): readonly RouteChoice[] =>
  routes.filter(({ kind }) => kind === "VirtualService");

/** The sections of a VirtualService whose weights a release moves. */
export const movableSections = ["http"] as const;

export type MovableRule = RouteRule & { readonly section: (typeof movableSections)[number] };

export const movableRules = (virtualService: KubernetesObject): readonly MovableRule[] =>
  rulesOf(virtualService).filter((rule): rule is MovableRule =>
    movableSections.some((section) => section === rule.section),
  );

/** Whether a configuration means this rule by a word: by its name, or by its place. */
export const isMeant = ({ name, place }: RouteRule, word: string): boolean => word === name || word === place;

/** The rules among which a release chooses: those that the user names, in their order, or all. */
export function chosenRules(rules: readonly MovableRule[], { routes }: RouteChoice): readonly MovableRule[] {
  if (routes.length === 0) return rules;
  return [...new Set(routes.flatMap((word) => rules.filter((rule) => isMeant(rule, word))))];
}
