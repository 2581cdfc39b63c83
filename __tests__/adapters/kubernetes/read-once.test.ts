import assert from "node:assert/strict";
import test from "node:test";
import { readOnce, rememberVersions } from "../../../src/adapters/kubernetes/read-once.ts";
import { resources } from "../../../src/kubernetes/object.ts";
import { inCluster } from "../../support/cluster.ts";
import { serviceOf } from "../../support/workload-objects.ts";

const shop = [serviceOf("shop", "reviews", { app: "reviews" })];
const { services, pods } = resources;

test("in one look at the cluster nothing is read twice, at once or one after the other", () =>
  inCluster(shop, async ({ client, requestsOf }) => {
    const requests = await requestsOf(async () => {
      const look = readOnce(client);
      await Promise.all([look.list(services, "shop"), look.list(services, "shop")]);
      await look.list(services, "shop");
      await look.list(services, "shop", { labelSelector: "app=reviews" });
      await look.get(services, "shop", "reviews");
      await look.get(services, "shop", "reviews");
      await look.list(pods, "shop");
      await look.versions("apps");
      await look.versions("apps");
    });
    assert.deepEqual(requests.toSorted(), ["GET ", "GET pods", "GET services", "GET services", "GET services/reviews"]);
  }));

test("another look reads again, and a look lets writes through", () =>
  inCluster(shop, async ({ client }) => {
    const look = readOnce(client);
    assert.equal((await look.list(services, "shop")).length, 1);
    await look.delete(services, "shop", "reviews");
    assert.equal((await look.list(services, "shop")).length, 1, "it is of one moment");
    assert.deepEqual(await readOnce(client).list(services, "shop"), []);
  }));

test("a question that failed is asked again", async () => {
  let asked = 0;
  await inCluster(shop, async ({ client }) => {
    const look = rememberVersions({
      ...client,
      versions: (group) => (++asked === 1 ? Promise.reject(new Error("away")) : client.versions(group)),
    });
    await assert.rejects(look.versions("apps"), /away/);
    assert.deepEqual(await look.versions("apps"), await client.versions("apps"));
    await look.versions("apps");
    assert.equal(asked, 2);
  });
});
