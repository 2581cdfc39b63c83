import * as z from "zod/mini";
import { parseDuration } from "../lib/duration.ts";
import type { Replicas } from "../release/target.ts";
import { nearest, unknown } from "./nearest.ts";

/** What a value of the configuration looks like. Each says in words what it expects: that sentence is its error. */

const expected = (what: string): { readonly error: string } => ({ error: `expected ${what}` });

/** Text that YAML took for a number or for true is asked for in quotes: 1.10 would be read as 1.1. */
export const pattern = (what: string, regex: RegExp) =>
  z.string({ error: ({ input }) => `expected ${what}${isScalar(input) && regex.test(String(input)) ? ", in quotes" : ""}` }).check(z.regex(regex, expected(what)));

const isScalar = (value: unknown): boolean => typeof value === "number" || typeof value === "boolean";

export const text = pattern("some text", /\S/);
export const url = pattern("a URL that begins with http:// or https://", /^https?:\/\/[^\s/]\S*$/);

const label = "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?";

/** RFC 1123: namespaces, subsets, containers, Services. */
export const dnsLabel = pattern("a name of at most 63 lower-case letters, digits and dashes", new RegExp(`^${label}$`));
/** Deployments and VirtualServices may have dots in their names. */
export const dnsName = pattern("a name of lower-case letters, digits, dashes and dots", new RegExp(`^(?=.{1,253}$)${label}(\\.${label})*$`));
export const host = pattern("a host such as reviews or reviews.shop.svc.cluster.local", new RegExp(`^(?=.{1,253}$)${label}(\\.${label})*$`));
export const image = pattern(
  "an image such as ghcr.io/acme/reviews:1.2.0",
  /^([\w.-]+(:\d+)?\/)?[a-z0-9]+([._/-]+[a-z0-9]+)*(:[A-Za-z0-9_][\w.-]{0,127})?(@sha256:[0-9a-f]{64})?$/,
);

