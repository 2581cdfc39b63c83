import * as z from "zod/mini";
import { parseDuration } from "../lib/duration.ts";
import { urlNames } from "../release/recipe.ts";
import type { Replicas } from "../release/target.ts";
import { nearest, unknown } from "./nearest.ts";

/** What values look like, in the words of their errors: the reference page and the JSON schema say the same. */
export const forms = z.registry<{ readonly form: string }>();

const expected = (what: string): { readonly error: string } => ({ error: `expected ${what}` });

function form<O, I>(what: string, schema: z.ZodMiniType<O, I>): z.ZodMiniType<O, I> {
  forms.add(schema, { form: what });
  return schema;
}

/** Text that YAML took for a number or for true is asked for in quotes: 1.10 would be read as 1.1. */
const matching = (what: string, regex: RegExp) =>
  z
    .string({
      error: ({ input }) => `expected ${what}${isScalar(input) && regex.test(String(input)) ? ", in quotes" : ""}`,
    })
    .check(z.regex(regex, { ...expected(what), abort: true }));

const isScalar = (value: unknown): boolean => typeof value === "number" || typeof value === "boolean";

const pattern = (what: string, regex: RegExp) => form(what, matching(what, regex));

export const text = pattern("a text", /\S/);

/** No environment takes more: a program has the name in its own. */
export const gateName = pattern("a text without NUL", /^(?=[\s\S]*\S)[^\0]+$/);

const aUrl = "a URL that begins with http:// or https://";
const unreadable = expected("a URL whose host and port can be read");
/** A placeholder of a template may stand anywhere. */
const isUrl = (written: string): boolean => URL.canParse(written.replaceAll(/\{\w+\}/g, "x"));
export const url = form(aUrl, matching(aUrl, /^https?:\/\/[^\s/]\S*$/).check(z.refine(isUrl, unreadable)));
const namesInBraces = urlNames.map((name) => `{${name}}`).join(" ");
const isFilled = (written: string): boolean =>
  [...written.matchAll(/\{(\w+)\}/g)].every(([, name = ""]) => urlNames.some((known) => known === name));
