import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { inspect } from "node:util";
import { kindNamed } from "../../sandbox/api-server/kind.ts";
import type { StoredObject } from "../../sandbox/api-server/object.ts";
import type { Sandbox } from "../../sandbox/sandbox.ts";
import { routeIn } from "../../sandbox/shop.ts";
import { writtenObjects } from "../../sandbox/written-objects.ts";
import type { ReleaseRecord as Journal } from "../../src/release/release-record.ts";

const namespace = "shop";

/** What the release itself leaves behind: its journal and its lock. */
const ours = "istio-canary-reviews";

/** Every object of the shop that people wrote, as text. */
export const objectsOf = (sandbox: Sandbox): Readonly<Record<string, string>> => writtenObjects(sandbox, namespace);

export function find({ api }: Sandbox, plural: string, name: string): StoredObject | undefined {
  return api.store.get(kindNamed(plural), namespace, name);
}

export const routeOf = ({ api }: Sandbox): string => routeIn(api.store, namespace);

export type Scaled = { readonly replicas: number; readonly image: string };

/** Undefined where there is none, or it is on its way out. */
export function deploymentOf(sandbox: Sandbox, name: string): Scaled | undefined {
  const found = find(sandbox, "deployments", name);
  if (!found || found.metadata.deletionTimestamp !== undefined) return undefined;
  const { replicas, template } = found.spec as {
    readonly replicas: number;
    readonly template: { readonly spec: { readonly containers: readonly { readonly image: string }[] } };
  };
  return { replicas, image: template.spec.containers[0]?.image ?? assert.fail(`${name} has no container`) };
}

/** What the release keeps in the cluster of itself. */
export function journalOf(sandbox: Sandbox): Journal | undefined {
  const text = (find(sandbox, "configmaps", ours)?.data as { readonly [file: string]: string } | undefined)?.[
    "release.json"
  ];
  return text === undefined ? undefined : (JSON.parse(text) as Journal);
}

/** Who may release the service now; undefined when nobody has the lock. */
export const holderOf = (sandbox: Sandbox): string | undefined =>
  (find(sandbox, "leases", ours)?.spec as { readonly holderIdentity?: string } | undefined)?.holderIdentity;

/** Every request that would change something of the user's, refused or not. */
export const writesOf = ({ api }: Sandbox): readonly string[] =>
  api.requests
    .all()
    .filter(
      ({ method, path }) =>
        method !== "GET" &&
        !path.includes("dryRun=All") &&
        !path.includes(ours) &&
        !path.includes("/selfsubjectaccessreviews") &&
        !path.includes("/leases"),
    )
    .map(({ method, path }) => `${method} ${path}`);

/** The phase of a release, and its step where it has some: `promoting/draining`. */
const whereIn = ({ state }: Journal): string => ("step" in state ? `${state.phase}/${state.step}` : state.phase);

/** Waits until the journal says so, of a step or of any of a phase. Fails at once when the job has ended before. */
export async function reached(sandbox: Sandbox, wanted: string, ended: Promise<unknown>): Promise<void> {
  let end: unknown;
  void ended.then((how) => {
    end = how;
  });
  for (;;) {
    const journal = journalOf(sandbox);
    if (journal && `${whereIn(journal)}/`.startsWith(`${wanted}/`)) return;
    if (end !== undefined) assert.fail(`the release was never ${wanted}: ${inspect(end)}`);
    await sleep(20);
  }
}
