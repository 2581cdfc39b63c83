import { groupOf, type KubernetesObject } from "../kubernetes/object.ts";

/** What there is before a first release: the objects of a namespace, or of some files. */
export type InitGround = {
  readonly namespace: string;
  readonly service: string;
  readonly objects: readonly KubernetesObject[];
  /** The version of `networking.istio.io` that is served. */
  readonly istioVersion: string;
  /** Whether routes of the Gateway API are served. */
  readonly servesGatewayApi: boolean;
  /** Where an object stands, by `Service shop/reviews`; nothing of objects in a cluster. */
  readonly places: ReadonlyMap<string, readonly string[]>;
};

/** The kinds of route that can be made. */
export const families = ["virtual-service", "http-route"] as const;

/** What somebody asks for beside the service's name. */
export type Wish = {
  /** The Deployment that serves now; undefined: whichever the routes send to. */
  readonly stable?: string | undefined;
  readonly canary?: string | undefined;
  readonly family?: (typeof families)[number] | undefined;
  /** A host that the service is to be reached by from outside. */
  readonly host?: string | undefined;
};

/** Kinds are called alike in several groups: `Gateway` is Istio's and the Gateway API's. */
export const ofKind = ({ objects }: InitGround, kind: string, group?: string): readonly KubernetesObject[] =>
  objects.filter((one) => one.kind === kind && (group === undefined || groupOf(one) === group));

export const inOwnNamespace = (ground: InitGround, kind: string, group?: string): readonly KubernetesObject[] =>
  ofKind(ground, kind, group).filter(({ metadata }) => metadata.namespace === ground.namespace);

/** A name that no object of the kind has yet. */
export function freeName(ground: InitGround, kind: string, wanted: string): string {
  const taken = new Set(inOwnNamespace(ground, kind).map(({ metadata }) => metadata.name));
  if (!taken.has(wanted)) return wanted;
  return taken.has(`${wanted}-release`) ? `${wanted}-release-2` : `${wanted}-release`;
}
