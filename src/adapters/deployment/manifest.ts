import { textAt } from "../../kubernetes/field.ts";
import type { Resource } from "../../kubernetes/object.ts";
import { resourceOf } from "../../kubernetes/resource-of.ts";

/** One of the user's own objects. */
export type Manifest = {
  readonly resource: Resource;
  readonly name: string;
  readonly object: Readonly<Record<string, unknown>>;
};

export const identify = (object: Readonly<Record<string, unknown>>): Manifest => ({
  resource: resourceOf(textAt(object, "apiVersion") ?? "", textAt(object, "kind") ?? ""),
  name: textAt(object, "metadata", "name") ?? "",
  object,
});

/** `Service reviews-canary`: how the journal and messages name it. */
export const nameOf = ({ resource, name }: Pick<Manifest, "resource" | "name">): string => `${resource.kind} ${name}`;

/** The manifest that is this Deployment. */
export const isDeployment = (name: string, manifest: Manifest): boolean =>
  manifest.resource.group === "apps" && manifest.resource.kind === "Deployment" && manifest.name === name;
