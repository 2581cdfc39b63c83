import type { Kind } from "./kind.ts";
import { isObject } from "./object.ts";

/** What istiod's validating webhook says about an object: the first error, or warnings. */
export type Review = { readonly error?: string; readonly warnings: readonly string[] };

type Fields = Readonly<Record<string, unknown>>;

export const istioWebhook = "rev.validation.istio.io";

const fields = (value: unknown): Fields => (isObject(value) ? value : {});
const items = (value: unknown): readonly Fields[] => (Array.isArray(value) ? value.map(fields) : []);
const present = (value: unknown): boolean => value !== undefined && value !== null;

const reviews: Readonly<Record<string, (spec: Fields) => readonly string[]>> = {
  VirtualService: virtualServiceErrors,
  DestinationRule: destinationRuleErrors,
  Gateway: (spec) => (items(spec.servers).length === 0 ? ["gateway must have at least one server"] : []),
  ServiceEntry: () => [],
};

/**
 * The semantic rules that matter to a release, as pilot validates them:
 * https://github.com/istio/istio/blob/1.28.0/pkg/config/validation/validation.go
 */
export function reviewIstioObject(kind: Kind, object: Fields): Review {
  if (!kind.group.endsWith("istio.io")) return { warnings: [] };
  const spec = fields(object.spec);
  const errors = (isIstios(kind) && reviews[kind.kind]?.(spec)) || [];
  if (errors.length > 0) return { error: `configuration is invalid: ${told(errors)}`, warnings: [] };
  return { warnings: kind.kind === "VirtualService" ? unreachableRules(items(spec.http)) : [] };
}

/** Several errors are written as Go's multierror writes them. */
const told = (errors: readonly string[]): string =>
  errors.length === 1
    ? (errors[0] ?? "")
    : `${errors.length} errors occurred:\n${errors.map((error) => `\t* ${error}\n`).join("")}\n`;

function virtualServiceErrors(spec: Fields): readonly string[] {
  const protocols = [spec.http, spec.tcp, spec.tls].map(items);
  return [
    ...(protocols.every((routes) => routes.length === 0)
      ? ["http, tcp or tls must be provided in virtual service"]
      : []),
    ...items(spec.http).flatMap(httpRouteErrors),
    ...items(spec.tls).flatMap((route) => [
      ...(items(route.match).length === 0 ? ["TLS match is required"] : []),
      ...routeErrors(items(route.route), "TLS route"),
    ]),
    ...items(spec.tcp).flatMap((route) => routeErrors(items(route.route), "TCP route")),
  ];
}

function httpRouteErrors(route: Fields): readonly string[] {
  const destinations = items(route.route);
  const answers = present(route.redirect) || present(route.directResponse);
  return [
    ...(destinations.length === 0 && !answers && !present(route.delegate)
      ? ["HTTP route, redirect or direct_response is required"]
      : []),
    ...(destinations.length > 0 && present(route.redirect)
      ? ["HTTP route cannot contain both route and redirect"]
      : []),
    ...(present(route.mirror) && items(route.mirrors).length > 0
      ? ["HTTP route cannot contain both mirror and mirrors"]
      : []),
    ...routeErrors(destinations, ""),
  ];
}

function routeErrors(destinations: readonly Fields[], emptyIsError: string): readonly string[] {
  const weights = destinations.map(({ weight }) => (typeof weight === "number" ? weight : 0));
  const sum = weights.reduce((a, b) => a + b, 0);
  return [
    ...(destinations.length === 0 && emptyIsError !== "" ? [`${emptyIsError} is required`] : []),
    ...destinations.flatMap((destination, at) => [
      ...destinationErrors(destination),
      ...((weights[at] ?? 0) < 0 ? [`weight ${weights[at]} < 0`] : []),
    ]),
    ...(destinations.length > 1 && sum === 0 ? ["total destination weight = 0"] : []),
  ];
}

/** https://github.com/istio/istio/blob/release-1.28/pkg/config/labels/instance.go */
const label = /^[a-zA-Z0-9]([-a-zA-Z0-9]{0,61}[a-zA-Z0-9])?$/;

function destinationErrors(route: Fields): readonly string[] {
  if (!present(route.destination)) return ["destination is required"];
  const { host, subset, port } = fields(route.destination);
  const number = fields(port).number;
  return [
    ...(host === "*" ? ["invalid destination host *"] : []),
    ...(host === "" ? ["empty domain name not allowed"] : []),
    ...(typeof subset === "string" && subset !== "" && !label.test(subset)
      ? [`subset name is invalid: ${subset}`]
      : []),
    ...(typeof number === "number" && (number < 1 || number > 65_535)
      ? [`port number ${number} must be in the range 1..65535`]
      : []),
  ];
}

function destinationRuleErrors(spec: Fields): readonly string[] {
  const names = items(spec.subsets).map(({ name }) => String(name ?? ""));
  return [
    ...names.filter((name, at) => names.indexOf(name) !== at).map((name) => `duplicate subset names: ${name}`),
    ...names.filter((name) => !label.test(name)).map((name) => `subset name is invalid: ${name}`),
  ];
}

/** IST0130: a rule behind one that takes everything is never used. */
function unreachableRules(routes: readonly Fields[]): readonly string[] {
  const catchAll = routes.findIndex(({ match }) => items(match).length === 0);
  if (catchAll < 0) return [];
  return routes.flatMap((route, at) => {
    if (at <= catchAll) return [];
    const name = typeof route.name === "string" && route.name !== "" ? `"${route.name}"` : `#${at}`;
    return [
      `virtualService rule ${name} not used (${items(route.match).length === 0 ? "only the last rule can have no matches" : "route without matches defined before"})`,
    ];
  });
}

/** The Gateway API has kinds of the same names. */
const isIstios = ({ group }: Kind): boolean => group.endsWith(".istio.io");
