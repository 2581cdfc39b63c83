import { shopTarget as target } from "../../__tests__/support/shop-target.ts";
import { createWorld, planOf } from "../../__tests__/support/world.ts";
import type { SentObject } from "../../sandbox/api-server/object.ts";
import { startSandbox } from "../../sandbox/sandbox.ts";
import { shopOfTwo } from "../../sandbox/shop.ts";
import { configMapJournal } from "../../src/adapters/kubernetes/config-map-journal.ts";
import { connect } from "../../src/adapters/kubernetes/kubernetes-client.ts";
import { nodeClock } from "../../src/adapters/node/node-clock.ts";
import { nodeWorld } from "../../src/adapters/node/node-world.ts";
import { virtualServiceFamily } from "../../src/adapters/virtual-service/virtual-service-family.ts";
import { fenceBy } from "../../src/ports/fence.ts";
import { splitAt } from "../../src/release/split.ts";
import { allRoutes } from "../../src/routes/routes.ts";
import type { Figure } from "./figure.ts";

/** API calls of one weight step, counted by the server. */
export async function calls(): Promise<readonly Figure[]> {
  const [one, fifty] = [await step(1), await step(50)];
  return [
    {
      what: "weight step: reads",
      value: one.reads,
      unit: "calls",
      limit: 3,
      how: "counted by the sandbox's API server",
    },
    { what: "weight step: writes", value: one.writes, unit: "calls", limit: 1 },
    {
      what: "weight step of 50 routes, calls beyond one of 1",
      value: fifty.reads + fifty.writes - one.reads - one.writes,
      unit: "calls",
      limit: 0,
    },
  ];
}

async function step(routes: number): Promise<{ readonly reads: number; readonly writes: number }> {
  const { api, close } = await startSandbox({
    objects: shopOfTwo().map((object) => (object.kind === "VirtualService" ? withRoutes(object, routes) : object)),
  });
  const client = connect(nodeWorld(), {
    server: api.url,
    authorize: async () => ({ headers: { authorization: `Bearer ${api.adminToken}` }, tls: { ca: api.ca } }),
  });
  try {
    const subsetLabels = () => async () => undefined;
    const routes = allRoutes([virtualServiceFamily({ client, clock: nodeClock, subsetLabels })]);
    const journal = configMapJournal(client, target.namespace, target.service);
    await journal.save(await createWorld(planOf()).begin());
    const router = routes.router(target, await routes.capture(target), fenceBy(journal, nodeClock));
    api.requests.clear();
    await router.write(splitAt(10));
    return { reads: api.requests.count({ method: "GET" }), writes: api.requests.count({ method: "PATCH" }) };
  } finally {
    await close();
  }
}

/** The same rule again and again, each for a path of its own. */
function withRoutes(object: SentObject, count: number): SentObject {
  const { http } = object.spec as { readonly http: readonly object[] };
  const rules = Array.from({ length: count }, (_, index) => ({
    ...http[0],
    name: `route-${index}`,
    match: [{ uri: { prefix: `/${index}/` } }],
  }));
  return { ...object, spec: { ...(object.spec as object), http: rules } };
}
