import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { loadAll } from "js-yaml";
import type { Rule } from "../../sandbox/api-server/authorization.ts";
import type { SentObject } from "../../sandbox/api-server/object.ts";
import { deploymentWorkload } from "../../src/adapters/deployment/deployment-workload.ts";
import { captureWorkloads } from "../../src/adapters/deployment/workloads-before.ts";
import { gatewayPermissions } from "../../src/adapters/gateway-route/gateway-permissions.ts";
import type { KubernetesClient } from "../../src/adapters/kubernetes/kubernetes-client.ts";
import { nodeClock } from "../../src/adapters/node/node-clock.ts";
import { routePermissions } from "../../src/adapters/virtual-service/route-permissions.ts";
import { gatewayKinds } from "../../src/istio/gateway-route.ts";
import { listAt, textAt } from "../../src/kubernetes/field.ts";
import { resources } from "../../src/kubernetes/object.ts";
import { UnreachableError } from "../../src/lib/errors.ts";
import type { Finding } from "../../src/ports/preflight.ts";
import {
  permissionsAtPrometheus,
  permissionsAtProxies,
  permissionsEverywhere,
  permissionsToConfirm,
  permissionsWith,
} from "../../src/preflight/needed-permissions.ts";
import { routeKinds } from "../../src/release/route-kind.ts";
import { splitAt } from "../../src/release/split.ts";
import { clientOf, inCluster, until } from "../support/cluster.ts";
import { noFence } from "../support/fences.ts";
import { stubClient } from "../support/kubernetes-stub.ts";
import { deploymentOf, destinationRuleOf, serviceOf, targetOf } from "../support/workload-objects.ts";
import { inspectCluster } from "./inspect-cluster.ts";

const permissions = permissionsWith([
  ...routePermissions,
  ...gatewayKinds.flatMap(({ kind }) => gatewayPermissions(kind)),
]);

/** The rules of a file in docs. */
function rulesIn(page: string, kind: string): readonly Rule[] {
  const documents = loadAll(readFileSync(`docs/${page}`, "utf8"));
  const rules = listAt(
    documents.find((document) => textAt(document, "kind") === kind),
    "rules",
  );
  return rules.map((rule) => ({
    apiGroups: listAt(rule, "apiGroups").map(String),
    resources: listAt(rule, "resources").map(String),
    verbs: listAt(rule, "verbs").map(String),
    ...(textAt(rule, "resourceNames", 0) === undefined
      ? {}
      : { resourceNames: listAt(rule, "resourceNames").map(String) }),
  }));
}

const inShop = (rule: Rule): Rule => ({ ...rule, namespaces: ["shop"] });
const rules: readonly Rule[] = rulesIn("rbac.yaml", "Role").map(inShop);
const rulesByName: readonly Rule[] = rulesIn("rbac-by-name.yaml", "Role").map(inShop);
const rulesEverywhere = rulesIn("rbac.yaml", "ClusterRole");

