import { tell } from "../lib/errors.ts";
import { fill, type Variables } from "./environment.ts";
import { at, isMapping, type Path, type Problem, printPath } from "./issue.ts";
import { readAllYaml } from "./yaml.ts";

/** An object of the user's own, and where it was read: `k8s/canary.yaml[1]`, by position among the file's documents. */
export type Manifest = { readonly place: string; readonly object: Readonly<Record<string, unknown>> };
export type Manifests = { readonly manifests: readonly Manifest[]; readonly problems: readonly Problem[] };

export type ReadFile = (path: string) => Promise<string>;

const where: Path = ["canary", "from", "manifests"];

/** Reads the user's manifests, with `${NAME}` filled in; every file's problems at once. */
export async function readManifests(paths: readonly string[], env: Variables, readFile: ReadFile): Promise<Manifests> {
  const files = await Promise.all(paths.map((path) => readManifest(path, env, readFile)));
  return {
    manifests: files.flatMap(({ manifests }) => manifests),
    problems: files.flatMap(({ problems }) => problems),
  };
}

async function readManifest(path: string, env: Variables, readFile: ReadFile): Promise<Manifests> {
  const content = await readFile(path).catch((error: unknown) => ({ error }));
  if (typeof content !== "string")
    return {
      manifests: [],
      problems: [{ path: where, place: path, problem: `cannot be read: ${tell(content.error)}` }],
    };

  const documents = readAllYaml(content, path);
  if (!documents.value)
    return { manifests: [], problems: documents.problems.map((problem) => ({ ...problem, path: where })) };
  if (documents.value.length === 0)
    return { manifests: [], problems: [{ path: where, place: path, problem: "has no object in it" }] };

  const read = documents.value.map((document, index) => readObject(`${path}[${index}]`, document, env));
  return { manifests: read.flatMap(({ manifests }) => manifests), problems: read.flatMap(({ problems }) => problems) };
}

const identity: readonly Path[] = [["apiVersion"], ["kind"], ["metadata", "name"]];

function readObject(place: string, document: unknown, env: Variables): Manifests {
  const filled = fill(document, env);
  if (!isMapping(filled.value))
    return {
      manifests: [],
      problems: [{ path: where, place, problem: "expected a Kubernetes object", found: { value: document } }],
    };
  const unnamed = identity
    .filter((path) => typeof at(filled.value, path) !== "string")
    .map((path): Problem => ({ path, problem: "expected a text", found: { value: at(filled.value, path) } }));
  return {
    manifests: [{ place, object: filled.value }],
    problems: [...filled.problems, ...unnamed].map((problem) => ({
      ...problem,
      path: where,
      place: `${place}.${printPath(problem.path)}`,
    })),
  };
}
