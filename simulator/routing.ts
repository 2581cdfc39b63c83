import { kindNamed } from "../sandbox/api-server/kind.ts";
import type { StoredObject } from "../sandbox/api-server/object.ts";
import type { Store } from "../sandbox/api-server/store.ts";
import type { Target } from "../src/release/target.ts";

/** By what a simulated shop's requests are divided. */
export const routings = ["VirtualService", "HTTPRoute"] as const;
export type Routing = (typeof routings)[number];

/** Where a rule sends requests: the version of the subset, or of the Service; undefined is every pod of the service. */
export type Sent = { readonly version: string | undefined; readonly weight: number | undefined };

const namespace = "shop";
const name = "reviews";

/** The Service of one version, where routes know no subsets. */
export const serviceOf = (version: string): string => `${name}-${version}`;
const versionOf = (service: string): string | undefined =>
  service === name ? undefined : service.replace(`${name}-`, "");

/** The kinds that divide requests. */
export const routeKinds: ReadonlySet<string> = new Set(["virtualservices", "httproutes"]);

/** The one route of the shop, whatever its kind. */
export const routeIn = (store: Store): StoredObject | undefined =>
  store.get(kindNamed("virtualservices"), namespace, name) ?? store.get(kindNamed("httproutes"), namespace, name);

/** Who calls, as far as a rule can ask it. */
export type Caller = {
  readonly headers: Readonly<Record<string, string>>;
  /** Of his own pod. */
  readonly labels: Readonly<Record<string, string>>;
  /** His part of the requests. */
  readonly share: number;
};

/** One of whom nobody knows anything. */
export const anybody: Caller = { headers: {}, labels: {}, share: 1 };

type Match = Readonly<Record<string, unknown>>;

type VirtualRule = {
  readonly name?: string;
  readonly match?: readonly Match[];
  readonly fault?: {
    readonly delay?: { readonly fixedDelay: string };
    readonly abort?: { readonly httpStatus: number };
  };
  readonly route?: readonly { readonly destination: { readonly subset?: string }; readonly weight?: number }[];
};
type GatewayRule = {
  readonly name?: string;
  readonly matches?: readonly Match[];
  readonly backendRefs?: readonly { readonly name: string; readonly weight?: number }[];
};

/** A rule, whatever the route's kind: where it sends whom, and what is done to their requests on the way. */
type Rule = {
  readonly name: string | undefined;
  readonly matches: readonly Match[];
  readonly sent: readonly Sent[];
  readonly fault: VirtualRule["fault"];
};

function rulesOf({ kind, spec }: StoredObject): readonly Rule[] {
  if (kind === "HTTPRoute") {
    const { rules = [] } = spec as { readonly rules?: readonly GatewayRule[] };
    return rules.map(({ name, matches = [], backendRefs = [] }) => {
      const sent = backendRefs.map((backend) => ({ version: versionOf(backend.name), weight: backend.weight }));
      return { name, matches, sent, fault: undefined };
    });
  }
  const { http = [] } = spec as { readonly http?: readonly VirtualRule[] };
  return http.map(({ name, match: matches = [], route = [], fault }) => {
    const sent = route.map(({ destination, weight }) => ({ version: destination.subset, weight }));
    return { name, matches, sent, fault };
  });
}

/** Where the rule that a release moves sends requests. */
const sentBy = (route: StoredObject): readonly Sent[] =>
  rulesOf(route).find(({ name }) => name === "primary")?.sent ?? [];

export const isForTesters = ({ name = "" }: { readonly name?: string | undefined }): boolean =>
  name.startsWith("istio-canary-testers");

/** Whether somebody gets the canary, whatever its weight. */
export const letsTestersIn = (route: StoredObject): boolean => rulesOf(route).some(isForTesters);

/** A part of the requests: to which version, and what is done to it on the way. */
export type SentShare = {
  readonly version: string | undefined;
  readonly share: number;
  readonly fault?: VirtualRule["fault"];
};