/** A name that is mistyped would be asked for as it is written. */
export const gateUrl = form(
  aUrl,
  matching(aUrl, /^https?:\/\/[^\s/]\S*$/)
    .check(z.refine(isUrl, unreadable))
    .check(z.refine(isFilled, expected(`of names in braces only ${namesInBraces}`))),
);
const aPrometheus = `${aUrl}, or as service://NAMESPACE/NAME:PORT`;
const throughApiServer = /^service:\/\/[a-z0-9-]+\/(https?:)?[a-z0-9-]+:[a-z0-9-]+(\/[^\s?#]*)?$/;
/** Of a Service in the cluster, too: the API server passes on what it is asked. */
export const prometheusUrl = form(
  aPrometheus,
  z.union(
    [
      matching(aPrometheus, throughApiServer),
      matching(aPrometheus, /^https?:\/\/[^\s/]\S*$/).check(z.refine(isUrl, unreadable)),
    ],
    expected(aPrometheus),
  ),
);

/* Names, as Kubernetes and Istio take them */

const label = "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?";
const dotted = `${label}(\\.${label})*`;

/** RFC 1123: namespaces, containers, Services. */
export const dnsLabel = pattern("a name of at most 63 lower-case letters, digits and dashes", new RegExp(`^${label}$`));
/** Istio takes capitals, too: https://github.com/istio/istio/blob/release-1.28/pkg/config/labels/instance.go */
export const subsetName = pattern(
  "a subset's name of at most 63 letters, digits and dashes",
  /^[a-zA-Z0-9]([-a-zA-Z0-9]{0,61}[a-zA-Z0-9])?$/,
);
export const containerNames = form(
  "a container's name, or a list of them",
  z.union(
    [
      z.pipe(
        matching("a container's name, or several", new RegExp(`^${label}(\\s*[,\\n]\\s*${label})*$`)),
        z.transform((names): string | readonly string[] => (/[,\n]/.test(names) ? split(names) : names)),
      ),
      z.array(dnsLabel),
    ],
    expected("a container's name, or a list of them"),
  ),
);
/** Deployments and VirtualServices may have dots in their names. */
export const dnsName = pattern(
  "a name of lower-case letters, digits, dashes and dots",
  new RegExp(`^(?=.{1,253}$)${dotted}$`),
);
export const host = pattern(
  "a host such as reviews or reviews.shop.svc.cluster.local",
  new RegExp(`^(?=.{1,253}$)${dotted}$`),
);
export const image = pattern(
  "an image such as ghcr.io/acme/reviews:1.2.0",
  /^([\w.-]+(:\d+)?\/)?[a-z0-9]+([._/-]+[a-z0-9]+)*(:[A-Za-z0-9_][\w.-]{0,127})?(@sha256:[0-9a-f]{64})?$/,
);

const labelName = /^([a-z0-9.-]{1,253}\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const labelValue = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;

export const labels = form(
  "a mapping of labels",
  z.record(
    matching("a label's name such as version or example.com/track", labelName),
    matching("a label's value: at most 63 letters, digits, dashes, dots and underscores", labelValue),
    expected("a mapping of labels"),
  ),
);

/* Names, as Prometheus takes them everywhere; since version 3 it also takes others, in quotes, which nobody gives to Istio's. */

export const metricLabel = pattern(
  "a label's name in Prometheus: letters, digits and underscores, such as destination_workload",
  /^(?!__)[A-Za-z_]\w*$/,
);
export const metricName = pattern(
  "a metric's name: letters, digits, underscores and colons, such as istio_requests_total",
  /^[A-Za-z_:][\w:]*$/,
);
export const bucketsName = pattern(
  "the name of a histogram's buckets, which ends in _bucket, such as istio_request_duration_milliseconds_bucket",
  /^[A-Za-z_:][\w:]*_bucket$/,
);

/** https://www.rfc-editor.org/rfc/rfc9110#section-5.5; Node refuses all else as well, but at each request. */
const headerValue = text.check(
  z.refine(
    (written) => /^[\t\x20-\x7e\x80-\xff]*$/.test(written),
    expected("a header's value: one line, of letters that a header can have"),
  ),
);

/** Values may be secrets of any kind. */
const token = /^[\w!#$%&'*+.^`|~-]+$/;
export const headers = form(
  "a mapping of headers",
  z.record(matching("a header's name", token), headerValue, expected("a mapping of headers")),
);
/** Of a header or a cookie. */
export const headerName = matching("a name of letters, digits and dashes, such as x-canary", token);
export const httpMethod = matching("a method of HTTP, such as POST", /^[A-Z]+$/);

const readable = "a regular expression of at most 1024 letters, without (?= and (?!";
/** RE2 looks neither ahead nor behind, and Istio takes no longer one. */
export const regularExpression = form(
  readable,
  matching(readable, /^(?![\s\S]*\(\?<?[=!])[\s\S]{1,1024}$/).check(
    z.refine((written) => {
      try {
        return new RegExp(written.replace(/^\(\?[a-zA-Z]+\)/, "")).source !== "";
      } catch {
        return false;
      }
    }, expected(readable)),
  ),
);

export const mappingOf = <T>(what: string, name: z.ZodMiniType<string>, value: z.ZodMiniType<T>) =>
  form(
    what,
    z
      .record(name as z.ZodMiniType<string, string>, value, expected(what))
      .check(z.refine((all) => Object.keys(all).length > 0, expected(what))),
  );
export const links = form("a mapping of names to URLs", z.record(text, url, expected("a mapping of names to URLs")));

const route = `(${label}/)?${dotted}`;
export const routeName = pattern("a VirtualService as name or namespace/name", new RegExp(`^${route}$`));
export const gatewayRouteName = pattern("a route as name or namespace/name", new RegExp(`^${route}$`));
export const routeNames = z.pipe(
  matching(
    "VirtualServices as name or namespace/name, separated by commas",
    new RegExp(`^[\\s,]*${route}([\\s,]+${route})*[\\s,]*$`),
  ),
  z.transform((written) => written.split(/[\s,]+/).filter((name) => name !== "")),
);

export const texts = form(
  "a text, or a list of texts",
  z.union([z.pipe(text, z.transform(split)), z.array(text)], expected("a text, or a list of texts")),
);

const aPath = "a path such as data.rate or series.0.value";
/** Names and positions, with dots between them. */
export const jsonPath = form(
  aPath,
  z.pipe(
    matching(aPath, /^[^.\s]+(\.[^.\s]+)*$/),
    z.transform((written) => written.split(".").map((part) => (/^-?\d+$/.test(part) ? Number(part) : part))),
  ),
);

const aBody = "a mapping";
export const jsonBody = form(aBody, z.record(z.string(), z.unknown(), expected(aBody)));

const aWord = "a text without NUL: no program takes one";
const aCommand = "a list of words such as [k6, run, smoke.js]: no shell takes one text apart";
export const command = form(
  aCommand,
  z.pipe(
    z
      .array(z.string(expected("a text")).check(z.regex(/^[^\0]*$/, expected(aWord))), expected(aCommand))
      .check(z.minLength(1, expected(aCommand)))
      .check(z.refine(([program]) => program !== "", expected("a program as the first word, which is empty"))),
    z.transform(([program = "", ...words]): readonly [string, ...string[]] => [program, ...words]),
  ),
);

const variable = matching("the name of a variable such as IMAGE_TAG", /^[A-Za-z_]\w*$/);

export const variableNames = form(
  "names of variables, or a list of them",
  z.union(
    [z.pipe(text, z.pipe(z.transform(split), z.array(variable))), z.array(variable)],
    expected("names of variables, or a list of them"),
  ),
);
/** Without a value it is the environment's. */
export const variableValues = form(
  "a mapping of names to values",
  z.record(variable, z.nullable(z.string(expected("a text"))), expected("a mapping of names to values")),
);

function split(written: string): readonly string[] {
  return written
    .split(/[,\n]/)
    .map((name) => name.trim())
    .filter((name) => name !== "");
}

/* Quantities. Environment variables and inputs are always text, so that each may be written as text, too. */

const aDuration = "a duration with its unit, such as 90s or 1m30s";
const longest = "30d";

/** A duration from `least` to 30 days: no job runs for longer, and a timer cannot wait for much more. */
export function durationFrom(least: string) {
  const within = (written: string): boolean => {
    const length = parseDuration(written) ?? 0;
    return length >= (parseDuration(least) ?? 0) && length <= (parseDuration(longest) ?? 0);
  };
  return form(
    aDuration,
    z.pipe(
      matching(aDuration, /^\s*(\d+(\.\d+)?(ms|s|m|h|d))+\s*$/).check(
        z.refine(within, expected(`a duration from ${least} to ${longest}`)),
      ),
      z.transform((written) => parseDuration(written) ?? 0),
    ),
  );
}

export const duration = durationFrom("0s");

/** Digits may be too many for a number, as text and in YAML. */
function numeric(what: string, regex: RegExp, ...checks: readonly z.core.$ZodCheck<number>[]) {
  const number = z.number(expected(what)).check(...checks);
  const fits = (written: string): boolean => z.safeParse(number, Number(written)).success;
  const text = matching(what, regex).check(z.refine(fits, expected(what)));
  return form(what, z.pipe(z.union([number, text], expected(what)), z.transform(Number)));
}

const upTo = (what: string, most: number) => (most === Infinity ? [] : [z.lte(most, expected(what))]);

const status = "an HTTP status from 200 to 599";
export const httpStatus = numeric(
  status,
  /^[2-5]\d\d$/,
  z.int(expected(status)),
  z.gte(200, expected(status)),
  z.lte(599, expected(status)),
);
export const decimal = (what: string) => numeric(what, /^-?\d+(\.\d+)?(e[-+]?\d+)?$/);
export const positive = (what: string, most = Infinity) =>
  numeric(what, /^(?=.*[1-9])\d+(\.\d+)?$/, z.positive(expected(what)), ...upTo(what, most));
export const count = (what: string, least: 0 | 1 = 0, most = Number.MAX_SAFE_INTEGER) =>
  numeric(
    what,
    least === 0 ? /^\d+$/ : /^0*[1-9]\d*$/,
    z.int(expected(what)),
    z.gte(least, expected(what)),
    z.lte(most, expected(what)),
  );

const aPercentile = "a percentile above 0 and below 100, such as 99";
export const percentile = numeric(
  aPercentile,
  /^(?=.*[1-9])\d{1,2}(\.\d+)?$/,
  z.gt(0, expected(aPercentile)),
  z.lt(100, expected(aPercentile)),
);

const yesOrNo = "true or false";
export const boolean = form(
  yesOrNo,
  z.pipe(
    z.union([z.boolean(expected(yesOrNo)), matching(yesOrNo, /^(true|false)$/)], expected(yesOrNo)),
    z.transform((written) => written === true || written === "true"),
  ),
);

const percentage = "a percentage such as 5%";

/** Twelve digits take away what the division adds: 99.9 / 100 is 0.9990000000000001. */
export const hundredth = (percent: number): number => Number((percent / 100).toPrecision(12));

/**
 * A ratio, written as a percentage or as a number below 1. A bare `5` is refused: it could be 5% or five times
 * everything.
 */
export const ratio = form(
  percentage,
  z.pipe(
    z.union(
      [
        matching(percentage, /^\s*(100|\d{1,2}(\.\d+)?)\s*%\s*$|^0?\.\d+$|^0$/),
        z.number(expected(percentage)).check(
          z.gte(0, expected(percentage)),
          z.lt(1, {
            error: ({ input }) => `expected ${percentage} or a ratio such as 0.05; write ${input}% if that is meant`,
          }),
        ),
      ],
      expected(percentage),
    ),
    z.transform((written) =>
      String(written).includes("%") ? hundredth(Number.parseFloat(String(written))) : Number(written),
    ),
  ),
);

const wholePercent = "a whole percent from 0 to 100";
export const weight = form(
  wholePercent,
  z.pipe(
    z.union(
      [
        z
          .number(expected(wholePercent))
          .check(z.int(expected(wholePercent)), z.gte(0, expected(wholePercent)), z.lte(100, expected(wholePercent))),
        matching(wholePercent, /^\s*(100|[1-9]?\d)\s*%?\s*$/),
      ],
      expected(wholePercent),
    ),
    z.transform((written) => Number.parseInt(String(written), 10)),
  ),
);

const replicaWords: Readonly<Record<string, Replicas>> = {
  same: { kind: "percent", percent: 100 },
  "by-weight": { kind: "by-weight" },
  keep: { kind: "keep" },
};
const podCount = "a number of pods, a percentage of stable's such as 50%, same, by-weight or keep";
/** More pods than a cluster can have: https://kubernetes.io/docs/setup/best-practices/cluster-large/ */
const tooMany = 1_000_000;

export const replicas = form(
  podCount,
  z.pipe(
    z.union(
      [
        z
          .number(expected(podCount))
          .check(z.int(expected(podCount)), z.gte(1, expected(podCount)), z.lt(tooMany, expected(podCount))),
        matching(podCount, /^(same|by-weight|keep|[1-9]\d{0,5}%?)$/),
      ],
      expected(podCount),
    ),
    z.transform((written): Replicas => {
      const word = replicaWords[written];
      if (word) return word;
      const number = Number.parseInt(String(written), 10);
      if (String(written).endsWith("%")) return { kind: "percent", percent: number };
      return { kind: "count", count: number };
    }),
  ),
);

/* What values are made into */

/** One of a few words. `or` names the other forms that may stand there. */
export const choice = <const T extends readonly string[]>(words: T, or = "") =>
  form(
    `${listed(words)}${or}`,
    z.enum(words, {
      error: ({ input }) => {
        const meant = typeof input === "string" ? nearest(input, words) : undefined;
        return `expected ${listed(words)}${or}${meant === undefined ? "" : ` (did you mean ${meant}?)`}`;
      },
    }),
  );

/**
 * A mapping with these keys and no others. Several unknown keys are several lines, which the reader of the issue takes
 * apart. `beside`: what else may stand in its place, for whoever meant that.
 */
export const section = <T extends z.core.$ZodLooseShape>(shape: T, beside: readonly string[] = []) =>
  z.strictObject(shape, {
    error: (issue) => {
      const known = Object.keys(shape);
      return issue.code === "unrecognized_keys"
        ? issue.keys.map((key) => unknown("key", key, known, beside)).join("\n")
        : `expected a mapping with ${listed(known)}`;
    },
  });

/** The first of several forms that fits. When none does, the errors of the one that was probably meant are told. */
export const either = <O>(what: string, schemas: readonly z.ZodMiniType<O, unknown>[]): z.ZodMiniType<O, unknown> =>
  form(what, z.union(schemas, expected(what)));

/** `a, b or c` */
const listed = (words: readonly string[]): string =>
  words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
