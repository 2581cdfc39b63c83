import { secretsByName, secretsInHeaders, secretsInUrls } from "../lib/credentials.ts";
import type { Variables } from "./environment.ts";
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
  if (env.GITHUB_TOKEN !== undefined) secrets.add(env.GITHUB_TOKEN);
  for (const [name, value] of Object.entries(env)) if (/_proxy$/i.test(name)) add(secretsInUrls(`${value} //${value}`)); // it may go without http://
  for (const text of textsIn(document)) add(secretsInUrls(text));
  return secrets;
}

const found: Readonly<Record<NonNullable<Input["secret"]>, (value: unknown) => readonly string[]>> = {
  itself: textsIn,
  headers: (value) => (isMapping(value) ? secretsInHeaders(texts(value)) : textsIn(value)),
  kubeconfig: () => [], // whoever reads the file knows which parts of it are secret
};

const texts = (mapping: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(mapping).map(([name, value]) => [name, textsIn(value).join("\n")]));

/**
 * The secrets in objects of the user's own, since a webhook may repeat what it refuses: the values of a Secret, of
 * variables of containers that are called so, and in URLs.
 */
export function secretsInManifests(objects: readonly Readonly<Record<string, unknown>>[]): ReadonlySet<string> {
  const secrets = new Set<string>();
  for (const object of objects) {
    const values = object.kind === "Secret" ? [...textsIn(object.stringData), ...inBase64(object.data)] : [];
    const inUrls = textsIn(object).flatMap(secretsInUrls);
    for (const secret of [...values, ...variablesIn(object), ...inUrls]) secrets.add(secret);
  }
  return secrets;
}

/** As they are written, and as they are meant. */
const inBase64 = (data: unknown): readonly string[] =>
  textsIn(data).flatMap((text) => [text, Buffer.from(text, "base64").toString()]);

/** Kubernetes writes a variable as a name and a value, wherever it stands. */
function variablesIn(value: unknown): readonly string[] {
  if (typeof value !== "object" || value === null) return [];
  const own = isMapping(value) && typeof value.name === "string" ? secretsByName({ [value.name]: value.value }) : [];
  return [...own, ...Object.values(value).flatMap(variablesIn)];
}

/** Every text in a value, however deep. */
function textsIn(value: unknown): readonly string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return [];
  return Object.values(value).flatMap(textsIn);
}
