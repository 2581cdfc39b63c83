import { secretsInHeaders, secretsInUrls } from "../lib/credentials.ts";
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

/** Every text in a value, however deep. */
function textsIn(value: unknown): readonly string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return [];
  return Object.values(value).flatMap(textsIn);
}
