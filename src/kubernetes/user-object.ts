import { textAt } from "./field.ts";
import type { Resource } from "./object.ts";
import { resourceOf } from "./resource-of.ts";

/** One of the user's own objects, as a manifest has it. */
export type UserObject = {
  readonly resource: Resource;
  readonly name: string;
  readonly object: Readonly<Record<string, unknown>>;
};

export const identify = (object: Readonly<Record<string, unknown>>): UserObject => ({
  resource: resourceOf(textAt(object, "apiVersion") ?? "", textAt(object, "kind") ?? ""),
  name: textAt(object, "metadata", "name") ?? "",
  object,
});

/** `Service reviews-canary`: how the journal and messages name it. */
export const objectWord = ({ resource, name }: Pick<UserObject, "resource" | "name">): string =>
  `${resource.kind} ${name}`;

/** The manifest that is this Deployment. */
export const isDeployment = (name: string, manifest: UserObject): boolean =>
  manifest.resource.group === "apps" && manifest.resource.kind === "Deployment" && manifest.name === name;
