import type { Plan } from "../release/plan.ts";
import type { Target } from "../release/target.ts";

export type Verb = "get" | "list" | "create" | "update" | "patch" | "delete";

/**
 * Something that a release does to a kind of object, and what for. `docs/rbac.yaml` and `docs/rbac-by-name.yaml` are the
 * same list, and a test holds them equal.
 */
export type Permission = {
  readonly group: string;
  /** The collection, `pods/log` for a subresource. */
  readonly resource: string;
  readonly verbs: readonly Verb[];
  /** The objects that it is about, where they are known beforehand: a Role may name them (`resourceNames`). */
  readonly names?: (target: Target, namespace: string) => readonly string[];
  /** Ends the sentence "may not …, which is needed to". */
  readonly why: string;
  /** Without it a release works, and something less is known or done. */
  readonly optional?: true;
  /** Nobody asks for it beforehand: the look itself is denied, and ends nothing. */
  readonly byLooking?: true;
  /** Default: every release needs it. */
  readonly when?: (target: Target, plan: Plan) => boolean;
  /** Asked for in the routes' namespaces, too; everything else is in the service's. */
  readonly ofRoutes?: true;
};