/** How a route divides the requests of these callers. */
export const sharesBy = (route: StoredObject, callers: readonly Caller[]): readonly SentShare[] =>
  callers.flatMap((caller) => {
    const rule = ruleFor(rulesOf(route), caller, route.kind === "HTTPRoute");
    if (rule === undefined) return [];
    return sharesOf(rule.sent).map((sent) => ({ ...sent, share: sent.share * caller.share, fault: rule.fault }));
  });

/** The first rule that takes him; of the Gateway API the one that asks for most. */
function ruleFor(rules: readonly Rule[], caller: Caller, byMost: boolean): Rule | undefined {
  const taking = rules.flatMap((rule) => {
    const asked = rule.matches.filter((match) => takes(match, caller)).map((match) => namesOf(match.headers).length);
    if (rule.matches.length === 0) asked.push(0);
    return asked.length === 0 ? [] : [{ rule, asked: Math.max(...asked) }];
  });
  if (byMost) taking.sort((a, b) => b.asked - a.asked);
  return taking[0]?.rule;
}

const namesOf = (asked: unknown): readonly string[] => Object.keys((asked ?? {}) as object);

/** What a match may ask here; whatever else is asked nobody has thought of yet. */
const conditions: Readonly<Record<string, (asked: never, caller: Caller) => boolean>> = {
  path: ({ value }: { readonly value: string }) => value === "/",
  sourceLabels: (asked: Caller["labels"], { labels }) =>
    Object.entries(asked).every(([name, value]) => labels[name] === value),
  headers: (
    asked: readonly { name: string; value: string }[] | Readonly<Record<string, { exact?: string }>>,
    { headers },
  ) =>
    Array.isArray(asked)
      ? asked.every(({ name, value }) => headers[name] === value)
      : Object.entries(asked).every(([name, { exact }]) => headers[name] === exact),
};

function takes(match: Match, caller: Caller): boolean {
  return Object.entries(match).every(([field, asked]) => {
    const holds = conditions[field];
    if (holds === undefined) throw new Error(`no simulated proxy knows what ${field} asks`);
    return holds(asked as never, caller);
  });
}

/** Each destination's part of the requests; one alone gets everything, whatever its weight. */
function sharesOf(sent: readonly Sent[]): readonly { readonly version: string | undefined; share: number }[] {
  const total = sent.reduce((sum, { weight = 0 }) => sum + weight, 0);
  return sent.map(({ version, weight = 0 }) => ({ version, share: sent.length === 1 ? 1 : weight / total }));
}

/** The canary's part in percent. */
export function canaryPercent(route: StoredObject, { canary }: Target): number {
  const wanted = canary.subset ?? versionOf(canary.host);
  const found = sharesOf(sentBy(route)).find(({ version }) => version === wanted);
  return Math.round(100 * (found?.share ?? 0));
}

/** `v1 90, v2 10; testers v2`. */
export function routeText(route: StoredObject): string {
  const words = sentBy(route).map(({ version, weight }) => `${version} ${weight ?? "-"}`);
  const added = rulesOf(route).filter(isForTesters);
  const beside = added.map(({ sent, fault }) => {
    const drill = fault === undefined ? "" : ` (${Object.keys(fault).join()})`;
    return `; testers ${sent.map(({ version }) => version).join(", ")}${drill}`;
  });
  return words.join(", ") + beside.join("");
}

/** The labels of the pods that a destination reaches; undefined where nothing says so. */
export function labelsBehind(
  store: Store,
  route: StoredObject | undefined,
  version: string | undefined,
): Readonly<Record<string, string>> | undefined {
  if (version === undefined) return {};
  if (route?.kind === "HTTPRoute") {
    const service = store.get(kindNamed("services"), namespace, serviceOf(version));
    return (service?.spec as { readonly selector?: Record<string, string> } | undefined)?.selector;
  }
  const subsets = store
    .list(kindNamed("destinationrules"), namespace)
    .flatMap(
      ({ spec }) => (spec as { subsets?: readonly { name: string; labels?: Record<string, string> }[] }).subsets ?? [],
    );
  return subsets.find((subset) => subset.name === version)?.labels;
}

/** Whether all is there that brings requests to a version: only then somebody could bring them to it. */
export function isWhole(store: Store, version: string): boolean {
  const route = routeIn(store);
  return route !== undefined && labelsBehind(store, route, version) !== undefined;
}
