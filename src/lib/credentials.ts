/*
 * What is secret in what users give and in what clusters, plugins and proxies ask to be sent. Whoever makes a credential, or
 * reads one, has it named here and registers it before anything is told (`lib/redaction.ts`).
 */

/** Hears of a secret, or of nothing worth hiding. */
export type RegisterSecret = (secret: string) => void;

/** The names of what holds a credential, whatever its value looks like. */
const credential = /auth|token|key|cookie|secret|pass|pwd|credential|session|signature|jwt/i;

/** The names of headers that say where to and on whose behalf; reports are full of hosts and tenants. */
const address = /^host$|^accept|^content-|^user-agent$|^cache-control$|^x-forwarded-|tenant|org-?id/i;

/** `always`, `true` or `5`: a word that hides nothing, and that would tear holes into every report if it were hidden. */
const plainWord = /^([A-Za-z]?[a-z]{0,15}|\d{1,8})$/;

const isSecret = (name: string, value: string): boolean =>
  credential.test(name) || (!address.test(name) && !plainWord.test(value));

/** The secrets in headers: of `Bearer abc` the `abc`, and of `Basic …` also the password in it. */
export function secretsInHeaders(headers: { readonly [name: string]: string }): readonly string[] {
  const secrets: string[] = [];
  for (const [name, value] of Object.entries(headers)) {
    if (!isSecret(name, value)) continue;
    const [, scheme, rest] = /^([A-Za-z]+) +(\S+)$/.exec(value) ?? [];
    secrets.push(rest ?? value);
    if (scheme?.toLowerCase() === "basic") secrets.push(passwordOf(Buffer.from(rest ?? "", "base64").toString()));
  }
  return secrets;
}

/** The values whose names say that they are secret, of settings that mostly are not. */
export function secretsByName(settings: { readonly [name: string]: unknown }): readonly string[] {
  const secrets: string[] = [];
  for (const [name, value] of Object.entries(settings))
    if (credential.test(name) && typeof value === "string") secrets.push(value);
  return secrets;
}

/** What stands before the `@` of URLs in a text: `user:password`, and the password as it is and as it was meant. */
export function secretsInUrls(text: string): readonly string[] {
  const secrets: string[] = [];
  for (const [, userinfo = ""] of text.matchAll(/\/\/([^/@\s"']+)@/g)) {
    const password = passwordOf(userinfo);
    secrets.push(userinfo, password, decoded(password));
  }
  return secrets;
}

const passwordOf = (pair: string): string => pair.slice(pair.indexOf(":") + 1);

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a percent sign that stands for itself
  }
}
