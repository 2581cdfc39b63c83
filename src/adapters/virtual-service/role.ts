import type { Target, Version } from "../../release/target.ts";
import { resolveHost, sameHost, writtenLike } from "./host.ts";
import { type Entry, isRaw, type Raw } from "./rule.ts";

export type Role = "stable" | "canary";
export const roles: readonly Role[] = ["stable", "canary"];

/** The two versions, and the namespace in which their short host names are meant. */
export type Pair = Pick<Target, "namespace" | Role>;

/** The two versions as the destinations of one VirtualService name them. */
export type Versions = {
  /** Undefined for a third destination. */
  readonly roleOf: (entry: Entry) => Role | undefined;
  /** Every index at which a version stands; more than one when a rule names it by several ports, or twice. */
  readonly indexesOf: (role: Role, entries: readonly Entry[]) => readonly number[];
  /**
   * The canary's destination for a rule that has stable's alone: a copy of it, with port, headers and whatever else it has,
   * because the canary has to be treated as stable is, and takes its place after a swap.
   */
  readonly canaryLike: (stable: Entry) => Raw;
};

/** `namespace` is the VirtualService's: short host names in it belong there. */
export function versionsIn(namespace: string, pair: Pair): Versions {
  const is = (entry: Entry, { host, subset }: Version): boolean =>
    entry.subset === (subset || undefined) &&
    sameHost(resolveHost(entry.host, namespace), resolveHost(host, pair.namespace));
  const roleOf = (entry: Entry): Role | undefined => roles.find((role) => is(entry, pair[role]));
  return {
    roleOf,
    indexesOf: (role, entries) => entries.flatMap((entry, index) => (roleOf(entry) === role ? [index] : [])),
    canaryLike(stable) {
      const { host: _, subset: __, ...rest }: Raw = isRaw(stable.raw.destination) ? stable.raw.destination : {};
      const host = writtenLike(stable.host, namespace, pair.canary.host, pair.namespace);
      return {
        ...stable.raw,
        destination: { host, ...(pair.canary.subset ? { subset: pair.canary.subset } : {}), ...rest },
      };
    },
  };
}