test("docs/rbac.yaml is what the preflight asks for, rule by rule, with the same reasons", () => {
  assert.deepEqual(
    rules.map(({ apiGroups, resources, verbs }) => ({ apiGroups, resources, verbs })),
    permissions.map(({ group, resource, verbs }) => ({ apiGroups: [group], resources: [resource], verbs })),
  );
  assert.deepEqual(
    rulesEverywhere,
    permissionsEverywhere.map(({ group, resources, verbs }) => ({ apiGroups: [group], resources, verbs })),
  );
  const comments = readFileSync("docs/rbac.yaml", "utf8").matchAll(/^ {2}# (?:Optional: )?(.+)\n {2}- /gm);
  const reasons = [...comments].map(([, comment]) => comment?.split(". ")[0]?.replace(/\.$/, "").toLowerCase());
  assert.deepEqual(
    reasons,
    [
      ...permissions,
      ...permissionsEverywhere,
      ...permissionsAtProxies,
      ...permissionsAtPrometheus,
      ...permissionsToConfirm,
    ].map(({ why }) => why.toLowerCase()),
  );
});

const shop: readonly SentObject[] = [
  serviceOf("shop", "reviews", { app: "reviews" }),
  destinationRuleOf("shop", "reviews", { v1: { version: "v1" }, v2: { version: "v2" } }),
  deploymentOf("shop", "reviews-v1", "v1", { replicas: 2 }),
  {
    apiVersion: "networking.istio.io/v1",
    kind: "VirtualService",
    metadata: { name: "reviews", namespace: "shop" },
    spec: { hosts: ["reviews"], http: [{ route: [{ destination: { host: "reviews", subset: "v1" } }] }] },
  },
];

const target = targetOf("shop", { source: { from: "clone", labels: {} }, replicas: { kind: "by-weight" } });

/** Runs with a user that has these rules and no others. */
const as = (allowed: readonly Rule[], run: (client: KubernetesClient) => Promise<void>): Promise<void> =>
  inCluster(
    shop,
    async ({ server, client: admin }) => {
      await until(
        "stable is available",
        () => inspect(admin),
        (findings) => findings.every(({ level }) => level === "note"),
      );
      await run(clientOf(server, "job"));
    },
    { tokens: { job: { user: "job", rules: allowed } } },
  );

const inspect = (client: KubernetesClient, firstDeploy = false): Promise<readonly Finding[]> =>
  inspectCluster(client, { target, firstDeploy });

const ofEveryKind = routeKinds.map((kind) => ({ kind, namespace: "shop", name: "reviews", routes: [] }));

test("docs/rbac-by-name.yaml is the same, with the name of each object that has one beforehand", () => {
  const expected = permissions.flatMap(({ group, resource, verbs, names }) => {
    const resourceNames = names?.({ ...target, routes: ofEveryKind }, "shop");
    const isNameless = (verb: string): boolean => resourceNames === undefined || ["create", "list"].includes(verb);
    const rule = { apiGroups: [group], resources: [resource], namespaces: ["shop"] };
    return [
      { ...rule, verbs: verbs.filter(isNameless) },
      { ...rule, resourceNames, verbs: verbs.filter((verb) => !isNameless(verb)) },
    ].filter(({ verbs }) => verbs.length > 0);
  });
  assert.deepEqual(JSON.parse(JSON.stringify(rulesByName)), JSON.parse(JSON.stringify(expected)));
  assert.deepEqual(rulesIn("rbac-by-name.yaml", "ClusterRole"), rulesEverywhere);
});

for (const [page, granted] of [
  ["rbac.yaml", rules],
  ["rbac-by-name.yaml", rulesByName],
] as const)
  test(`with exactly the rules of docs/${page} nothing is missed, and pods can be made, scaled, judged and taken away`, () =>
    as([...granted, ...rulesEverywhere], async (client) => {
      assert.deepEqual(
        (await inspect(client)).filter(({ level }) => level !== "note"),
        [],
      );
      const it = deploymentWorkload({
        client,
        target,
        before: await captureWorkloads(client, target, Math.random),
        keepOld: false,
        clock: nodeClock,
        fence: noFence,
      });
      await it.deploy();
      await it.scale(splitAt(100));
      await until(
        "the clone is ready",
        () => it.health("canary"),
        ({ ready }) => ready,
      );
      await it.updateStable();
      await until(
        "stable is ready",
        () => it.health("stable"),
        ({ ready }) => ready,
      );
      await it.retire("canary");
      assert.deepEqual(await it.differences("stable"), []);
    }));

for (const [index, { group, resource, verbs, why, optional }] of permissions.entries()) {
  // Those of another kind of route are asked for where the release has one.
  if (resource.endsWith("routes")) continue;
  test(`without ${verbs.join(", ")} on ${resource} the preflight ${optional ? "warns" : "refuses"}, and names the rule`, () =>
    as(
      rules.filter((_, each) => each !== index),
      async (client) => {
        // Who serves is looked for in a first deployment only, which this is not.
        const firstDeploy = why.endsWith("before a first deployment");
        const all = await inspect(client, firstDeploy);
        const findings = all.filter(
          ({ what }) => !(firstDeploy && /first deployment of|A first deployment/.test(what)),
        );
        const name = group === "" ? resource : `${resource}.${group}`;
        const told = findings.filter(
          ({ what }) =>
            what === `This job may not ${verbs.join(", ")} ${name} in namespace shop, which is needed to ${why}.`,
        );
        assert.deepEqual(
          told.map(({ level }) => level),
          [optional ? "warn" : "refuse"],
        );
        assert.ok(told[0]?.next?.includes(`resources: [${resource}], verbs: [${verbs.join(", ")}]`));
        assert.deepEqual(
          findings.filter((finding) => finding.level === "refuse" && !told.includes(finding)),
          [],
          "one thing is missing, and one thing is said",
        );
      },
    ));
}

test("what may not be looked at is said once for each purpose, and ends nothing", () =>
  as(
    [...rules.filter((_, index) => !permissions[index]?.byLooking), ...rulesEverywhere.slice(0, 4)],
    async (client) => {
      const told = (await inspect(client)).filter(({ what }) => what.startsWith("This job may not"));
      assert.deepEqual(
        told.map(({ level, what }) => `${level} ${what.replace(/.*needed to/, "to")}`),
        [
          "warn to know who reaches the pods of one version beside the routes.",
          "warn to know whether policies let requests to one version only.",
          "warn to know whether the proxies of one version alone are changed.",
        ],
      );
      assert.match(told[1]?.next ?? "", /resources: \[authorizationpolicies\].* and .*resources: \[networkpolicies\]/);
    },
  ));

test("rules for other objects are not those that a release needs", () =>
  as(
    rulesByName.map((rule) => (rule.resourceNames ? { ...rule, resourceNames: ["ratings"] } : rule)),
    async (client) => {
      const refused = (await inspect(client)).filter(({ level }) => level === "refuse").map(({ what }) => what);
      for (const lacking of [
        "get, update leases",
        "get, update configmaps",
        "get, patch virtualservices",
        "get, patch deployments",
      ])
        assert.ok(
          refused.some((what) => what.startsWith(`This job may not ${lacking}`)),
          refused.join("\n"),
        );
    },
  ));

test("what the router or Prometheus find is told among the rest; what they are refused, too", () =>
  inCluster(shop, async ({ client }) => {
    const others = [
      { inspect: async () => [{ level: "refuse" as const, what: "no series" }] },
      {
        inspect: () =>
          client.create({ group: "", version: "v1", plural: "services", kind: "Service" }, "shop", {}).then(() => []),
      },
    ];
    const findings = await inspectCluster(client, { target, others });
    const refusals = findings.filter(({ level }) => level === "refuse").map(({ what }) => what);
    assert.ok(refusals.includes("no series"));
    assert.ok(
      refusals.some((what) => what.startsWith("POST /api/v1/namespaces/shop/services: ")),
      refusals.join("\n"),
    );
  }));

test("a cluster that does not answer is no finding", async () => {
  const silent = {
    ...stubClient([]),
    list: () => Promise.reject(new UnreachableError("the API server did not answer")),
  };
  await assert.rejects(inspect(silent), UnreachableError);
});

test("looking changes nothing: what is written is written as a dry run", () =>
  inCluster(shop, async ({ client, server }) => {
    server.requests.clear();
    await inspect(client);
    const writes = server.requests
      .all()
      .filter(({ method, path }) => method !== "GET" && !path.includes("selfsubjectaccessreviews"));
    assert.deepEqual(
      writes.filter(({ path }) => !path.includes("dryRun=All")),
      [],
    );
    assert.equal(await client.get(resources.deployments, "shop", target.canary.deployment), undefined);
  }));

test("what the API server neither allows nor denies is missing", async () => {
  const silent = {
    ...stubClient([]),
    create: async () => ({ apiVersion: "", kind: "", metadata: { name: "" }, status: {} }),
  };
  const findings = await inspect(silent);
  assert.ok(
    findings.some(
      ({ level, what }) => level === "refuse" && what.startsWith("This job may not get, create, update leases"),
    ),
  );
});
