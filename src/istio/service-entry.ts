import { field, listAt, textAt, textsAt } from "../kubernetes/field.ts";
import type { KubernetesObject } from "../kubernetes/object.ts";
import { carries, type Labels } from "../kubernetes/selector.ts";

/** Where a ServiceEntry sends requests to: the pods of its namespace with some labels, or an address or name. */
export type EntrySource = { readonly labels: Labels } | { readonly address: string };

/**
 * https://istio.io/latest/docs/reference/config/networking/service-entry/; WorkloadEntries are selected as pods are, and
 * have an address. Without either a name that DNS resolves is its own address.
 */
export function sourcesOf(
  entry: KubernetesObject,
  workloadEntries: readonly KubernetesObject[],
): readonly EntrySource[] {
  const endpoints = listAt(entry, "spec", "endpoints");
  const isSelecting = field(entry, "spec", "workloadSelector") !== undefined;
  const labels = textsAt(entry, "spec", "workloadSelector", "labels");
  const selected = workloadEntries.filter(
    (one) => one.metadata.namespace === entry.metadata.namespace && carries(textsAt(one, "spec", "labels"), labels),
  );
  const addressed = [...endpoints, ...(isSelecting ? selected.map(({ spec }) => spec) : [])];
  const isByName = !isSelecting && endpoints.length === 0 && textAt(entry, "spec", "resolution")?.startsWith("DNS");
  const addresses = addressed.flatMap((one) => textAt(one, "address") ?? []);
  const names = isByName ? listAt(entry, "spec", "hosts").map(String) : [];
  return [...(isSelecting ? [{ labels }] : []), ...[...addresses, ...names].map((address) => ({ address }))];
}

/** No name, but where a pod may be. */
export const isIp = (address: string): boolean => /^[\d.]+$|:/.test(address);
