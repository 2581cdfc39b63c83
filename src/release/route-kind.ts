/** The kinds of object by which a mesh can be told how requests divide. */
export const routeKinds = ["VirtualService", "HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute"] as const;
export type RouteKind = (typeof routeKinds)[number];

const usualKind: RouteKind = "VirtualService";

type NamedRoute = { readonly kind: RouteKind; readonly namespace: string; readonly name: string };

/** How people find it: `VirtualService shop/reviews`. */
export const routeWord = ({ kind, namespace, name }: NamedRoute): string => `${kind} ${namespace}/${name}`;

/** The kinds among some routes; where there are none, the one that is meant where nobody says which. */
export function kindsAmong(routes: readonly { readonly kind: RouteKind }[]): readonly RouteKind[] {
  const kinds = new Set(routes.map(({ kind }) => kind));
  if (kinds.size > 0) return [...kinds];
  return [usualKind];
}
