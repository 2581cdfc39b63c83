import { field, listAt, textAt, textsAt } from "../kubernetes/field.ts";
import { type KubernetesObject, placeWord } from "../kubernetes/object.ts";
import type { Labels } from "../kubernetes/selector.ts";
import { covers, type Host, readHost } from "./host.ts";

/** What the proxies of some clients know of the mesh: https://istio.io/latest/docs/reference/config/networking/sidecar/ */
export type Sidecar = {
  /** `Sidecar web/default` */
  readonly word: string;
  readonly namespace: string;
  /** The labels of the clients that it is for; undefined is every client of the namespace that no other is for. */
  readonly clients: Labels | undefined;
  /** The hosts that they know, each with the namespace that it is in. Undefined is everything. */
  readonly imports: readonly Import[] | undefined;
  /** Requests to whatever they do not know are answered with 502, and go nowhere. */
  readonly isClosed: boolean;
};

/** `*` is every namespace. */
type Import = { readonly namespace: string; readonly host: Host };

/** `home`: what `.` means, where that is not the namespace that the object is in. */
export function readSidecar(object: KubernetesObject, home = object.metadata.namespace ?? ""): Sidecar {
  const egress = listAt(object, "spec", "egress");
  return {
    word: placeWord(object),
    namespace: object.metadata.namespace ?? "",
    clients: isForSome(object) ? textsAt(object, "spec", "workloadSelector", "labels") : undefined,
    imports: egress.length === 0 ? undefined : egress.flatMap((listener) => importsOf(listener, home)),
    isClosed: textAt(object, "spec", "outboundTrafficPolicy", "mode") === "REGISTRY_ONLY",
  };
}

const isForSome = (object: KubernetesObject): boolean => field(object, "spec", "workloadSelector") !== undefined;

const importsOf = (listener: unknown, home: string): readonly Import[] =>
  listAt(listener, "hosts").map((text) => {
    const [place = "*", name = "*"] = String(text).split("/");
    const namespace = place === "." ? home : place;
    return { namespace, host: readHost(name, namespace) };
  });

/** Whether they know one of these hosts, as it is said in a namespace. */
export const isImported = ({ imports }: Sidecar, namespace: string, hosts: readonly Host[]): boolean =>
  imports?.some(
    (one) =>
      (one.namespace === "*" || one.namespace === namespace) &&
      hosts.some((host) => covers(one.host, host) || covers(host, one.host)),
  ) ?? true;
