/*
 * What is secret in what users give and in what clusters, plugins and proxies ask to be sent. Whoever makes a
 * credential, or reads one, has it named here and registers it before anything is told (`lib/redaction.ts`).
 */

import { isUtf8 } from "node:buffer";
import { jsonIn } from "./json.ts";

/** Hears of a secret, or of nothing worth hiding. */
export type RegisterSecret = (secret: string) => void;

/** The last part of a word that names a credential, whatever its value looks like: `token`, and `authtoken`. */
const credential =
  /(^auth|authorization|authentication|token|key|cookie|secret|pass(word|wd|phrase)?|pwd|cred(ential)?|session|sid|sig(nature)?|jwt|bearer)s?$/;

/** How names end that say something about a credential: a header `X-Auth-Realm`, a variable `AWS_ACCESS_KEY_ID`. */
const about =
  /(^|-)(realm|type|method|scheme|provider|algorithm|key-id|name|user|url|uri|host|file|path|ttl|expir\w*|version)$/;

/** The names of headers that say where to and on whose behalf; reports are full of hosts and tenants. */
const address = /^host$|^accept|^content-|^user-agent$|^cache-control$|^x-forwarded-|tenant|org-?id/i;

/**
 * `always`, `true` or `5`: a word that hides nothing, and that would tear holes into every report if it were hidden.
 */
const plainWord = /^([A-Za-z]?[a-z]{0,15}|\d{1,8})$/;

/** By its words: there is a key in X-Api-Key and apiKey, and nothing about authors in Authorization. */
function isCredential(name: string): boolean {
  const words = name
    .replace(/([a-z\d])(?=[A-Z])/g, "$1-")
    .toLowerCase()
    .split(/[^a-z]+/)
    .filter((word) => word !== "");
  return words.some((word) => credential.test(word)) && !about.test(words.join("-"));
}

const isSecret = (name: string, value: string): boolean =>
  isCredential(name) || (!address.test(name) && !plainWord.test(value));

/** The secrets in headers: of `Bearer abc` the `abc`, else the whole value and every word in it that hides something. */
export function secretsInHeaders(headers: { readonly [name: string]: string }): readonly string[] {
  const secrets = new Set<string>();
  for (const [name, value] of Object.entries(headers)) {
    if (!isSecret(name, value)) continue;
    const found = /^cookie$/i.test(name) ? valuesOfCookies(value) : partsOfCredential(value);
    for (const secret of found) secrets.add(secret);
  }
  return [...secrets];
}

