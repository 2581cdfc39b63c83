import type { KubernetesObject } from "../../kubernetes/object.ts";
import type { Finding } from "../../ports/preflight.ts";
import type { Target } from "../../release/target.ts";
import { someOf, virtualServiceWord } from "./describe.ts";
import { resolveHost, sameHost } from "./host.ts";
import type { Chosen } from "./read.ts";
import { type Entry, entryOf, isRaw, type Raw, rawList } from "./rule.ts";

/** The VirtualServices that are not part of a release and yet decide about its requests. Pure. */
export function rivalsOf(
  all: readonly KubernetesObject[],
  chosen: readonly Chosen[],
  target: Target,
): readonly Finding[] {
  const own = new Set(chosen.map(({ choice }) => virtualServiceWord(choice)));
  const rest = all.filter((object) => !own.has(wordOf(object)));
  return rest.flatMap((object) => [
    ...bypass(object, target),
    ...chosen.filter((one) => collide(one.object, object)).map((one) => hides(one, object)),
  ]);
}

const namespaceOfObject = ({ metadata }: KubernetesObject): string => metadata.namespace ?? "";
const wordOf = (object: KubernetesObject): string =>
  virtualServiceWord({ namespace: namespaceOfObject(object), name: object.metadata.name });
const specOf = ({ spec }: KubernetesObject): Raw => (isRaw(spec) ? spec : {});
const textsIn = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];

/** IST0140: what this one sends to the service is not divided by the release. */
function bypass(object: KubernetesObject, target: Target): readonly Finding[] {
  const spec = specOf(object);
  const namespace = namespaceOfObject(object);
  const isService = ({ host }: Entry): boolean =>
    [target.stable, target.canary].some((version) =>
      sameHost(resolveHost(host, namespace), resolveHost(version.host, target.namespace)),
    );
  const entries = ["http", "tls", "tcp"]
    .flatMap((list) => rawList(spec[list]).flatMap((rule) => rawList(rule.route).map(entryOf)))
    .filter(isService);
  if (entries.length === 0) return [];
  const by = textsIn(spec.gateways).length > 0 ? ` (by ${someOf(textsIn(spec.gateways), ", ")})` : "";
  const unpinned = target.stable.subset !== undefined && entries.some(({ subset }) => subset === undefined);
  const what = unpinned
    ? "its requests go to every pod of the service, the canary's among them, whatever the stage"
    : "its requests stay where they are, whatever the stage";
  return [
    {
      level: "warn",
      what: `${wordOf(object)} sends to the service, too${by}, and is not part of the release: ${what}.`,
      next: "Name it beside the others, if its requests are to follow.",
    },
  ];
}

/** Sidecars do not merge VirtualServices: of several for one host they take the oldest. */
function collide(a: KubernetesObject, b: KubernetesObject): boolean {
  const inMesh = (object: KubernetesObject): boolean =>
    textsIn(specOf(object).gateways).length === 0 || textsIn(specOf(object).gateways).includes("mesh");
  const hostsOf = (object: KubernetesObject) =>
    textsIn(specOf(object).hosts).map((host) => resolveHost(host, namespaceOfObject(object)));
  return inMesh(a) && inMesh(b) && hostsOf(a).some((host) => hostsOf(b).some((other) => sameHost(host, other)));
}

const hides = ({ choice }: Chosen, object: KubernetesObject): Finding => ({
  level: "warn",
  what: `${virtualServiceWord(choice)} and ${wordOf(object)} have a host in common, and sidecars use only the older of the two (IST0109).`,
  next: "Make one of them.",
});
