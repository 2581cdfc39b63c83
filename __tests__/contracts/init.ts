import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { SentObject } from "../../sandbox/api-server/object.ts";
import { readGround } from "../../src/adapters/kubernetes/read-ground.ts";
import type { Wish } from "../../src/init/ground.ts";
import type { Proposal } from "../../src/init/proposal.ts";
import { propose } from "../../src/init/propose.ts";
import { initWorlds } from "../support/init-worlds.ts";
import type { ClusterWorld } from "./on-cluster.ts";

/** Between them they have every kind of object that init writes, new and changed. */
const chosen = [
  "route-without-subset",
  "policy-without-subsets",
  "http-route-and-host",
  "host",
  "unnamed-port",
] as const;

/** What an API server and istiod's webhook say of the files, and that nothing is missing once they are applied. */
export function initContract(name: string, setUp: () => Promise<ClusterWorld>): void {
  describe(`${name} takes what init writes`, () => {
    let world: ClusterWorld;
    before(async () => {
      world = await setUp();
    });
    after(() => world.close());

    for (const one of chosen)
      test(one, async () => {
        const { objects, inputs = {} } = initWorlds[one] ?? assert.fail();
        const namespace = await world.createNamespace();
        await world.apply(
          objects.filter(({ kind }) => kind !== "Namespace").map((object) => inNamespace(object, namespace)),
        );
        const wish: Wish = { host: inputs.host, family: inputs.route === "http-route" ? "http-route" : undefined };
        const first = await proposed(world, namespace, wish);
        assert.ok(first.length > 0);
        await world.apply(first);
        assert.deepEqual(await proposed(world, namespace, wish), []);
      });
  });
}

const inNamespace = (object: SentObject, namespace: string): SentObject => ({
  ...object,
  metadata: { ...object.metadata, namespace },
});

/** The objects of its files but the account. */
async function proposed({ client }: ClusterWorld, namespace: string, wish: Wish): Promise<readonly SentObject[]> {
  const ground = await readGround(client, { namespace, service: "reviews" });
  const proposal = propose({ ...ground, places: new Map() }, wish) as Proposal;
  return proposal.files.filter(({ use }) => use === "apply").flatMap(({ objects }) => objects as SentObject[]);
}