/** `Basic …` has a pair in it, and that a password. */
function partsOfCredential(value: string): readonly string[] {
  const [, scheme = "", rest] = /^([\w-]+) +(\S+)$/.exec(value) ?? [];
  if (rest === undefined) return [value, ...value.split(/[\s,;="']+/).filter(isTelling)];
  if (scheme.toLowerCase() !== "basic") return [rest];
  const pair = Buffer.from(rest, "base64").toString();
  return [rest, pair, passwordOf(pair)];
}

/** As they are written, and as they are meant. */
function valuesOfCookies(header: string): readonly string[] {
  const values = [header];
  for (const cookie of header.split(/; */)) {
    const [, name = "", value = cookie] = /^([^=]*)=(.*)$/s.exec(cookie) ?? [];
    if (isCredential(name) || isTelling(value)) values.push(value, decoded(value));
  }
  return values;
}

/** A word by which somebody could log in. */
const isTelling = (word: string): boolean => word !== "" && !plainWord.test(word);

/** What turns something on or off, and hides nothing, however its name ends. */
const switching =
  /^(true|false|null|none|yes|no|on|off|enabled?|disabled?|required?|optional|always|never|auto|default)$/i;

/** The values whose names say that they are secret, of settings that mostly are not. */
export function secretsByName(settings: { readonly [name: string]: unknown }): readonly string[] {
  const secrets: string[] = [];
  for (const [name, value] of Object.entries(settings))
    if (isCredential(name) && typeof value === "string" && !switching.test(value)) secrets.push(value);
  return secrets;
}

/** `password=abc`, in whatever stands before and behind it, and `password: abc` or `"password":"abc"` in lines of a file. */
const assignment = /["']?([A-Za-z][\w.-]*)(?:["']?=|["']:|: )\s*(?:"([^"]*)"|'([^']*)'|([^\s"'&;,]+))/g;

/** What a driver of Go takes: `ada:abc@tcp(db:3306)/shop`. */
const loginOfDriver = /[^\s"'/:@]+:([^\s"'@]+)@[a-z]+\(/g;

/** The secrets in a text that somebody configures a program by: in its URLs, and what it calls secret. */
export function secretsInSettings(text: string): readonly string[] {
  const secrets = [...secretsInUrls(text)];
  for (const [, password = ""] of text.matchAll(loginOfDriver)) secrets.push(password);
  for (const [, name = "", ...values] of text.matchAll(assignment)) {
    const value = values.find((value) => value !== undefined) ?? "";
    if (isTelling(value)) secrets.push(...secretsByName({ [name]: value }));
  }
  return secrets;
}

/** Of a text that is secret as a whole also what is in it: values in JSON, in base64, and behind names in lines. */
export function secretsWithin(text: string): readonly string[] {
  const secrets = new Set([text]);
  for (const secret of secrets) // what is added on the way is gone through as well
    for (const inner of [...textsInJson(secret), ...textInBase64(secret), ...valuesOfLines(secret)])
      if (inner.length < secret.length && isTelling(inner)) secrets.add(inner);
  return [...secrets];
}

const textsInJson = (text: string): readonly string[] => (/^\s*[[{"]/.test(text) ? textsIn(jsonIn(text)) : []);

/** As of `auth` in a Docker configuration, which is a user and a password. */
function textInBase64(text: string): readonly string[] {
  const decoded = /^[\w+/-]{8,}=*$/.test(text) ? Buffer.from(text, "base64") : Buffer.alloc(0);
  const meant = isUtf8(decoded) ? decoded.toString() : "";
  return /\p{Cc}/u.test(meant.replace(/\s/g, "")) ? [] : [meant, passwordOf(meant)];
}

/** Of YAML, of properties, of variables. */
const valuesOfLines = (text: string): readonly string[] =>
  [...text.matchAll(/^[\s-]*["']?[\w.-]+["']?\s*[:=]\s*(.*?)\s*$/gm)].map(([, value = ""]) =>
    value.replace(/^(["'])(.*)\1$/, "$2"),
  );

/** Every text in a value, however deep. */
export function textsIn(value: unknown): readonly string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return [];
  return Object.values(value).flatMap(textsIn);
}

/** The same of a program's arguments: `--client-secret=abc`, or `--client-secret` and then `abc`. */
export function secretsInArguments(args: readonly string[]): readonly string[] {
  const secrets: string[] = [];
  for (const [index, argument] of args.entries()) {
    const [, name = "", , value] = /^--?([\w-]+)(=(.*))?$/s.exec(argument) ?? [];
    const next = args[index + 1] ?? "-";
    if (value !== undefined) secrets.push(...secretsByName({ [name]: value }));
    else if (!next.startsWith("-")) secrets.push(...secretsByName({ [name]: next }));
  }
  return secrets;
}

/** Whatever in a text is neither the name of an option nor a plain word: itself, and the value behind an equals sign. */
export const secretsInWords = (text: string): readonly string[] =>
  [text, ...text.split(/\s+/).flatMap((word) => [word, word.slice(word.indexOf("=") + 1)])].filter(
    (word) => isTelling(word.replace(/[.,:;]+$/, "")) && !/^-{1,2}[\w-]*$/.test(word),
  );

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
      if (isCredential(name) && meant !== "") secrets.push(written, meant);
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
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname.replace(/\/$/, "")}`;
}

const passwordOf = (pair: string): string => pair.slice(pair.indexOf(":") + 1);

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a percent sign that stands for itself
  }
}
