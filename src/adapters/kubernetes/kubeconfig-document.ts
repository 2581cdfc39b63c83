import * as z from "zod/mini";

const text = z.optional(z.string());

const cluster = z.object({
  server: text,
  "certificate-authority": text,
  "certificate-authority-data": text,
  "insecure-skip-tls-verify": z.optional(z.boolean()),
  "tls-server-name": text,
  "proxy-url": text,
});

const exec = z.object({
  apiVersion: text,
  command: text,
  args: z.optional(z.array(z.string())),
  env: z.optional(z.array(z.object({ name: text, value: text }))),
  interactiveMode: text,
  provideClusterInfo: z.optional(z.boolean()),
});

const user = z.object({
  token: text,
  tokenFile: text,
  username: text,
  password: text,
  as: text,
  "client-certificate": text,
  "client-certificate-data": text,
  "client-key": text,
  "client-key-data": text,
  exec: z.optional(exec),
  "auth-provider": z.optional(z.object({ name: text, config: z.optional(z.record(z.string(), z.string())) })),
});

const listOf = <T extends z.ZodMiniObject>(item: T) => z.optional(z.array(item));

/** https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/, as far as it is used here. */
const kubeconfig = z.object({
  "current-context": text,
  clusters: listOf(z.object({ name: text, cluster: z.optional(cluster) })),
  users: listOf(z.object({ name: text, user: z.optional(user) })),
  contexts: listOf(
    z.object({ name: text, context: z.optional(z.object({ cluster: text, user: text, namespace: text })) }),
  ),
});

export type KubeconfigDocument = z.infer<typeof kubeconfig>;

/** It has other types than a kubeconfig. The message has no value in it: it may be secret. */
export class NoKubeconfig extends Error {}

/**
 * A kubeconfig by its types. kubectl takes no number for a text either (a token of digits without quotes), and `null` for
 * what is not there; @kubernetes/client-node would use whatever it finds.
 */
export function readKubeconfigDocument(document: unknown): KubeconfigDocument {
  const written = withoutNulls(document);
  const { data, error } = kubeconfig.safeParse(written);
  if (error === undefined) return data;
  const [{ path, ...issue } = { path: [], code: "custom" }] = error.issues;
  const expected = issue.code === "invalid_type" && "expected" in issue ? String(issue.expected) : "";
  const found = path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown>)[key], written);
  const where = path.length === 0 ? "it" : placeOf(path);
  throw new NoKubeconfig(`${where} is ${typeOf(found)}, and ${names[expected] ?? "something else"} is expected`);
}

/** `users[0].user.token` */
const placeOf = (path: readonly PropertyKey[]): string =>
  path
    .map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`))
    .join("")
    .slice(1);

const names: Readonly<Record<string, string>> = {
  string: "a text (in quotes, where it looks like something else)",
  number: "a number",
  boolean: "true or false",
  array: "a list",
  object: "a mapping",
  record: "a mapping",
  undefined: "nothing",
};

const articles: Readonly<Record<string, string>> = { ...names, string: "a text" };

function typeOf(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  return articles[value === null ? "undefined" : typeof value] ?? "something else";
}

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== "object" || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  const kept = Object.entries(value).filter(([, inner]) => inner !== null);
  return Object.fromEntries(kept.map(([key, inner]) => [key, withoutNulls(inner)]));
}
