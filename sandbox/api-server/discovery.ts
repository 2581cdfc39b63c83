import { type Kind, kinds } from "./kind.ts";
import type { Json, JsonObject } from "./object.ts";
import { subresourcesOf } from "./route.ts";

const verbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update"];

const groupNames = [...new Set(kinds.map(({ group }) => group)), "authorization.k8s.io"].filter(
  (group) => group !== "",
);

const versionsOf = (group: string): readonly string[] =>
  group === "authorization.k8s.io" ? ["v1"] : (kinds.find((kind) => kind.group === group)?.versions ?? []);

function group(name: string): JsonObject {
  const versions = versionsOf(name).map((version) => ({ groupVersion: `${name}/${version}`, version }));
  return { name, versions, ...(versions[0] === undefined ? {} : { preferredVersion: versions[0] }) };
}

const resource = (kind: Kind): readonly JsonObject[] => [
  {
    name: kind.plural,
    singularName: kind.singular,
    namespaced: kind.namespaced,
    kind: kind.kind,
    verbs,
    shortNames: kind.shortNames,
  },
  ...subresourcesOf(kind).map((name) => ({
    name: `${kind.plural}/${name}`,
    singularName: "",
    namespaced: kind.namespaced,
    kind: name === "scale" ? "Scale" : kind.kind,
    verbs: ["get", "patch", "update"],
  })),
];

const review: JsonObject = {
  name: "selfsubjectaccessreviews",
  singularName: "selfsubjectaccessreview",
  namespaced: false,
  kind: "SelfSubjectAccessReview",
  verbs: ["create"],
};

const resourceList = (groupVersion: string, resources: readonly Json[]): JsonObject => ({
  kind: "APIResourceList",
  apiVersion: "v1",
  groupVersion,
  resources,
});

/** What the server offers, by path: https://kubernetes.io/docs/concepts/overview/kubernetes-api/#discovery-api */
export function discover(path: string): JsonObject | string | undefined {
  if (path === "/version") return { major: "1", minor: "36", gitVersion: "v1.36.3", platform: "linux/amd64" };
  if (["/healthz", "/livez", "/readyz"].includes(path)) return "ok";
  if (path === "/api") return { kind: "APIVersions", versions: ["v1"], serverAddressByClientCIDRs: [] };
  if (path === "/apis") return { kind: "APIGroupList", apiVersion: "v1", groups: groupNames.map(group) };
  const [, root, name = "", version, rest] = path.split("/");
  if (rest !== undefined) return undefined;
  if (root === "api" && name === "v1" && version === undefined)
    return resourceList("v1", kinds.filter(({ group }) => group === "").flatMap(resource));
  if (root !== "apis" || !groupNames.includes(name)) return undefined;
  if (version === undefined) return { kind: "APIGroup", apiVersion: "v1", ...group(name) };
  if (!versionsOf(name).includes(version)) return undefined;
  const served = kinds.filter((kind) => kind.group === name).flatMap(resource);
  return resourceList(`${name}/${version}`, name === "authorization.k8s.io" ? [review] : served);
}
