/** The kinds of object by which a mesh can be told how requests divide. */
const allKinds = ["VirtualService"] as const;
export type RouteKind = (typeof allKinds)[number];

type NamedRoute = { readonly kind: RouteKind; readonly namespace: string; readonly name: string };

/** How people find it: `VirtualService shop/reviews`. */
export const routeWord = ({ kind, namespace, name }: NamedRoute): string => `${kind} ${namespace}/${name}`;

/** The kinds among some routes; where there are none, every kind there is. */
export function kindsAmong(routes: readonly { readonly kind: RouteKind }[]): readonly RouteKind[] {
  const kinds = new Set(routes.map(({ kind }) => kind));
  return kinds.size > 0 ? [...kinds] : allKinds;
}
