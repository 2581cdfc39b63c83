import { isDeepStrictEqual } from "node:util";
import { type Kind, kindNamed, kinds } from "../kind.ts";
import { isObject, type StoredObject, timestamp } from "../object.ts";
import { type Control, createQueue, writeStatus } from "./controller.ts";

type Fields = Readonly<Record<string, unknown>>;

const fields = (value: unknown): Fields => (isObject(value) ? value : {});
const items = (value: unknown): readonly Fields[] => (Array.isArray(value) ? value.map(fields) : []);
const text = (value: unknown, otherwise: string): string => (typeof value === "string" ? value : otherwise);

const group = "gateway.networking.k8s.io";
const ofGroup = (plural: string): Kind | undefined =>
  kinds.find((kind) => kind.group === group && kind.plural === plural);
const routeKinds = ["httproutes", "grpcroutes", "tlsroutes", "tcproutes"].map(kindNamed);
/** What decides about a route besides the route. */
const others = ["gateways", "referencegrants"].flatMap((plural) => ofGroup(plural) ?? []);
const services = kindNamed("services");

/** Says of each route whether its parents follow it, as istiod does. Of a parent that is not there it says nothing. */
export function startRouteController(control: Control): void {
  const { store, clock } = control;
  const queue = createQueue(control, reconcile);
  store.subscribe(({ kind, object }) => {
    if (routeKinds.includes(kind)) queue.add(object);
    else if (kind === services || others.includes(kind))
      for (const route of routeKinds.flatMap((one) => store.list(one))) queue.add(route);
  });

  function reconcile(route: StoredObject): void {
    const { namespace = "", generation = 1 } = route.metadata;
    const spec = fields(route.spec);
    const before = items(fields(route.status).parents);
    const resolved = resolve(route);
    const parents = items(spec.parentRefs)
      .filter((ref) => isThere(ref, namespace))
      .map((parentRef) => {
        const was = before.find((one) => isDeepStrictEqual(one.parentRef, parentRef));
        const condition = (type: string, status: string, reason: string, message: string): Fields => {
          const last = items(was?.conditions).find((one) => one.type === type);
          const lastTransitionTime = last?.status === status ? last.lastTransitionTime : timestamp(clock.now());
          return { lastTransitionTime, message, observedGeneration: generation, reason, status, type };
        };
        return {
          conditions: [
            condition("Accepted", "True", "Accepted", "Route was valid"),
            condition("ResolvedRefs", resolved.status, resolved.reason, resolved.message),
          ],
          controllerName: "istio.io/gateway-controller",
          parentRef,
        };
      });
    if (!isDeepStrictEqual(parents, before)) writeStatus(control, route, { parents }, "pilot-discovery");
  }

  function isThere(ref: Fields, own: string): boolean {
    const kind = ref.kind === "Service" ? services : ofGroup("gateways");
    return kind !== undefined && store.get(kind, text(ref.namespace, own), text(ref.name, "")) !== undefined;
  }

  /** Backends of weight 0 are not looked at: https://github.com/istio/istio/blob/1.28.0/pilot/pkg/config/kube/gateway/conversion.go */
  function resolve(route: StoredObject): {
    readonly status: string;
    readonly reason: string;
    readonly message: string;
  } {
    const { namespace = "" } = route.metadata;
    const backends = items(fields(route.spec).rules)
      .flatMap(({ backendRefs }) => items(backendRefs))
      .filter(({ weight, kind }) => weight !== 0 && kind === "Service");
    for (const backend of backends) {
      const [name, place] = [text(backend.name, ""), text(backend.namespace, namespace)];
      if (store.get(services, place, name) === undefined)
        return { status: "False", reason: "BackendNotFound", message: `backend(${name}.${place}.svc) not found` };
      if (place !== namespace && !isGranted(route, place, name))
        return {
          status: "False",
          reason: "RefNotPermitted",
          message: `backendRef ${name}/${place} not accessible to a ${route.kind} in namespace "${namespace}" (missing a ReferenceGrant?)`,
        };
    }
    return { status: "True", reason: "ResolvedRefs", message: "All references resolved" };
  }

  function isGranted({ kind, metadata }: StoredObject, place: string, service: string): boolean {
    const grants = ofGroup("referencegrants");
    return (grants ? store.list(grants, place) : []).some(({ spec }) => {
      const from = items(fields(spec).from).some((one) => one.kind === kind && one.namespace === metadata.namespace);
      const to = items(fields(spec).to).some((one) => one.kind === "Service" && text(one.name, service) === service);
      return from && to;
    });
  }
}
