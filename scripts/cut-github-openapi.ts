import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * cut-github-openapi.ts PACKAGE: keeps of GitHub's own OpenAPI description only what the sandbox serves.
 * PACKAGE is where npm's @octokit/openapi was unpacked; it has 385 MB, so it is no dependency of ours:
 *   npm install --prefix SOMEWHERE @octokit/openapi@23.0.2
 *   node scripts/run.mjs scripts/cut-github-openapi.ts SOMEWHERE/node_modules/@octokit/openapi
 */
const kept: Readonly<Record<string, readonly string[]>> = {
  "/repos/{owner}/{repo}/issues/{issue_number}/comments": ["get", "post"],
  "/repos/{owner}/{repo}/issues/comments/{comment_id}": ["get", "patch"],
  "/repos/{owner}/{repo}/commits/{commit_sha}/pulls": ["get"],
  "/repos/{owner}/{repo}/statuses/{sha}": ["post"],
  "/repos/{owner}/{repo}/commits/{ref}/statuses": ["get"],
};

const folder = join(import.meta.dirname, "../sandbox/github");

type Json = null | boolean | number | string | readonly Json[] | JsonObject;
type JsonObject = { readonly [key: string]: Json };

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function at(root: Json, path: readonly string[]): Json {
  const value = path.reduce<Json | undefined>((inner, key) => (isObject(inner) ? inner[key] : undefined), root);
  if (value === undefined) throw new Error(`the description has nothing at #/${path.join("/")}: was it renamed?`);
  return value;
}

/** Prose and samples are most of the weight; a validator reads neither. In `properties` the same words are names of fields. */
const prose = new Set([
  "description",
  "examples",
  "example",
  "externalDocs",
  "summary",
  "x-github",
  "x-octokit",
  "tags",
]);

function withoutProse(value: Json, names = false): Json {
  if (Array.isArray(value)) return value.map((item: Json) => withoutProse(item));
  if (!isObject(value)) return value;
  const entries = Object.entries(value).filter(([key]) => names || !prose.has(key));
  return Object.fromEntries(entries.map(([key, inner]) => [key, withoutProse(inner, key === "properties")]));
}

function referencesIn(value: Json): readonly string[] {
  if (Array.isArray(value)) return value.flatMap((item: Json) => referencesIn(item));
  if (!isObject(value)) return [];
  const own = typeof value.$ref === "string" ? [value.$ref] : [];
  return [...own, ...Object.values(value).flatMap(referencesIn)];
}

/** Everything that is referred to, and what that refers to. */
function closure(root: Json, start: Json): ReadonlyMap<string, Json> {
  const found = new Map<string, Json>();
  const open = [...referencesIn(start)];
  for (let reference = open.pop(); reference !== undefined; reference = open.pop()) {
    if (found.has(reference)) continue;
    const value = withoutProse(at(root, reference.replace("#/", "").split("/")));
    found.set(reference, value);
    open.push(...referencesIn(value));
  }
  return found;
}

function put(into: Record<string, Json>, [key, ...rest]: readonly string[], value: Json): Record<string, Json> {
  if (key === undefined) return into;
  const inner = into[key];
  return { ...into, [key]: rest.length === 0 ? value : put(isObject(inner) ? { ...inner } : {}, rest, value) };
}

function cut(whole: Json): Json {
  const paths = Object.fromEntries(
    Object.entries(kept).map(([path, methods]) => [
      path,
      Object.fromEntries(methods.map((method) => [method, withoutProse(at(whole, ["paths", path, method]))])),
    ]),
  );
  const components = [...closure(whole, paths)]
    .sort(([a], [b]) => a.localeCompare(b))
    .reduce((into, [reference, value]) => put(into, reference.replace("#/", "").split("/"), value), {});
  const notice =
    "Cut from npm @octokit/openapi (MIT, see openapi.LICENSE) by scripts/cut-github-openapi.ts; not edited by hand.";
  return {
    openapi: at(whole, ["openapi"]),
    info: {
      title: at(whole, ["info", "title"]),
      version: at(whole, ["info", "version"]),
      license: at(whole, ["info", "license"]),
      "x-notice": notice,
    },
    paths,
    ...components,
  };
}

const source = process.argv[2];
if (source === undefined) {
  console.error("cut-github-openapi.ts PACKAGE: where is npm's @octokit/openapi unpacked?");
  process.exit(2);
}
const whole: Json = JSON.parse(readFileSync(join(source, "generated/api.github.com.json"), "utf8"));
writeFileSync(join(folder, "openapi.json"), `${JSON.stringify(cut(whole), null, 1)}\n`);
writeFileSync(join(folder, "openapi.LICENSE"), readFileSync(join(source, "LICENSE"), "utf8"));
console.log(`wrote ${join(folder, "openapi.json")}`);
