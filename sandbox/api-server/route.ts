import { type Kind, kinds } from "./kind.ts";
import { invalidOptions, methodNotAllowed } from "./status.ts";

export type Verb = "get" | "list" | "create" | "update" | "patch" | "delete" | "deletecollection";

/** A request for objects, as its method and URL say it. */
export type ObjectRequest = {
  readonly verb: Verb;
  readonly kind: Kind;
  readonly version: string;
  readonly namespace?: string;
  /** Empty for a collection. */
  readonly name: string;
  readonly subresource: string;
};

const collectionVerbs: Readonly<Record<string, Verb>> = { GET: "list", POST: "create", DELETE: "deletecollection" };
const objectVerbs: Readonly<Record<string, Verb>> = { GET: "get", PUT: "update", PATCH: "patch", DELETE: "delete" };

/** Reads `/api/v1/…` and `/apis/GROUP/VERSION/…`; undefined when nothing is served there. */
export function parseObjectRequest(method: string, path: string): ObjectRequest | undefined {
  const [root, ...rest] = path
    .split("/")
    .filter((part) => part !== "")
    .map(decodeURIComponent);
  if (!(root === "api" || root === "apis")) return undefined;
  const [group, version, ...parts] = root === "api" ? ["", ...rest] : rest;
  const inNamespace = parts[0] === "namespaces" && parts.length > 2 && !(parts.length === 3 && parts[2] === "status");
  const [plural, name = "", subresource = "", more] = inNamespace ? parts.slice(2) : parts;
  const kind = kinds.find(
    (kind) => kind.group === group && kind.plural === plural && kind.versions.includes(version ?? ""),
  );
  if (kind === undefined || version === undefined || more !== undefined || (inNamespace && !kind.namespaced))
    return undefined;
  if (subresource !== "" && !subresourcesOf(kind).includes(subresource)) return undefined;
  const verb = (name === "" ? collectionVerbs : objectVerbs)[method];
  // Objects in namespaces are listed across them all without one, and nothing else.
  if (verb === undefined || (kind.namespaced && !inNamespace && verb !== "list")) throw methodNotAllowed();
  return {
    verb,
    kind,
    version,
    name,
    subresource,
    ...(inNamespace && parts[1] !== undefined ? { namespace: parts[1] } : {}),
  };
}

export const subresourcesOf = (kind: Kind): readonly string[] => [
  ...(kind.status ? ["status"] : []),
  ...(kind.plural === "pods" ? ["log"] : []),
  ...(kind.plural === "deployments" || kind.plural === "replicasets" ? ["scale"] : []),
];

/** Options of a write, as its query says them. */
export type WriteOptions = {
  readonly manager: string;
  readonly managerGiven: boolean;
  readonly dryRun: boolean;
  readonly force: boolean;
};

const optionNames: Readonly<Record<string, string>> = {
  POST: "CreateOptions",
  PUT: "UpdateOptions",
  PATCH: "PatchOptions",
  DELETE: "DeleteOptions",
};

/** Without a `fieldManager` the manager is the user agent up to its first slash. */
export function parseWriteOptions(method: string, query: URLSearchParams, userAgent: string): WriteOptions {
  const dryRun = query.getAll("dryRun");
  if (dryRun.some((value) => value !== "All")) {
    throw invalidOptions(
      optionNames[method] ?? "UpdateOptions",
      "dryRun",
      "FieldValueNotSupported",
      `Unsupported value: ${JSON.stringify(dryRun)}: supported values: "All"`,
    );
  }
  const manager = query.get("fieldManager") ?? "";
  if (manager.length > 128)
    throw invalidOptions(
      optionNames[method] ?? "UpdateOptions",
      "fieldManager",
      "FieldValueTooLong",
      "Too long: may not be more than 128 bytes",
    );
  return {
    manager: manager === "" ? userAgent.split("/")[0] || "unknown" : manager,
    managerGiven: manager !== "",
    dryRun: dryRun.length > 0,
    force: query.get("force") === "true",
  };
}