const labelValue = "([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?";
export const labels = z.record(
  pattern("a label's name such as version or example.com/track", /^([a-z0-9.-]{1,253}\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/),
  pattern("a label's value: at most 63 letters, digits, dashes, dots and underscores", new RegExp(`^${labelValue}$`)),
  expected("a mapping of names to values"),
);

/** Values of all kinds may hold secrets, so that nothing of them is checked. */
export const headers = z.record(pattern("a header's name", /^[\w!#$%&'*+.^`|~-]+$/), text, expected("a mapping of names to values"));

export const duration = z.pipe(
  pattern("a duration with its unit, such as 90s or 1m30s", /^\s*(\d+(\.\d+)?(ms|s|m|h|d))+\s*$/),
  z.transform((written) => parseDuration(written) ?? 0),
);

/** A number, or the text of one: environment variables and inputs are always text. */
const numeric = <T extends z.ZodMiniType<number, number>>(what: string, number: T, regex: RegExp) =>
  z.pipe(z.union([number, pattern(what, regex)], expected(what)), z.transform(Number));

export const decimal = (what: string) => numeric(what, z.number(expected(what)), /^-?\d+(\.\d+)?(e[-+]?\d+)?$/);
export const positive = (what: string) => numeric(what, z.number(expected(what)).check(z.positive(expected(what))), /^(?=.*[1-9])\d+(\.\d+)?$/);
export const percentile = numeric("a percentile such as 99", z.number(expected("a percentile such as 99")).check(z.gt(0, expected("a percentile above 0")), z.lt(100, expected("a percentile below 100"))), /^(?=.*[1-9])\d{1,2}(\.\d+)?$/);
export const count = (what: string, least = 0) => numeric(what, z.int(expected(what)).check(z.gte(least, expected(what))), least === 0 ? /^\d+$/ : /^0*[1-9]\d*$/);

const yesOrNo = "true or false";
export const boolean = z.pipe(
  z.union([z.boolean(expected(yesOrNo)), pattern(yesOrNo, /^(true|false)$/)], expected(yesOrNo)),
  z.transform((written) => written === true || written === "true"),
);

const percentage = "a percentage such as 5%";

/** A ratio, written as a percentage or as a number below 1. A bare `5` is refused: it could be 5 % or five times everything. */
export const ratio = z.pipe(
  z.union(
    [
      pattern(percentage, /^\s*(100|\d{1,2}(\.\d+)?)\s*%\s*$|^0?\.\d+$|^0$/),
      z.number(expected(percentage)).check(z.gte(0, expected(percentage)), z.lt(1, { error: ({ input }) => `expected ${percentage} or a ratio such as 0.05; write ${input}% if that is meant` })),
    ],
    expected(percentage),
  ),
  z.transform((written) => (typeof written === "number" ? written : written.includes("%") ? Number((Number.parseFloat(written) / 100).toPrecision(12)) : Number(written))),
);

/** The share of a stage: whole percents from 1 to 100. */
export const weight = z.pipe(
  z.union(
    [
      z.int(expected("a whole percent from 1 to 100")).check(z.gte(1, expected("a whole percent from 1 to 100")), z.lte(100, expected("a whole percent from 1 to 100"))),
      pattern("a whole percent from 1 to 100", /^\s*(100|[1-9]\d?)\s*%?\s*$/),
    ],
    expected("a whole percent from 1 to 100"),
  ),
  z.transform((written) => (typeof written === "number" ? written : Number.parseInt(written, 10))),
);

const replicaWords: Readonly<Record<string, Replicas>> = { same: { kind: "percent", percent: 100 }, "by-weight": { kind: "by-weight" }, keep: { kind: "keep" } };
const replicaForms = "a number of pods, a percentage of stable's such as 50%, same, by-weight or keep";

export const replicas = z.pipe(
  z.union([z.int(expected(replicaForms)).check(z.gte(1, expected(replicaForms))), pattern(replicaForms, /^(same|by-weight|keep|[1-9]\d*%?)$/)], expected(replicaForms)),
  z.transform((written): Replicas => {
    const word = replicaWords[written];
    if (word) return word;
    const number = Number.parseInt(String(written), 10);
    return String(written).endsWith("%") ? { kind: "percent", percent: number } : { kind: "count", count: number };
  }),
);

const routeNames = `(${label}/)?${label}(\\.${label})*`;
export const routeName = pattern("a VirtualService as name or namespace/name", new RegExp(`^${routeNames}$`));
export const routeList = z.pipe(pattern("VirtualServices as name or namespace/name, separated by commas", new RegExp(`^\\s*${routeNames}(\\s*[,\\n]\\s*${routeNames})*\\s*$`)), z.transform(split));

function split(written: string): readonly string[] {
  return written.split(/[,\n]/).map((name) => name.trim()).filter((name) => name !== "");
}

/** Texts, separated by commas or lines, or a list of them. */
export const textList = z.union([z.pipe(text, z.transform(split)), z.array(text)], expected("some text, or a list of texts"));

/** One of a few words. `or` names the other forms that may stand there. */
export const choice = <const T extends readonly string[]>(words: T, or = "") =>
  z.enum(words, {
    error: ({ input }) => {
      const meant = typeof input === "string" ? nearest(input, words) : undefined;
      return `expected ${listed(words)}${or}${meant === undefined ? "" : ` (did you mean ${meant}?)`}`;
    },
  });

/** A mapping with these keys and no others. Several unknown keys are several lines: the issue's reader splits them. */
export const section = <T extends z.core.$ZodLooseShape>(shape: T) =>
  z.strictObject(shape, {
    error: (issue) => {
      const known = Object.keys(shape);
      return issue.code === "unrecognized_keys" ? issue.keys.map((key) => unknown("key", key, known)).join("\n") : `expected a mapping with ${listed(known)}`;
    },
  });

/** The first of several forms that fits. When none does, the errors of the one that was probably meant are told. */
export const either = <O>(what: string, forms: readonly z.ZodMiniType<O, unknown>[]): z.ZodMiniType<O, unknown> => z.union(forms, expected(what));

/** `a, b or c` */
const listed = (words: readonly string[]): string => (words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`);
