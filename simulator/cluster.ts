import { createAdmission } from "../sandbox/api-server/admission.ts";
import { administrator } from "../sandbox/api-server/authorization.ts";
import { kindNamed, kindOf } from "../sandbox/api-server/kind.ts";
import type { SentObject } from "../sandbox/api-server/object.ts";
import { createObjects, type Objects } from "../sandbox/api-server/objects.ts";
import { createResponder, type Reply } from "../sandbox/api-server/respond.ts";
import { createStore, type Store } from "../sandbox/api-server/store.ts";
import type { Instant } from "../src/lib/duration.ts";
import type { HttpAnswer, HttpRequest } from "../src/world/transport.ts";
import type { Chance } from "./chance.ts";
import type { Timeline } from "./timeline.ts";

/** The embedded API server without its sockets: a request is answered at once, by its store. */
export interface SimulatedCluster {
  readonly store: Store;
  readonly objects: Objects;
  /** Creates an object as somebody with kubectl. */
  create(object: SentObject): void;
  answer(request: HttpRequest): HttpAnswer;
}

export const namespace = "shop";

/** A person's, in the names of managers. */
export const kubectl = "kubectl";

export function simulatedCluster(timeline: Timeline, chance: Chance): SimulatedCluster {
  const store = createStore();
  const objects = createObjects(store, createAdmission(), timeline, chance.next);
  const responder = createResponder({ store, objects, users: new Map([["", administrator]]) });
  objects.create({ kind: kindNamed("namespaces"), version: "v1", manager: kubectl }, { metadata: { name: namespace } });
  const remembered = rememberReads(store);

  return {
    store,
    objects,
    create(object) {
      const kind = kindOf(object);
      if (kind === undefined) throw new Error(`the sandbox does not serve ${object.apiVersion} ${object.kind}`);
      objects.create({ kind, version: kind.versions[0] ?? "v1", namespace, manager: kubectl }, object);
    },
    answer({ method, url, headers, body = "" }) {
      const path = url.pathname + url.search;
      const ask = (): Told => tell(responder.to({ method, path, headers, body }));
      const { status, text, more } = method === "GET" ? remembered(path, ask) : ask();
      return { status, text, headers: { ...more, date: dateAt(timeline.now()) } };
    },
  };
}

let newest = { second: Number.NaN, text: "" };

/** A `Date` header, in whole seconds; most answers come in the second of the one before. */
function dateAt(at: Instant): string {
  const second = Math.floor(at / 1_000);
  if (newest.second !== second) newest = { second, text: new Date(at).toUTCString() };
  return newest.text;
}

type Told = { readonly status: number; readonly text: string; readonly more: Readonly<Record<string, string>> };

function tell({ status, body, headers, warnings = [] }: Reply): Told {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  if (warnings.length === 0) return { status, text, more: headers ?? {} };
  return {
    status,
    text,
    more: { ...headers, warning: warnings.map((each) => `299 - ${JSON.stringify(each)}`).join(", ") },
  };
}

/** Most of what is read has not changed since it was read before: its text is made once. */
function rememberReads(store: Store): (path: string, ask: () => Told) => Told {
  const versions = new Map<string, number>();
  const known = new Map<string, { readonly version: number; readonly told: Told }>();
  const versionOf = (plural: string): number => versions.get(plural) ?? 0;
  store.subscribe(({ kind: { plural } }) => versions.set(plural, versionOf(plural) + 1));

  return (path, ask) => {
    const plural = objectsPath.exec(path)?.[1];
    if (plural === undefined) return ask();
    const version = versionOf(plural);
    const before = known.get(path);
    if (before?.version === version) return before.told;
    const told = ask();
    known.set(path, { version, told });
    return told;
  };
}

/** A collection, or an object, of a namespace; not what is below an object. */
const objectsPath = /\/namespaces\/[^/?]+\/([a-z]+)(?:\/[^/?]+)?(?:\?|$)/;
