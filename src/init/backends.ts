import { gatewayGroup, gatewayKinds, gatewayRouteRules } from "../istio/gateway-route.ts";
import { sameHost } from "../istio/host.ts";
import { parentRefsOf } from "../istio/route-parent.ts";
import type { RouteRule } from "../istio/route-rule.ts";
import { portsOf, selectorOfService } from "../istio/service.ts";
import { listAt, objectAt } from "../kubernetes/field.ts";
import { type KubernetesObject, placeWord } from "../kubernetes/object.ts";
import { freeName, type InitGround, inOwnNamespace, ofKind } from "./ground.ts";
import type { ObjectChange } from "./proposal.ts";
import { isOfService, serviceHost } from "./reach.ts";
import { type InitVersion, type InitVersions, isFor, type VersionRole } from "./versions.ts";
import { secretFor } from "./virtual-services.ts";

type Names = Readonly<Record<VersionRole, string>>;

/** A route of the Gateway API names no subsets: each version has a Service of its own. */
export type Backends = { readonly names: Names; readonly made: readonly ObjectChange[] };

export function chooseBackends(ground: InitGround, service: KubernetesObject, versions: InitVersions): Backends {
  const found = { stable: serviceOf(ground, versions, "stable"), canary: serviceOf(ground, versions, "canary") };
  const nameOf = (role: VersionRole): string =>
    found[role] ?? freeName(ground, "Service", `${ground.service}-${wordOf(versions, role)}`);
  const names = { stable: nameOf("stable"), canary: nameOf("canary") };
  const missing = (["stable", "canary"] as const).filter((role) => found[role] === undefined);
  const why = { kind: "backends", service: ground.service, names: missing.map((role) => names[role]) } as const;
  return {
    names,
    made: missing.map((role) => ({ object: backend(service, names[role], versions[role]), whys: [why] })),
  };
}

const wordOf = ({ from, ...versions }: InitVersions, role: VersionRole): string =>
  from === "existing" ? versions[role].value.replace(/[^a-z0-9-]+/g, "-") : role;

/** The Service that has one version's pods alone. */
const serviceOf = (ground: InitGround, versions: InitVersions, role: VersionRole): string | undefined =>
  inOwnNamespace(ground, "Service").find((service) => {
    const selector = selectorOfService(service) ?? {};
    const isOwn = Object.keys(selector).length > 0 && service.metadata.name !== ground.service;
    return isOwn && isFor(role, versions, selector);
  })?.metadata.name;

const backend = (service: KubernetesObject, name: string, { key, value }: InitVersion): KubernetesObject => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name, namespace: service.metadata.namespace ?? "" },
  spec: {
    selector: { ...selectorOfService(service), [key]: value },
    ports: listAt(service, "spec", "ports").map((port) => {
      const { nodePort: _, ...rest } = objectAt(port);
      return rest;
    }),
  },
});

const rulesToService = (ground: InitGround, object: KubernetesObject): readonly RouteRule[] =>
  gatewayRouteRules(object).filter(({ destinations }) => destinations.some((one) => isOfService(ground, one)));

/** The routes of the Gateway API that are for the service, or send to it or to its versions. */
export const routesForService = (ground: InitGround, names?: Names): readonly KubernetesObject[] =>
  gatewayKinds
    .flatMap(({ kind }) => ofKind(ground, kind))
    .filter(
      (object) =>
        rulesToService(ground, object).length > 0 ||
        parentRefsOf(object).some(
          ({ kind, name, namespace }) =>
            kind === "Service" && name === ground.service && namespace === ground.namespace,
        ) ||
        gatewayRouteRules(object).some(({ destinations }) =>
          destinations.some(({ host }) => host.service?.name === names?.stable && names !== undefined),
        ),
    );

/** The Service of all versions as a backend is the canary's pods, too. */
export function throughBackend(ground: InitGround, object: KubernetesObject, stable: string): ObjectChange | undefined {
  const open = rulesToService(ground, object);
  if (open.length === 0) return undefined;
  const spec = objectAt(object, "spec");
  const rules = listAt(spec, "rules").map((rule, at) => {
    const found = open.find(({ index }) => index === at);
    if (!found) return rule;
    const backendRefs = found.destinations.map(({ host, raw }) =>
      sameHost(host, serviceHost(ground)) ? { ...raw, name: stable } : raw,
    );
    return { ...objectAt(rule), backendRefs };
  });
  const words = open.map(({ name, place }) => name ?? place);
  return {
    object: { ...object, spec: { ...spec, rules } },
    whys: [{ kind: "unpinned-route", word: placeWord(object), rules: words, to: stable }],
  };
}

const inGatewayApi = (kind: string, namespace: string, name: string, spec: object): KubernetesObject => ({
  apiVersion: `${gatewayGroup}/v1`,
  kind,
  metadata: { name, namespace },
  spec,
});

const backendRefs = ({ stable, canary }: Names, port: number): readonly object[] => [
  { name: stable, port, weight: 100 },
  { name: canary, port, weight: 0 },
];

const firstPort = (service: KubernetesObject): number => portsOf(service)[0]?.number ?? 80;

/** For whoever calls the Service in the mesh. */
export const newHttpRoute = (ground: InitGround, service: KubernetesObject, names: Names): ObjectChange => {
  const port = firstPort(service);
  const parent = { group: "", kind: "Service", name: ground.service, port };
  const spec = { parentRefs: [parent], rules: [{ backendRefs: backendRefs(names, port) }] };
  const name = freeName(ground, "HTTPRoute", ground.service);
  return { object: inGatewayApi("HTTPRoute", ground.namespace, name, spec), whys: [{ kind: "route", ...names }] };
};

/** A Gateway with TLS for a host, the route behind it, and one that sends plain requests there. */
export function newEntry(ground: InitGround, service: KubernetesObject, names: Names, host: string) {
  const { namespace } = ground;
  const gateway = freeName(ground, "Gateway", ground.service);
  const route = freeName(ground, "HTTPRoute", `${ground.service}-entry`);
  const parentRefs = (sectionName: string): readonly object[] => [{ name: gateway, sectionName }];
  const redirect = { type: "RequestRedirect", requestRedirect: { scheme: "https", statusCode: 301 } };
  const refs = backendRefs(names, firstPort(service));
  const behind = { parentRefs: parentRefs("https"), hostnames: [host], rules: [{ backendRefs: refs }] };
  const plain = { parentRefs: parentRefs("http"), hostnames: [host], rules: [{ filters: [redirect] }] };
  const why = { kind: "gateway", host, secret: secretFor(host), namespace } as const;
  const change = (kind: string, name: string, spec: object, whys: ObjectChange["whys"]): ObjectChange => ({
    object: inGatewayApi(kind, namespace, name, spec),
    whys,
  });
  return {
    gateway: change("Gateway", gateway, gatewaySpec(host), [why]),
    route: change("HTTPRoute", route, behind, [{ kind: "route-host", word: `HTTPRoute ${namespace}/${route}`, host }]),
    redirect: change("HTTPRoute", `${route}-redirect`, plain, [{ kind: "redirect", host }]),
  };
}

const gatewaySpec = (hostname: string): object => ({
  gatewayClassName: "istio",
  listeners: [
    { name: "http", port: 80, protocol: "HTTP", hostname },
    {
      name: "https",
      port: 443,
      protocol: "HTTPS",
      hostname,
      tls: { mode: "Terminate", certificateRefs: [{ name: secretFor(hostname) }] },
    },
  ],
});
