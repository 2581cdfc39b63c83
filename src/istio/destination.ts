import { numberAt, objectAt, textAt } from "../kubernetes/field.ts";
import { type Host, readHost } from "./host.ts";

/** A piece of an object as the API server wrote it, with every field that this program does not know. */
export type Raw = Readonly<Record<string, unknown>>;

/** Where a rule sends requests to. */
export type Destination = {
  readonly host: Host;
  readonly subset: string | undefined;
  readonly port: number | undefined;
};

/** One of the destinations among which a rule divides its requests. */
export type WeightedDestination = Destination & {
  /** As it stands there: mostly a number or nothing, but templates have written texts. */
  readonly weight: unknown;
  /** What it counts for among the others: requests are divided in proportion. */
  readonly counts: number;
  readonly raw: Raw;
};

/** `namespace` is that of the object it stands in. */
export const readDestination = (raw: unknown, namespace: string): Destination => ({
  host: readHost(textAt(raw, "host") ?? "", namespace),
  subset: textAt(raw, "subset") || undefined,
  port: numberAt(raw, "port", "number"),
});

/**
 * The destinations of one rule of a VirtualService. A single one gets every request, whatever its weight
 * (istio/istio pilot/pkg/networking/core/route/route.go); of several, an omitted weight is 0
 * (https://protobuf.dev/programming-guides/proto3/#default).
 */
export const readWeighted = (list: readonly unknown[], namespace: string): readonly WeightedDestination[] =>
  list.map((one) => {
    const raw = objectAt(one);
    const { weight } = raw;
    const counts = list.length === 1 ? 1 : numberOr(weight, 0);
    return { ...readDestination(raw.destination, namespace), weight, counts, raw };
  });

export const numberOr = (weight: unknown, usual: number): number => (typeof weight === "number" ? weight : usual);

export const sumOf = (destinations: readonly WeightedDestination[]): number =>
  destinations.reduce((sum, { counts }) => sum + counts, 0);

/** Its part of the requests of its rule, 0 to 1. */
export const trafficOf = ({ counts }: WeightedDestination, among: readonly WeightedDestination[]): number =>
  counts / (sumOf(among) || 1);

/** A whole number from 0 on, or nothing. */
export const isWeight = (weight: unknown): boolean =>
  weight === undefined || (Number.isInteger(weight) && Number(weight) >= 0);
