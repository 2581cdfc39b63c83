/*
 * What is secret in what users give and in what clusters, plugins and proxies ask to be sent. Whoever makes a
 * credential, or reads one, has it named here and registers it before anything is told (`lib/redaction.ts`).
 */

/** Hears of a secret, or of nothing worth hiding. */
export type RegisterSecret = (secret: string) => void;

/** The names of what holds a credential, whatever its value looks like. */
const credential = /auth|token|key|cookie|secret|pass|pwd|credential|session|signature|jwt/i;

/** The names of headers that say where to and on whose behalf; reports are full of hosts and tenants. */
const address = /^host$|^accept|^content-|^user-agent$|^cache-control$|^x-forwarded-|tenant|org-?id/i;

/**
 * `always`, `true` or `5`: a word that hides nothing, and that would tear holes into every report if it were hidden.
 */
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

/** The secrets in the URLs of a text: who asks and with what password, and what a query's names call secret. */
export function secretsInUrls(text: string): readonly string[] {
  const secrets: string[] = [];
  for (const [, userinfo = ""] of text.matchAll(/\/\/([^/?#\s"']+)@/g)) secrets.push(...formsOfLogin(userinfo));
  // what has no query is a match as well, so that nothing is looked at twice
  for (const [, query = ""] of text.matchAll(/\/\/[^?#\s"']*(?:\?([^#\s"']+))?/g))
    secrets.push(...secretsInQuery(query));
  return secrets;
}

/** As it is written, as `URL` would write it, and as it is meant: `Basic` sends that, in base64. */
function formsOfLogin(userinfo: string): readonly string[] {
  const forms = [userinfo, passwordOf(userinfo)];
  const url = URL.parse(`http://${userinfo}@host`);
  if (url === null) return forms;
  const { username, password } = loginOf(url);
  forms.push(`${url.username}:${url.password}`, url.password, `${username}:${password}`, password);
  return forms;
}

function secretsInQuery(query: string): readonly string[] {
  const secrets: string[] = [];
  for (const parameter of query.split("&")) {
    const written = parameter.slice(parameter.indexOf("=") + 1);
    for (const [name, meant] of new URLSearchParams(parameter))
      if (credential.test(name) && meant !== "") secrets.push(written, meant);
  }
  return secrets;
}

/** The user and the password of a URL as they are meant: it has them percent-encoded. */
export const loginOf = ({ username, password }: URL): { readonly username: string; readonly password: string } => ({
  username: decoded(username),
  password: decoded(password),
});

/** Where a URL leads, without user, password and query: those may be secrets. */
export function placeOf(url: string): string {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname.replace(/\/$/, "")}`;
}

const passwordOf = (pair: string): string => pair.slice(pair.indexOf(":") + 1);

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a percent sign that stands for itself
  }
}
