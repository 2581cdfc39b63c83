import type { Resource } from "./object.ts";

/**
 * The collection of a kind that is known by its manifest alone. The plural follows the rule by which custom resources
 * and all of Kubernetes' own kinds are named (`Ingress` ingresses, `NetworkPolicy` networkpolicies, `Gateway`
 * gateways); the API server knows no shorter way than reading its whole description.
 */
export function resourceOf(apiVersion: string, kind: string): Resource {
  const [version = "", group = ""] = apiVersion.split("/").reverse();
  return { group, version, kind, plural: pluralOf(kind.toLowerCase()) };
}

function pluralOf(singular: string): string {
  if (singular === "endpoints") return singular;
  if (/(s|x|ch|sh)$/.test(singular)) return `${singular}es`;
  return /[^aeiou]y$/.test(singular) ? `${singular.slice(0, -1)}ies` : `${singular}s`;
}
