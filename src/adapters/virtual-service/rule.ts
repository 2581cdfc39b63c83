import type { KubernetesObject } from "../../kubernetes/object.ts";

/** A piece of an object as the API server wrote it, with every field that this program does not know. */
export type Raw = Readonly<Record<string, unknown>>;

/** Where a VirtualService keeps rules with weights, and by which fields such a rule does something else than dividing requests. */
type RouteList = { readonly key: "http"; readonly instead: readonly string[] };

/** One row for each protocol. A rule of tls or tcp would have no name; nothing else would differ. */
const routeLists: readonly RouteList[] = [{ key: "http", instead: ["delegate", "redirect", "directResponse"] }];

/** One of the destinations among which a rule divides requests. */
export type Entry = {
  readonly raw: Raw;
  readonly host: string;
  readonly subset?: string;
  readonly port?: number;
  /** As it stands there: mostly a number or nothing, but templates have written texts. */
  readonly weight: unknown;
};

/** One rule of a VirtualService, as far as a release reads it. */
export type Rule = {
  readonly list: RouteList["key"];
  readonly index: number;
  readonly name?: string;
  readonly match?: unknown;
  readonly entries: readonly Entry[];
  /** What it does instead of dividing requests: `delegate`, `redirect`, `directResponse`. */
  readonly instead?: string;
  readonly raw: Raw;
};

export const isRaw = (value: unknown): value is Raw =>
  typeof value === "object" && value !== null && !Array.isArray(value);
export const rawList = (value: unknown): readonly Raw[] => (Array.isArray(value) ? value.filter(isRaw) : []);

export function rulesOf(object: KubernetesObject): readonly Rule[] {
  const spec = isRaw(object.spec) ? object.spec : {};
  return routeLists.flatMap((list) => rawList(spec[list.key]).map((raw, index) => ruleOf(list, raw, index)));
}

function ruleOf({ key, instead }: RouteList, raw: Raw, index: number): Rule {
  const other = instead.find((field) => raw[field] !== undefined);
  return {
    list: key,
    index,
    ...(typeof raw.name === "string" && raw.name !== "" ? { name: raw.name } : {}),
    ...(raw.match === undefined ? {} : { match: raw.match }),
    entries: rawList(raw.route).map(entryOf),
    ...(other === undefined ? {} : { instead: other }),
    raw,
  };
}

export function entryOf(raw: Raw): Entry {
  const { host, subset, port } = isRaw(raw.destination) ? raw.destination : {};
  const number = isRaw(port) ? port.number : undefined;
  return {
    raw,
    host: typeof host === "string" ? host : "",
    ...(typeof subset === "string" && subset !== "" ? { subset } : {}),
    ...(typeof number === "number" ? { port: number } : {}),
    weight: raw.weight,
  };
}

/** An omitted weight is 0: https://protobuf.dev/programming-guides/proto3/#default */
export const weightOf = ({ weight }: Entry): number => (typeof weight === "number" ? weight : 0);

export const sumOf = (entries: readonly Entry[]): number => entries.reduce((sum, entry) => sum + weightOf(entry), 0);

/** A single destination gets every request, whatever its weight: istio/istio pilot/pkg/networking/core/route/route.go */
export const trafficOf = (entry: Entry, among: readonly Entry[]): number =>
  among.length === 1 ? 1 : weightOf(entry) / (sumOf(among) || 1);
