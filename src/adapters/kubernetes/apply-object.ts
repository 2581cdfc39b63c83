import { listAt, textAt } from "../../kubernetes/field.ts";
import type { KubernetesObject } from "../../kubernetes/object.ts";
import { objectWord, type UserObject } from "../../kubernetes/user-object.ts";
import { DeniedError, UnreachableError } from "../../lib/errors.ts";
import { fieldManager } from "./api-server.ts";
import { type FieldConflict, type KubernetesClient, KubernetesError } from "./kubernetes-client.ts";

/** An object as the API server has it after an apply, and what somebody else had of it before. */
export type AppliedObject = { readonly object: KubernetesObject; readonly taken: readonly FieldConflict[] };

type ApplyOptions = {
  /** Fields that are the release's business, as conflicts name them. */
  readonly released: readonly string[];
  readonly dryRun?: boolean;
};

/**
 * Applies an object server-side. No field is taken from anybody but ourselves, who patch some of the same fields in the
 * course of a release; only what the release sets itself is taken over from kubectl, as kubectl's own way from
 * client-side to server-side apply does:
 * https://github.com/kubernetes/client-go/blob/master/util/csaupgrade/upgrade.go
 */
export async function applyObject(
  client: KubernetesClient,
  namespace: string,
  { resource, name, object }: UserObject,
  { released, dryRun }: ApplyOptions,
): Promise<AppliedObject> {
  const attempt = (force: boolean): Promise<KubernetesObject> =>
    client.patch(resource, namespace, name, { type: "apply", body: object, force }, { dryRun });
  try {
    return { object: await attempt(false), taken: [] };
  } catch (error) {
    if (!(error instanceof KubernetesError)) throw error;
    const { conflicts } = error;
    const others = conflicts.filter((conflict) => !mayBeTaken(conflict, released));
    const where = `the manifest of ${objectWord({ resource, name: `${namespace}/${name}` })}`;
    if (others.length > 0) throw contested(where, others, error);
    // Somebody wrote at the same time: the object, or what it counts in.
    if (conflicts.length === 0 && error.status === 409)
      throw new UnreachableError(`${where} could not be applied: ${error.message}`, { cause: error });
    if (conflicts.length === 0) throw new ManifestRefusedError(where, error);
    return { object: await attempt(true), taken: conflicts.filter(({ manager }) => manager !== fieldManager) };
  }
}

/** The API server does not take a manifest, and asking again will not help. */
export class ManifestRefusedError extends DeniedError {
  readonly refusal: KubernetesError;

  constructor(manifest: string, refusal: KubernetesError) {
    super(`${manifest} was refused: ${refusal.message}`, { cause: refusal });
    this.refusal = refusal;
  }
}

/** Every name that kubectl goes by, and the one that the API server gives to what was written before it kept names. */
const isKubectl = (manager: string): boolean => /^(kubectl\b|before-first-apply$)/.test(manager);

const mayBeTaken = ({ manager, field }: FieldConflict, released: readonly string[]): boolean =>
  manager === fieldManager || (isKubectl(manager) && released.includes(field));

function contested(where: string, conflicts: readonly FieldConflict[], cause: KubernetesError): DeniedError {
  const fields = [...Map.groupBy(conflicts, ({ manager }) => manager)].map(
    ([manager, of]) => `${of.map(({ field }) => field).join(", ")} of ${manager}'s`,
  );
  return new DeniedError(`${where} would change what somebody else set: ${fields.join("; ")}`, {
    next: "Take those fields out of the manifest, or let only one of the two write the object.",
    cause,
  });
}

/** As an apply names what the release sets itself in the canary's Deployment. */
export const releasedFields = (deployment: unknown): readonly string[] => [
  ".spec.replicas",
  ...["containers", "initContainers"].flatMap((list) =>
    listAt(deployment, "spec", "template", "spec", list).map(
      (container) => `.spec.template.spec.${list}[name=${JSON.stringify(textAt(container, "name") ?? "")}].image`,
    ),
  ),
];
