import { tell } from "../lib/errors.ts";
import { type FillText, fill, type Reference, type Variables } from "./environment.ts";
import { at, isMapping, type Path, type Problem, printPath } from "./issue.ts";
import { type Filling, fillingOf, fromListed, type WrittenVariables } from "./manifest-variables.ts";
import { type PositionOf, positionsIn } from "./places.ts";
import { readManifestYaml } from "./yaml.ts";

/** An object of the user's own, and where it was read: `k8s/canary.yaml[1]`, by position among the file's documents. */
export type Manifest = { readonly place: string; readonly object: Readonly<Record<string, unknown>> };

type ReadFiles = {
  readonly manifests: readonly Manifest[];
  readonly problems: readonly Problem[];
  readonly references: readonly (Omit<Reference, "path"> & { readonly place: string })[];
};

export type Manifests = Omit<ReadFiles, "references"> & { readonly filling: Filling };

export type ReadFile = (path: string) => Promise<string>;

const where: Path = ["canary", "from", "manifests"];

/** Reads the user's manifests, with the listed variables filled in; every file's problems at once. */
export async function readManifests(
  paths: readonly string[],
  variables: WrittenVariables,
  { env, readFile }: { readonly env: Variables; readonly readFile: ReadFile },
): Promise<Manifests> {
  const fillText = fromListed(variables, env);
  const { references, ...found } = together(
    await Promise.all(paths.map((path) => readManifest(path, fillText, readFile))),
  );
  return { ...found, filling: fillingOf(references) };
}

const together = (parts: readonly ReadFiles[]): ReadFiles => ({
  manifests: parts.flatMap(({ manifests }) => manifests),
  problems: parts.flatMap(({ problems }) => problems),
  references: parts.flatMap(({ references }) => references),
});

const nothingBut = (...problems: readonly Omit<Problem, "path">[]): ReadFiles => ({
  manifests: [],
  problems: problems.map((problem) => ({ ...problem, path: where })),
  references: [],
});

async function readManifest(path: string, fillText: FillText, readFile: ReadFile): Promise<ReadFiles> {
  const content = await readFile(path).catch((error: unknown) => ({ error }));
  if (typeof content !== "string")
    return nothingBut({ place: path, problem: `cannot be read: ${tell(content.error)}` });
  const documents = readManifestYaml(content, path);
  if (!documents.value) return nothingBut(...documents.problems);
  const objects = documents.value.flatMap((document, index) => objectsIn(document, [index]));
  if (objects.length === 0) return nothingBut({ place: path, problem: "has no object in it" });
  const positionOf = positionsIn(content, path);
  return together(objects.map((object) => readObject(path, object, fillText, positionOf)));
}

/** Its way begins with the number of its document. */
type Document = { readonly way: Path; readonly document: unknown };

/** What has items is a list, whatever its kind, and kubectl takes it apart. */
export function objectsIn(document: unknown, way: Path): readonly Document[] {
  if (!isMapping(document) || !Array.isArray(document.items)) return [{ way, document }];
  return document.items.flatMap((item, index) => objectsIn(item, [...way, "items", index]));
}

/** What kustomize reads, and kubectl apply does not. Flux has a kind of the same name in a group of its own. */
export const isKustomize = (document: unknown, file: string): boolean =>
  isMapping(document) &&
  (String(document.apiVersion ?? "").startsWith("kustomize.config.k8s.io/") ||
    (document.apiVersion === undefined && /(^|\/)kustomization\.ya?ml$/i.test(file)));

const identity: readonly Path[] = [["apiVersion"], ["kind"], ["metadata", "name"]];

/** Where whole numbers stand that JSON, as this program reads and writes it, would round. */
function inexactIn(value: unknown, path: Path = []): readonly Problem[] {
  if (typeof value === "bigint")
    return [{ path, problem: `${value} is beyond 2^53 and would be rounded; apply this object by itself, beforehand` }];
  if (typeof value !== "object" || value === null) return [];
  const isList = Array.isArray(value);
  return Object.entries(value).flatMap(([key, inner]) => inexactIn(inner, [...path, isList ? Number(key) : key]));
}

const rounded = (_: string, value: unknown): unknown => (typeof value === "bigint" ? Number(value) : value);

function readObject(file: string, { way, document }: Document, fillText: FillText, positionOf: PositionOf): ReadFiles {
  const filled = fill(document, fillText);
  const inexact = inexactIn(filled.value);
  const value: unknown = inexact.length > 0 ? JSON.parse(JSON.stringify(filled.value, rounded)) : filled.value;
  const { problems, references } = filled;
  const placeOf = (path: Path): string => file + printPath([...way, ...path]);
  if (!isMapping(value))
    return nothingBut({ place: placeOf([]), problem: "expected a Kubernetes object", found: { value: document } });
  if (isKustomize(value, file))
    return nothingBut({
      place: placeOf([]),
      problem: "this is a Kustomization: give what kubectl kustomize prints, such as kubectl kustomize . > canary.yaml",
    });
  const unnamed = identity
    .filter((path) => typeof at(value, path) !== "string")
    .map((path): Problem => ({ path, problem: "expected a text", found: { value: at(value, path) } }));
  return {
    manifests: [{ place: placeOf([]), object: value }],
    problems: [...problems, ...inexact, ...unnamed].map(({ path, ...rest }) => ({
      ...rest,
      path: where,
      place: placeOf(path),
      position: positionOf([...way.slice(1), ...path], Number(way[0])),
    })),
    references: references.map(({ path, ...rest }) => ({ ...rest, place: placeOf(path) })),
  };
}
