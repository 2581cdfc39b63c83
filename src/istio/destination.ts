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
  readonly raw: Raw;
};

/** `namespace` is that of the object it stands in. */
export const readDestination = (raw: unknown, namespace: string): Destination => ({
  host: readHost(textAt(raw, "host") ?? "", namespace),
  subset: textAt(raw, "subset") || undefined,
  port: numberAt(raw, "port", "number"),
});

export const readWeighted = (raw: Raw, namespace: string): WeightedDestination => ({
  ...readDestination(objectAt(raw, "destination"), namespace),
  weight: raw.weight,
  raw,
});

/** An omitted weight is 0: https://protobuf.dev/programming-guides/proto3/#default */
export const weightOf = ({ weight }: WeightedDestination): number => (typeof weight === "number" ? weight : 0);

export const sumOf = (destinations: readonly WeightedDestination[]): number =>
  destinations.reduce((sum, destination) => sum + weightOf(destination), 0);

/**
 * A single destination gets every request, whatever its weight: istio/istio pilot/pkg/networking/core/route/route.go
 */
export const trafficOf = (destination: WeightedDestination, among: readonly WeightedDestination[]): number =>
  among.length === 1 ? 1 : weightOf(destination) / (sumOf(among) || 1);

/** What Istio's int32 takes, or nothing. */
export const isWeight = (weight: unknown): boolean =>
  weight === undefined || (Number.isInteger(weight) && Number(weight) >= 0);
