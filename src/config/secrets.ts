import {
  secretsByName,
  secretsInArguments,
  secretsInHeaders,
  secretsInSettings,
  secretsInUrls,
  secretsWithin,
  textsIn,
} from "../lib/credentials.ts";
import type { Variables } from "./environment.ts";
import { headersIn } from "./gate-places.ts";
import { type Input, inputs as known } from "./inputs.ts";
import { at, isMapping } from "./issue.ts";
import type { Given } from "./overlay.ts";

/**
 * Every secret that somebody wrote: what the table of inputs calls one, wherever it was said, and the credentials in
 * URLs, the proxies' among them. It is asked before anything is checked, so that a document need not be right.
 */
export function secretsIn(document: unknown, inputs: Given, env: Variables): ReadonlySet<string> {
  const secrets = new Set<string>();
  const add = (found: readonly string[]): void => {
    for (const secret of found) secrets.add(secret);
  };
  for (const { name, path, secret } of known) {
    if (secret === undefined) continue;
    const value = path === undefined ? inputs[name] : at(document, path.split("."));
    add(found[secret](value));
  }
  for (const headers of headersIn(document)) add(secretsInHeaders(texts(headers)));
  if (env.GITHUB_TOKEN !== undefined) secrets.add(env.GITHUB_TOKEN);
  for (const [name, value] of Object.entries(env)) if (/_proxy$/i.test(name)) add(secretsInUrls(`${value} //${value}`)); // it may go without http://
  for (const text of textsIn(document)) add(secretsInUrls(text));
  add(secretVariables(at(document, ["variables"]), env));
  return secrets;
}

/**
 * What stands in every sentence and everybody knows: who hid a name because some header has it as well would say no more
 * than that it has.
 */
export function namesIn(document: unknown): ReadonlySet<unknown> {
  const versions = ["stable", "canary"].flatMap((version) =>
    ["deployment", "subset", "host"].map((name) => [version, name]),
  );
  return new Set([["namespace"], ["service"], ...versions].map((path) => at(document, path)));
}

const found: Readonly<Record<NonNullable<Input["secret"]>, (value: unknown) => readonly string[]>> = {
  itself: textsIn,
  headers: (value) => (isMapping(value) ? secretsInHeaders(texts(value)) : textsIn(value)),
  kubeconfig: () => [], // whoever reads the file knows which parts of it are secret
  webhooks: secretsOfWebhooks,
};

/** Their addresses, and what of each is the secret. */
function secretsOfWebhooks(value: unknown): readonly string[] {
  return (Array.isArray(value) ? value : []).flatMap((one) => {
    const url = at(one, ["url"]);
    if (typeof url !== "string") return [];
    const path = URL.canParse(url) ? new URL(url).pathname.slice(1) : "";
    return [url, path].filter((secret) => secret.length > shortestPath);
  });
}

/** A path such as `hook` would hide a word everywhere. */
const shortestPath = 8;

const texts = (mapping: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(mapping).map(([name, value]) => [name, textsIn(value).join("\n")]));

/** Whose values may be secret: their names say so. */
const settings = ["data", "annotations"];

/**
 * The secrets in objects of the user's own, since a webhook may repeat what it refuses: all of a Secret; elsewhere what
 * is called so among variables of containers, arguments, annotations, the data of a ConfigMap, and in whatever text.
 */
export function secretsInManifests(objects: readonly Readonly<Record<string, unknown>>[]): ReadonlySet<string> {
  const secrets = new Set<string>();
  for (const object of objects) {
    const values = object.kind === "Secret" ? [...textsIn(object.stringData), ...inBase64(object.data)] : [];
    const inTexts = textsIn(object).flatMap(secretsInSettings);
    for (const secret of [...values.flatMap(secretsWithin), ...namedIn(object), ...inTexts]) secrets.add(secret);
  }
  return secrets;
}

/** As they are written, and as they are meant. */
const inBase64 = (data: unknown): readonly string[] =>
  textsIn(data).flatMap((text) => [text, Buffer.from(text, "base64").toString()]);

/** Kubernetes writes a variable as a name and a value, wherever it stands, and arguments as a list. */
function namedIn(value: unknown): readonly string[] {
  if (typeof value !== "object" || value === null) return [];
  const inner = Object.values(value);
  if (!isMapping(value))
    return [
      ...secretsInArguments(inner.map((item) => (typeof item === "string" ? item : "-"))),
      ...inner.flatMap(namedIn),
    ];
  const own = typeof value.name === "string" ? secretsByName({ [value.name]: value.value }) : [];
  const called = settings.flatMap((name) => (isMapping(value[name]) ? secretsByName(value[name]) : []));
  return [...own, ...called, ...inner.flatMap(namedIn)];
}

/** What fills manifests is a secret where it is called so: listed by its name, or defined. */
function secretVariables(variables: unknown, env: Variables): readonly string[] {
  const written = isMapping(variables)
    ? Object.entries(variables)
    : textsIn(variables).flatMap((names) => names.split(/[\s,]+/).map((name) => [name, null] as const));
  const values = Object.fromEntries(written.map(([name, value]) => [name, value ?? env[name]]));
  return secretsByName(values).flatMap(secretsWithin);
}
