import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type KubernetesClient, KubernetesError } from "../../src/adapters/kubernetes/kubernetes-client.ts";
import { gatewayGroup, gatewayKinds, gatewayRulesOf } from "../../src/istio/gateway-route.ts";
import { type KubernetesObject, type Resource, resources } from "../../src/kubernetes/object.ts";
import type { HttpAnswer, Transport } from "../../src/world/transport.ts";

/** A Kubernetes API server with Istio's custom resources and istiod's webhook, and a namespace of the suite's own. */
export type Cluster = {
  /** May do everything in the namespace. */
  readonly client: KubernetesClient;
  readonly namespace: string;
  /** Every warning that `client` has got so far. */
  readonly warnings: readonly string[];
  /** The same server as a user of this name, who may do what roles in the namespace allow. Closed with the rest. */
  readonly as: (user: string) => KubernetesClient;
  /** What the same server passes on to pods, for a user of this name; by default for one who may do everything. */
  readonly passesFor: (user?: string) => Transport;
  readonly tearDown: () => Promise<void>;
};

const rbac = (plural: string, kind: string): Resource => ({
  group: "rbac.authorization.k8s.io",
  version: "v1",
  plural,
  kind,
});
const roles = rbac("roles", "Role");
const roleBindings = rbac("rolebindings", "RoleBinding");
const subjectAccess = resources.selfSubjectAccessReviews;

/** Pods start, crash and are given up within this time on any cluster that the tests run on. */
const patience = 60_000;

/**
 * What this program relies on in a Kubernetes API server, run over the sandbox's and over a real one.
 * Images behave by their tags: `:v2` becomes ready, `-notready`, `-crash` and `-pullfail` do not.
 */
export function kubernetesContract(name: string, setUp: () => Promise<Cluster>): void {
  describe(`${name} as a Kubernetes API server`, () => {
    let cluster: Cluster;
    before(async () => {
      cluster = await setUp();
    });
    after(() => cluster.tearDown());
    const inCluster = (fact: string, check: (cluster: Cluster) => Promise<void>): void =>
      void test(fact, () => check(cluster));

    reading(inCluster);
    versions(inCluster);
    jsonPatches(inCluster);
    mergePatches(inCluster);
    applies(inCluster);
    dryRuns(inCluster);
    admission(inCluster);
    deletes(inCluster);
    journalAndLock(inCluster);
    permissions(inCluster);
    deployments(inCluster);
    passingOn(inCluster);
  });
}

type InCluster = (fact: string, check: (cluster: Cluster) => Promise<void>) => void;

function reading(inCluster: InCluster): void {
  inCluster("an object that is not there is undefined", async ({ client, namespace }) => {
    assert.equal(await client.get(resources.virtualServices, namespace, "nobody"), undefined);
    assert.equal(await client.get(resources.deployments, namespace, "nobody"), undefined);
    assert.equal(await client.get(resources.configMaps, "no-such-namespace", "nobody"), undefined);
  });

  inCluster("objects of every namespace come in one list, each with its own", async ({ client, namespace }) => {
    await client.create(resources.virtualServices, namespace, {
      apiVersion: "networking.istio.io/v1",
      kind: "VirtualService",
      metadata: { name: "everywhere" },
      spec: { hosts: ["everywhere.example.com"], http: [{ route: [{ destination: { host: "reviews" } }] }] },
    });
    const all = await client.list(resources.virtualServices, undefined);
    const found = all.find(({ metadata }) => metadata.name === "everywhere" && metadata.namespace === namespace);
    assert.equal(found?.kind, "VirtualService");
  });

  inCluster("routes of the Gateway API are read as they were written", async ({ client, namespace }) => {
    assert.ok((await client.versions(gatewayGroup)).includes("v1"));
    const [http, grpc] = ["HTTPRoute", "GRPCRoute"].map((kind) => ({
      group: gatewayGroup,
      version: "v1",
      ...(gatewayKinds.find((one) => one.kind === kind) ?? assert.fail()),
    }));
    assert.ok(http && grpc);
    const backendRefs = [
      { name: "reviews", port: 80, weight: 1 },
      { name: "reviews-v1", namespace: "other", port: 80, weight: 3 },
    ];
    const mirrored = { type: "RequestMirror", requestMirror: { backendRef: { name: "shadow", port: 80 } } };
    await client.create(http, namespace, {
      apiVersion: `${gatewayGroup}/v1`,
      kind: "HTTPRoute",
      metadata: { name: "front" },
      spec: { rules: [{ backendRefs, filters: [mirrored] }] },
    });
    const routes = await client.list(http, namespace);
    assert.deepEqual(
      routes
        .flatMap(gatewayRulesOf)
        .map(({ where, destinations }) => [
          where,
          destinations.map(({ host, share, mirror }) => [host.service?.namespace, host.service?.name, share, mirror]),
        ]),
      [
        [
          `HTTPRoute ${namespace}/front: rule #0`,
          [
            [namespace, "reviews", 0.25, false],
            ["other", "reviews-v1", 0.75, false],
            [namespace, "shadow", 1, true],
          ],
        ],
      ],
    );
    assert.deepEqual(await client.list(grpc, namespace), []);
    const service = (name: string) => ({
      apiVersion: `${gatewayGroup}/v1`,
      kind: "GRPCRoute",
      metadata: { name: "by-service" },
      spec: { rules: [{ matches: [{ method: { service: name } }], backendRefs }] },
    });
    await refused(
      client.create(grpc, namespace, service("0")),
      422,
      "Invalid",
      /spec\.rules\[0\]\.matches\[0\]\.method: Invalid value: .*service must only contain valid characters/s,
    );
    await client.create(grpc, namespace, service("shop.Reviews0"));
  });

  inCluster("a kind that no version of its group has is not found", async ({ client }) => {
    const nowhere = { group: gatewayGroup, version: "v1", plural: "nosuchroutes", kind: "NoSuchRoute" };
    await assert.rejects(client.list(nowhere, undefined), { name: "KubernetesError", status: 404 });
  });

  inCluster(
    "lists are narrowed by labels: equal, not equal, in, not in, there, not there",
    async ({ client, namespace }) => {
      for (const [name, labels] of Object.entries({
        one: { suite: "labels", version: "v1" },
        two: { suite: "labels", version: "v2" },
        three: { suite: "labels" },
      })) {
        await client.create(resources.configMaps, namespace, configMap(`labels-${name}`, { n: name }, labels));
      }
      const found = async (selector: string): Promise<readonly string[]> =>
        (await client.list(resources.configMaps, namespace, { labelSelector: `suite=labels,${selector}` })).map(
          ({ metadata }) => metadata.name.replace("labels-", ""),
        );
      assert.deepEqual(await found("version=v1"), ["one"]);
      assert.deepEqual(await found("version==v1"), ["one"]);
      assert.deepEqual(await found("version!=v1"), ["three", "two"]);
      assert.deepEqual(await found("version in (v1, v2)"), ["one", "two"]);
      assert.deepEqual(await found("version notin (v1)"), ["three", "two"]);
      assert.deepEqual(await found("version"), ["one", "two"]);
      assert.deepEqual(await found("!version"), ["three"]);
    },
  );

  inCluster("a selector that cannot be read is a bad request", async ({ client, namespace }) => {
    await refused(
      client.list(resources.configMaps, namespace, { labelSelector: "a in (b" }),
      400,
      "BadRequest",
      /unable to parse requirement/,
    );
  });

  inCluster("items of a list carry their version and kind", async ({ client, namespace }) => {
    await client.create(resources.virtualServices, namespace, virtualService("listed", [100, 0]));
    await client.create(resources.configMaps, namespace, configMap("listed", { a: "b" }, { suite: "listed" }));
    const [first] = await client.list(resources.virtualServices, namespace);
    assert.deepEqual([first?.apiVersion, first?.kind], ["networking.istio.io/v1", "VirtualService"]);
    const [second] = await client.list(resources.configMaps, namespace, { labelSelector: "suite=listed" });
    assert.deepEqual([second?.apiVersion, second?.kind], ["v1", "ConfigMap"]);
  });

  inCluster("an object of Istio's is the same in every version that is served", async ({ client, namespace }) => {
    await client.create(resources.virtualServices, namespace, virtualService("versions", [90, 10]));
    const newest = await found(client, resources.virtualServices, namespace, "versions");
    const older = await found(client, { ...resources.virtualServices, version: "v1beta1" }, namespace, "versions");
    assert.equal(older.apiVersion, "networking.istio.io/v1beta1");
    assert.deepEqual(older.spec, newest.spec);
    assert.equal(older.metadata.uid, newest.metadata.uid);
  });

  inCluster("a version of a group tells its kinds, and whether they are in namespaces", async ({ client }) => {
    const [core, apps] = await Promise.all([client.kinds("", "v1"), client.kinds("apps", "v1")]);
    const named = (kinds: typeof core, name: string) => kinds?.filter(({ kind }) => kind === name);
    assert.deepEqual(named(apps, "Deployment"), [{ kind: "Deployment", plural: "deployments", namespaced: true }]);
    assert.deepEqual(named(core, "Namespace"), [{ kind: "Namespace", plural: "namespaces", namespaced: false }]);
    assert.deepEqual(await client.kinds("apps", "v1beta1"), undefined);
    assert.deepEqual(await client.kinds("extensions", "v1beta1"), undefined);
  });

  inCluster("an object of a version that is not served is not found", async ({ client, namespace }) => {
    const old = { ...resources.deployments, version: "v1beta1" };
    const body = { ...deployment("too-old", "v1", { replicas: 0 }), apiVersion: "apps/v1beta1" };
    const applied = client.patch(old, namespace, "too-old", { type: "apply", body, force: false });
    await assert.rejects(applied, (error) => error instanceof KubernetesError && error.status === 404);
  });

  inCluster("a group tells its versions, the preferred one first; an unknown group has none", async ({ client }) => {
    assert.deepEqual(await client.versions("networking.istio.io"), ["v1", "v1beta1", "v1alpha3"]);
    assert.deepEqual(await client.versions("apps"), ["v1"]);
    assert.deepEqual(await client.versions("nobody.example.com"), []);
  });
}

function versions(inCluster: InCluster): void {
  inCluster("a second object of the same name already exists", async ({ client, namespace }) => {
    await client.create(resources.configMaps, namespace, configMap("twice", {}));
    await refused(
      client.create(resources.configMaps, namespace, configMap("twice", {})),
      409,
      "AlreadyExists",
      /configmaps "twice" already exists/,
    );
  });

  inCluster("an object in a namespace that is not there is not found", async ({ client }) => {
    await refused(
      client.create(resources.configMaps, "no-such-namespace", configMap("lost", {})),
      404,
      "NotFound",
      /^Namespace no-such-namespace does not exist\.$/,
    );
  });

  inCluster("a name that Kubernetes does not allow is invalid", async ({ client, namespace }) => {
    await refused(
      client.create(resources.configMaps, namespace, configMap("Not_Allowed", {})),
      422,
      "Invalid",
      /metadata\.name: Invalid value: "Not_Allowed": a lowercase RFC 1123 subdomain/,
    );
  });

  inCluster(
    "a ConfigMap of more than 1 MiB is invalid, and one of just so much is not",
    async ({ client, namespace }) => {
      const full = (size: number) => ({
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name: "full" },
        data: { one: "é".repeat(1_000), other: "x".repeat(size - 2_000) },
      });
      const tooMuch = client.create(resources.configMaps, namespace, full(1_048_577));
      await refused(tooMuch, 422, "Invalid", /Too long/);
      await client.create(resources.configMaps, namespace, full(1_048_576));
    },
  );

  inCluster("replacing an old version is a conflict, replacing the newest is not", async ({ client, namespace }) => {
    const first = await client.create(resources.configMaps, namespace, configMap("conflict", { turn: "1" }));
    const second = await client.replace(resources.configMaps, namespace, "conflict", { ...first, data: { turn: "2" } });
    assert.notEqual(second.metadata.resourceVersion, first.metadata.resourceVersion);
    await refused(
      client.replace(resources.configMaps, namespace, "conflict", { ...first, data: { turn: "3" } }),
      409,
      "Conflict",
      /the object has been modified; please apply your changes to the latest version and try again/,
    );
    assert.deepEqual((await found(client, resources.configMaps, namespace, "conflict")).data, { turn: "2" });
  });

  inCluster("a custom resource is not replaced without a version", async ({ client, namespace }) => {
    await client.create(resources.virtualServices, namespace, virtualService("unversioned", [100, 0]));
    await refused(
      client.replace(resources.virtualServices, namespace, "unversioned", virtualService("unversioned", [50, 50])),
      422,
      "Invalid",
      /metadata\.resourceVersion: Invalid value: 0: must be specified for an update/,
    );
  });

  inCluster("replacing what is not there is not found", async ({ client, namespace }) => {
    await refused(
      client.replace(resources.configMaps, namespace, "nobody", configMap("nobody", {})),
      404,
      "NotFound",
      /configmaps "nobody" not found/,
    );
  });

  inCluster("the generation counts changes of the spec, and no others", async ({ client, namespace }) => {
    const created = await client.create(resources.virtualServices, namespace, virtualService("generation", [100, 0]));
    const labelled = await client.patch(resources.virtualServices, namespace, "generation", {
      type: "merge",
      body: { metadata: { labels: { a: "b" } } },
    });
    const moved = await client.patch(resources.virtualServices, namespace, "generation", {
      type: "json",
      body: [{ op: "replace", path: "/spec/http/0/route/0/weight", value: 90 }],
    });
    assert.deepEqual(
      [created, labelled, moved].map(({ metadata }) => metadata.generation),
      [1, 1, 2],
    );
  });

  inCluster("a write that changes nothing makes no new version", async ({ client, namespace }) => {
    const created = await client.create(resources.virtualServices, namespace, virtualService("same", [100, 0]));
    const again = await client.patch(resources.virtualServices, namespace, "same", {
      type: "merge",
      body: { spec: created.spec },
    });
    assert.equal(again.metadata.resourceVersion, created.metadata.resourceVersion);
  });

  inCluster("fields have the manager that wrote them last", async ({ client, namespace }) => {
    const created = await client.create(resources.virtualServices, namespace, virtualService("managed", [100, 0]));
    const [entry] = managers(created);
    assert.deepEqual([entry?.manager, entry?.operation], ["istio-canary", "Update"]);
  });
}

function jsonPatches(inCluster: InCluster): void {
  const patch = (client: KubernetesClient, namespace: string, name: string, body: readonly Operation[]) =>
    client.patch(resources.virtualServices, namespace, name, { type: "json", body });
  type Operation =
    | { readonly op: "test" | "replace" | "add"; readonly path: string; readonly value: unknown }
    | { readonly op: "remove"; readonly path: string };
  const weight = (at: number, value: number): Operation => ({
    op: "replace",
    path: `/spec/http/0/route/${at}/weight`,
    value,
  });

  inCluster("a JSON patch whose tests hold changes what it names and nothing else", async ({ client, namespace }) => {
    const before = await client.create(
      resources.virtualServices,
      namespace,
      virtualService("tests-hold", [100, 0], { timeout: "5s", name: "primary" }),
    );
    const body = [
      { op: "test" as const, path: "/spec/http/0/route/1/destination", value: { host: "reviews", subset: "v2" } },
      weight(0, 90),
      weight(1, 10),
    ];
    const after = await patch(client, namespace, "tests-hold", body);
    assert.deepEqual(after.spec, virtualService("tests-hold", [90, 10], { timeout: "5s", name: "primary" }).spec);
    assert.deepEqual({ ...after.metadata, ...changing }, { ...before.metadata, ...changing });
  });

  inCluster(
    "a JSON patch with a failed test is invalid as a whole, and changes nothing",
    async ({ client, namespace }) => {
      await client.create(resources.virtualServices, namespace, virtualService("test-fails", [100, 0]));
      const body = [
        weight(0, 90),
        { op: "test" as const, path: "/spec/http/0/route/1/destination/subset", value: "v3" },
      ];
      await refused(
        patch(client, namespace, "test-fails", body),
        422,
        "Invalid",
        /the server rejected our request due to an error in our request/,
      );
      assert.deepEqual(
        (await found(client, resources.virtualServices, namespace, "test-fails")).spec,
        virtualService("test-fails", [100, 0]).spec,
      );
    },
  );

  inCluster("a JSON patch may test the version it was planned on", async ({ client, namespace }) => {
    const { metadata } = await client.create(
      resources.virtualServices,
      namespace,
      virtualService("test-version", [100, 0]),
    );
    const body = [
      { op: "test" as const, path: "/metadata/resourceVersion", value: metadata.resourceVersion },
      weight(0, 90),
    ];
    await patch(client, namespace, "test-version", body);
    await refused(patch(client, namespace, "test-version", body), 422, "Invalid");
  });

  inCluster("a JSON patch of a path that is not there is invalid", async ({ client, namespace }) => {
    await client.create(resources.virtualServices, namespace, virtualService("no-path", [100, 0]));
    for (const operation of [
      { op: "replace", path: "/spec/http/7/name", value: "x" },
      { op: "remove", path: "/spec/tcp" },
      { op: "test", path: "/spec/tcp/0", value: {} },
      { op: "add", path: "/spec/http/0/route/7", value: {} },
    ] as const) {
      await refused(patch(client, namespace, "no-path", [operation]), 422, "Invalid");
    }
  });

  inCluster(
    "a JSON patch replaces a field that is not there, and finds null where nothing is",
    async ({ client, namespace }) => {
      const { spec } = virtualService("laxer", [100]);
      const { weight: _, ...unweighted } = spec.http[0]?.route[0] ?? { weight: 0 };
      await client.create(resources.virtualServices, namespace, {
        ...virtualService("laxer", [100]),
        spec: { ...spec, http: [{ route: [unweighted] }] },
      });
      const after = await patch(client, namespace, "laxer", [
        { op: "test", path: "/spec/http/0/route/0/weight", value: null },
        weight(0, 100),
      ]);
      assert.deepEqual(after.spec, spec);
    },
  );

  inCluster("a JSON patch may add and remove items of a list", async ({ client, namespace }) => {
    await client.create(resources.virtualServices, namespace, virtualService("items", [100]));
    const canary = { destination: { host: "reviews", subset: "v2" }, weight: 5 };
    const added = await patch(client, namespace, "items", [{ op: "add", path: "/spec/http/0/route/-", value: canary }]);
    assert.deepEqual(added.spec, virtualService("items", [100, 5]).spec);
    const removed = await patch(client, namespace, "items", [{ op: "remove", path: "/spec/http/0/route/1" }]);
    assert.deepEqual(removed.spec, virtualService("items", [100]).spec);
  });

  inCluster("patching what is not there is not found", async ({ client, namespace }) => {
    await refused(
      patch(client, namespace, "nobody", [weight(0, 1)]),
      404,
      "NotFound",
      /virtualservices\.networking\.istio\.io "nobody" not found/,
    );
  });
}

function mergePatches(inCluster: InCluster): void {
  inCluster(
    "null in a merge patch takes a field away, an object merges, a list is replaced",
    async ({ client, namespace }) => {
      await client.create(
        resources.configMaps,
        namespace,
        configMap("merge", { a: "1", b: "2" }, { keep: "yes", drop: "yes" }),
      );
      const after = await client.patch(resources.configMaps, namespace, "merge", {
        type: "merge",
        body: { data: { a: null, c: "3" }, metadata: { labels: { drop: null } } },
      });
      assert.deepEqual([after.data, after.metadata.labels], [{ b: "2", c: "3" }, { keep: "yes" }]);
      await client.create(resources.virtualServices, namespace, virtualService("merge", [50, 50]));
      const replaced = await client.patch(resources.virtualServices, namespace, "merge", {
        type: "merge",
        body: { spec: { http: virtualService("merge", [100]).spec.http } },
      });
      assert.deepEqual(replaced.spec, virtualService("merge", [100]).spec);
    },
  );

  inCluster("the last label that goes takes the labels with it", async ({ client, namespace }) => {
    await client.create(resources.virtualServices, namespace, virtualService("last-label", [100, 0]));
    await client.patch(resources.virtualServices, namespace, "last-label", {
      type: "merge",
      body: { metadata: { labels: { a: "b" }, annotations: { c: "d" } } },
    });
    const after = await client.patch(resources.virtualServices, namespace, "last-label", {
      type: "merge",
      body: { metadata: { labels: { a: null }, annotations: { c: null } } },
    });
    assert.deepEqual(["labels" in after.metadata, "annotations" in after.metadata], [false, false]);
  });

  inCluster("a merge patch that carries an old version is a conflict", async ({ client, namespace }) => {
    const { metadata } = await client.create(
      resources.configMaps,
      namespace,
      configMap("merge-version", { turn: "1" }),
    );
    const patch = {
      type: "merge",
      body: { metadata: { resourceVersion: metadata.resourceVersion }, data: { turn: "2" } },
    } as const;
    await client.patch(resources.configMaps, namespace, "merge-version", patch);
    await refused(
      client.patch(resources.configMaps, namespace, "merge-version", {
        ...patch,
        body: { ...patch.body, data: { turn: "3" } },
      }),
      409,
      "Conflict",
      /the object has been modified/,
    );
  });
}

function applies(inCluster: InCluster): void {
  const apply = (
    client: KubernetesClient,
    namespace: string,
    object: { readonly metadata: { readonly name: string } },
    force = false,
  ) => client.patch(resources.configMaps, namespace, object.metadata.name, { type: "apply", body: object, force });

  inCluster("an apply creates what is not there, and owns it", async ({ client, namespace }) => {
    const created = await apply(client, namespace, configMap("applied", { a: "1" }));
    assert.deepEqual(created.data, { a: "1" });
    assert.deepEqual(
      managers(created).map(({ manager, operation }) => [manager, operation]),
      [["istio-canary", "Apply"]],
    );
    assert.deepEqual(managers(created)[0]?.fieldsV1, { "f:data": { "f:a": {} } });
  });

  inCluster(
    "an apply leaves what others wrote, and takes away what it no longer names",
    async ({ client, namespace }) => {
      await apply(client, namespace, configMap("merged", { a: "1", b: "2" }));
      await client.patch(resources.configMaps, namespace, "merged", { type: "merge", body: { data: { other: "x" } } });
      const after = await apply(client, namespace, configMap("merged", { a: "1" }));
      assert.deepEqual(after.data, { a: "1", other: "x" });
    },
  );

  inCluster(
    "an apply that would change what another manager wrote is a conflict that names the field",
    async ({ client, namespace }) => {
      await client.create(resources.configMaps, namespace, configMap("contested", { a: "theirs" }));
      await refused(
        apply(client, namespace, configMap("contested", { a: "ours" })),
        409,
        "Conflict",
        /Apply failed with 1 conflict: conflict with "istio-canary" using v1: \.data\.a/,
      );
      assert.deepEqual((await found(client, resources.configMaps, namespace, "contested")).data, { a: "theirs" });
    },
  );

  inCluster("an apply of the value that is there already shares the field", async ({ client, namespace }) => {
    await client.create(resources.configMaps, namespace, configMap("shared", { a: "same" }));
    const after = await apply(client, namespace, configMap("shared", { a: "same" }));
    assert.deepEqual(
      managers(after)
        .map(({ operation }) => operation)
        .sort(),
      ["Apply", "Update"],
    );
  });

  inCluster("an apply by force takes the field", async ({ client, namespace }) => {
    await client.create(resources.configMaps, namespace, configMap("forced", { a: "theirs" }));
    const after = await apply(client, namespace, configMap("forced", { a: "ours" }), true);
    assert.deepEqual(after.data, { a: "ours" });
    const owners = managers(after).filter(({ fieldsV1 }) => JSON.stringify(fieldsV1).includes('"f:a"'));
    assert.deepEqual(
      owners.map(({ operation }) => operation),
      ["Apply"],
    );
  });

  inCluster("a conflict tells each field, and who has it", async ({ client, namespace }) => {
    const web = deployment("told", "v1", { replicas: 0 });
    await client.create(resources.deployments, namespace, web);
    const body = deployment("told", "v2", { replicas: 1 });
    const applied = client.patch(resources.deployments, namespace, "told", { type: "apply", body, force: false });
    await assert.rejects(applied, (error) => {
      assert.ok(error instanceof KubernetesError, String(error));
      assert.deepEqual(
        error.conflicts.toSorted((a, b) => a.field.localeCompare(b.field)),
        [
          { manager: "istio-canary", field: ".spec.replicas" },
          { manager: "istio-canary", field: '.spec.template.spec.containers[name="web"].image' },
        ],
      );
      return true;
    });
  });

  inCluster("an apply of what an export has of managed fields is refused", async ({ client, namespace }) => {
    const { metadata, ...rest } = configMap("exported", {});
    const entry = { manager: "kubectl", operation: "Apply", apiVersion: "v1", fieldsType: "FieldsV1", fieldsV1: {} };
    await refused(
      client.patch(resources.configMaps, namespace, "exported", {
        type: "apply",
        body: { ...rest, metadata: { ...metadata, managedFields: [entry] } },
        force: false,
      }),
      400,
      "BadRequest",
      /metadata\.managedFields must be nil/,
    );
  });

  inCluster("an apply without a selector is invalid", async ({ client, namespace }) => {
    const { spec, ...rest } = deployment("unselected", "v1", { replicas: 0 });
    const { selector: _, ...unselected } = spec;
    const body = { ...rest, spec: unselected };
    await refused(
      client.patch(
        resources.deployments,
        namespace,
        "unselected",
        { type: "apply", body, force: false },
        { dryRun: true },
      ),
      422,
      "Invalid",
      /spec\.selector: Required value/,
    );
  });

  inCluster("a file mode beyond 0777 is invalid: 644 is no 0644", async ({ client, namespace }) => {
    const withMode = (name: string, defaultMode: number) => {
      const { spec, ...rest } = deployment(name, "v1", { replicas: 0 });
      const volumes = [{ name: "key", secret: { secretName: "key", defaultMode } }];
      return { ...rest, spec: { ...spec, template: { ...spec.template, spec: { ...spec.template.spec, volumes } } } };
    };
    await refused(
      client.create(resources.deployments, namespace, withMode("mode-644", 644)),
      422,
      "Invalid",
      /spec\.template\.spec\.volumes\[0\]\.secret\.defaultMode: Invalid value: 644: must be a number between 0 and 0777/,
    );
    await client.create(resources.deployments, namespace, withMode("mode-0644", 0o644));
  });

  inCluster("an apply of a Deployment merges containers by their names", async ({ client, namespace }) => {
    await client.create(resources.deployments, namespace, deployment("by-name", "v1", { replicas: 0 }));
    const patch = {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "by-name" },
      spec: { template: { spec: { containers: [{ name: "extra", image: "registry.test/extra:v1" }] } } },
    };
    const after = await client.patch(resources.deployments, namespace, "by-name", {
      type: "apply",
      body: patch,
      force: false,
    });
    assert.deepEqual(containers(after), [
      ["web", "registry.test/web:v1"],
      ["extra", "registry.test/extra:v1"],
    ]);
    const taken = await client.patch(resources.deployments, namespace, "by-name", {
      type: "apply",
      body: { ...patch, spec: {} },
      force: false,
    });
    assert.deepEqual(containers(taken), [["web", "registry.test/web:v1"]]);
  });

  inCluster("an apply of a VirtualService owns each list as a whole", async ({ client, namespace }) => {
    const body = virtualService("owned", [100, 0]);
    const after = await client.patch(resources.virtualServices, namespace, "owned", {
      type: "apply",
      body,
      force: false,
    });
    assert.deepEqual(managers(after)[0]?.fieldsV1, { "f:spec": { "f:hosts": {}, "f:http": {} } });
  });
}

function dryRuns(inCluster: InCluster): void {
  const dry = { dryRun: true };

  inCluster("a dry run answers as the write would, and stores nothing", async ({ client, namespace }) => {
    const created = await client.create(resources.virtualServices, namespace, virtualService("dry", [100, 0]), dry);
    assert.deepEqual(created.spec, virtualService("dry", [100, 0]).spec);
    assert.equal(await client.get(resources.virtualServices, namespace, "dry"), undefined);

    const before = await client.create(resources.virtualServices, namespace, virtualService("dry", [100, 0]));
    const patched = await client.patch(
      resources.virtualServices,
      namespace,
      "dry",
      { type: "merge", body: { spec: { hosts: ["other"] } } },
      dry,
    );
    assert.deepEqual((patched.spec as { readonly hosts: unknown }).hosts, ["other"]);
    await client.replace(
      resources.virtualServices,
      namespace,
      "dry",
      { ...before, spec: virtualService("dry", [1, 2]).spec },
      dry,
    );
    await client.delete(resources.virtualServices, namespace, "dry", dry);
    assert.deepEqual(await client.get(resources.virtualServices, namespace, "dry"), before);
  });

  inCluster("a dry run goes through the webhook", async ({ client, namespace }) => {
    await refused(
      client.create(resources.virtualServices, namespace, virtualService("dry-denied", [-1, 101]), dry),
      400,
      "",
      /denied the request: configuration is invalid: weight -1 < 0/,
    );
  });

  inCluster(
    "a dry run of an apply gives the object as it would be, and stores nothing",
    async ({ client, namespace }) => {
      const applied = (name: string, data: Readonly<Record<string, string>>, dryRun: boolean) =>
        client.patch(
          resources.configMaps,
          namespace,
          name,
          { type: "apply", body: configMap(name, data), force: false },
          { dryRun },
        );
      const made = await applied("dry-applied", { a: "1" }, true);
      assert.deepEqual(made.data, { a: "1" });
      assert.equal(await client.get(resources.configMaps, namespace, "dry-applied"), undefined);
      const before = await applied("dry-applied", { a: "1" }, false);
      const changed = await applied("dry-applied", { a: "2" }, true);
      assert.deepEqual(changed.data, { a: "2" });
      assert.deepEqual(await found(client, resources.configMaps, namespace, "dry-applied"), before);
    },
  );

  inCluster("a dry run of an apply sees conflicts", async ({ client, namespace }) => {
    await client.create(resources.configMaps, namespace, configMap("dry-contested", { a: "theirs" }));
    await refused(
      client.patch(
        resources.configMaps,
        namespace,
        "dry-contested",
        { type: "apply", body: configMap("dry-contested", { a: "ours" }), force: false },
        dry,
      ),
      409,
      "Conflict",
    );
  });
}

function admission(inCluster: InCluster): void {
  const denials: readonly (readonly [string, Readonly<Record<string, unknown>>, RegExp])[] = [
    ["a negative weight", { hosts: ["a"], http: [route([-1])] }, /weight -1 < 0/],
    ["weights that are all zero", { hosts: ["a"], http: [route([0, 0])] }, /total destination weight = 0/],
    ["a route of no kind", { hosts: ["a"] }, /http, tcp or tls must be provided in virtual service/],
    [
      "a rule that does nothing",
      { hosts: ["a"], http: [{ name: "idle" }] },
      /HTTP route, redirect or direct_response is required/,
    ],
    [
      "a subset that is no label",
      { hosts: ["a"], http: [{ route: [{ destination: { host: "a", subset: "V_1" } }] }] },
      /subset name is invalid: V_1/,
    ],
  ];
  for (const [what, spec, message] of denials) {
    inCluster(`istiod's webhook denies ${what}`, async ({ client, namespace }) => {
      const object = { ...virtualService("denied", [100]), spec };
      await refused(
        client.create(resources.virtualServices, namespace, object),
        400,
        "",
        new RegExp(
          `admission webhook "[^"]*validation\\.istio\\.io" denied the request: configuration is invalid: ${message.source}`,
        ),
      );
    });
  }

  inCluster(
    "istiod's webhook tells every error at once, and the client says them in one line",
    async ({ client, namespace }) => {
      const spec = { hosts: ["a"], http: [route([-1, -2])] };
      await refused(
        client.create(resources.virtualServices, namespace, { ...virtualService("denied", [100]), spec }),
        400,
        "",
        /2 errors occurred: \* weight -1 < 0 \* weight -2 < 0/,
      );
    },
  );

  inCluster(
    "a weight that is no number is invalid by the schema, with the field's path",
    async ({ client, namespace }) => {
      await client.create(resources.virtualServices, namespace, virtualService("typed", [100, 0]));
      const patch = {
        type: "json",
        body: [{ op: "replace", path: "/spec/http/0/route/0/weight", value: "5%" }],
      } as const;
      await refused(
        client.patch(resources.virtualServices, namespace, "typed", patch),
        422,
        "Invalid",
        /spec\.http\[0\]\.route\[0\]\.weight in body must be of type integer: "string"/,
      );
    },
  );

  inCluster(
    "a rule behind one that takes everything is written, with a warning",
    async ({ client, namespace, warnings }) => {
      const spec = { hosts: ["a"], http: [route([100]), { name: "late", ...route([100]) }] };
      await client.create(resources.virtualServices, namespace, { ...virtualService("unreachable", [100]), spec });
      assert.ok(
        warnings.includes('virtualService rule "late" not used (only the last rule can have no matches)'),
        warnings.join("\n"),
      );
    },
  );

  inCluster(
    "a field that the schema does not know is pruned, with a warning",
    async ({ client, namespace, warnings }) => {
      const { spec, ...rest } = virtualService("pruned", [100]);
      const created = await client.create(resources.virtualServices, namespace, {
        ...rest,
        spec: { ...spec, bogus: { a: 1 } },
      });
      assert.deepEqual(created.spec, spec);
      assert.ok(warnings.includes('unknown field "spec.bogus"'), warnings.join("\n"));
    },
  );

  inCluster(
    "an unknown field of a built-in kind is left out, with a warning",
    async ({ client, namespace, warnings }) => {
      const { spec, ...rest } = deployment("unknown-field", "v1", { replicas: 0 });
      const created = await client.create(resources.deployments, namespace, {
        ...rest,
        spec: { ...spec, template: { ...spec.template, spec: { ...spec.template.spec, bogus: 1 } } },
      });
      assert.deepEqual(containers(created), [["web", "registry.test/web:v1"]]);
      assert.ok(!JSON.stringify(created.spec).includes("bogus"));
      assert.ok(warnings.includes('unknown field "spec.template.spec.bogus"'), warnings.join("\n"));
    },
  );

  inCluster(
    "an object of Istio's that names another version than its URL is a bad request",
    async ({ client, namespace }) => {
      const older = { ...virtualService("versioned", [100]), apiVersion: "networking.istio.io/v1beta1" };
      await refused(
        client.create(resources.virtualServices, namespace, older),
        400,
        "BadRequest",
        /the API version in the data \(networking\.istio\.io\/v1beta1\) does not match the expected API version/,
      );
    },
  );

  inCluster("subsets may have capitals in their names", async ({ client, namespace }) => {
    const object = {
      apiVersion: "networking.istio.io/v1",
      kind: "DestinationRule",
      metadata: { name: "capitals" },
      spec: { host: "a", subsets: [{ name: "v2-RC" }] },
    };
    const { spec } = await client.create(resources.destinationRules, namespace, object);
    assert.deepEqual(spec, object.spec);
  });

  inCluster("a null in an object of Istio's is as if it were not there", async ({ client, namespace }) => {
    const spec = { hosts: ["a"], gateways: null, http: [{ ...route([100]), name: null }] };
    const created = await client.create(resources.virtualServices, namespace, {
      ...virtualService("nulls", [100]),
      spec,
    });
    assert.deepEqual(created.spec, { hosts: ["a"], http: [route([100])] });
  });

  inCluster("subsets of one name are denied in a DestinationRule", async ({ client, namespace }) => {
    const object = {
      apiVersion: "networking.istio.io/v1",
      kind: "DestinationRule",
      metadata: { name: "denied" },
      spec: { host: "a", subsets: [{ name: "v1" }, { name: "v1" }] },
    };
    await refused(client.create(resources.destinationRules, namespace, object), 400, "", /duplicate subset names: v1/);
  });
}

function deletes(inCluster: InCluster): void {
  inCluster("what is deleted is gone, and may be deleted again", async ({ client, namespace }) => {
    await client.create(resources.virtualServices, namespace, virtualService("deleted", [100, 0]));
    await client.delete(resources.virtualServices, namespace, "deleted");
    assert.equal(await client.get(resources.virtualServices, namespace, "deleted"), undefined);
    await client.delete(resources.virtualServices, namespace, "deleted");
  });

  inCluster("an object of the same name that somebody made anew is not deleted", async ({ client, namespace }) => {
    const first = await client.create(resources.configMaps, namespace, configMap("anew", { turn: "1" }));
    await client.delete(resources.configMaps, namespace, "anew", { uid: uidOf(first) });
    await client.create(resources.configMaps, namespace, configMap("anew", { turn: "2" }));
    await refused(
      client.delete(resources.configMaps, namespace, "anew", { uid: uidOf(first) }),
      409,
      "Conflict",
      /does not match the UID in record/,
    );
    assert.deepEqual((await found(client, resources.configMaps, namespace, "anew")).data, { turn: "2" });
  });

  inCluster("what a Deployment owns goes with it", async ({ client, namespace }) => {
    await client.create(resources.deployments, namespace, deployment("owner", "v1", { replicas: 1 }));
    await eventually(async () =>
      assert.equal((await client.list(resources.pods, namespace, { labelSelector: "app=owner" })).length, 1),
    );
    await client.delete(resources.deployments, namespace, "owner");
    await eventually(async () => {
      const left = await Promise.all(
        [resources.replicaSets, resources.pods].map((resource) =>
          client.list(resource, namespace, { labelSelector: "app=owner" }),
        ),
      );
      assert.deepEqual(left.flat(), []);
    });
  });
}

function journalAndLock(inCluster: InCluster): void {
  inCluster("of two writers that read the same ConfigMap one is refused", async ({ client, namespace }) => {
    const read = await client.create(resources.configMaps, namespace, configMap("journal", { writer: "nobody" }));
    const writers = await Promise.allSettled(
      ["a", "b"].map((writer) =>
        client.replace(resources.configMaps, namespace, "journal", { ...read, data: { writer } }),
      ),
    );
    assert.deepEqual(writers.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
    const [lost] = writers.filter((writer) => writer.status === "rejected");
    assert.equal((lost?.reason as KubernetesError | undefined)?.status, 409);
  });

  const lease = (name: string, time: string) => ({
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: { name },
    spec: {
      holderIdentity: "run-1",
      leaseDurationSeconds: 15,
      acquireTime: time,
      renewTime: time,
      leaseTransitions: 0,
    },
  });

  inCluster("a Lease keeps microseconds", async ({ client, namespace }) => {
    await client.create(resources.leases, namespace, lease("micro", "2026-08-27T10:00:00.123456Z"));
    const { spec } = await found(client, resources.leases, namespace, "micro");
    assert.deepEqual(spec, lease("micro", "2026-08-27T10:00:00.123456Z").spec);
  });

  inCluster("a Lease with milliseconds is a bad request", async ({ client, namespace }) => {
    await refused(
      client.create(resources.leases, namespace, lease("milli", "2026-08-27T10:00:00.123Z")),
      400,
      "BadRequest",
      /cannot parse "\.123Z" as "\.000000"/,
    );
  });

  inCluster("a Lease of no time is invalid", async ({ client, namespace }) => {
    const { spec, ...rest } = lease("no-time", "2026-08-27T10:00:00.123456Z");
    await refused(
      client.create(resources.leases, namespace, { ...rest, spec: { ...spec, leaseDurationSeconds: 0 } }),
      422,
      "Invalid",
      /leaseDurationSeconds: Invalid value: 0: must be greater than 0/,
    );
  });
}

async function grant({ client, namespace }: Cluster, user: string, rules: readonly unknown[]): Promise<void> {
  await client.create(roles, namespace, {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "Role",
    metadata: { name: user },
    rules,
  });
  await client.create(roleBindings, namespace, {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "RoleBinding",
    metadata: { name: user },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: user },
    subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: user }],
  });
}

function permissions(inCluster: InCluster): void {
  const mayI = async (client: KubernetesClient, attributes: Readonly<Record<string, string>>): Promise<boolean> => {
    const review = {
      apiVersion: "authorization.k8s.io/v1",
      kind: "SelfSubjectAccessReview",
      spec: { resourceAttributes: attributes },
    };
    const { status } = await client.create(subjectAccess, undefined, review);
    return (status as { readonly allowed: boolean }).allowed;
  };

  inCluster("a user may do what the role says, in its namespace, and nothing else", async (cluster) => {
    const { namespace } = cluster;
    await grant(cluster, "reader", [
      { apiGroups: ["networking.istio.io"], resources: ["virtualservices"], verbs: ["get"] },
      { apiGroups: ["apps"], resources: ["deployments"], resourceNames: ["one"], verbs: ["patch"] },
    ]);
    const reader = cluster.as("reader");
    const get = { group: "networking.istio.io", resource: "virtualservices", verb: "get" };
    await eventually(async () => assert.equal(await mayI(reader, { ...get, namespace }), true)); // RBAC takes a moment
    assert.equal(await mayI(reader, { ...get, namespace, verb: "patch" }), false);
    assert.equal(await mayI(reader, { ...get, namespace: "default" }), false);
    assert.equal(await mayI(reader, { ...get, namespace, resource: "destinationrules" }), false);
    const patch = { group: "apps", resource: "deployments", verb: "patch", namespace };
    assert.equal(await mayI(reader, { ...patch, name: "one" }), true);
    assert.equal(await mayI(reader, { ...patch, name: "two" }), false);
    assert.equal(await reader.get(resources.virtualServices, namespace, "nobody"), undefined);
    assert.equal(await mayI(cluster.client, { ...patch, name: "two" }), true);
  });

  inCluster(
    "what a user may not do is forbidden, in words that name the user, the verb and the resource",
    async (cluster) => {
      const { namespace } = cluster;
      const stranger = cluster.as("stranger");
      const cannot = (verb: string, resource: string, group: string): RegExp =>
        new RegExp(
          `is forbidden: User "stranger" cannot ${verb} resource "${resource}" in API group "${group}" in the namespace "${namespace}"`,
        );
      await refused(
        stranger.get(resources.virtualServices, namespace, "x"),
        403,
        "Forbidden",
        /virtualservices\.networking\.istio\.io "x" is forbidden/,
      );
      await refused(
        stranger.get(resources.virtualServices, namespace, "x"),
        403,
        "Forbidden",
        cannot("get", "virtualservices", "networking.istio.io"),
      );
      await refused(
        stranger.patch(resources.deployments, namespace, "x", { type: "merge", body: {} }),
        403,
        "Forbidden",
        cannot("patch", "deployments", "apps"),
      );
      await refused(stranger.list(resources.pods, namespace), 403, "Forbidden", cannot("list", "pods", ""));
      await refused(
        stranger.create(resources.configMaps, namespace, configMap("x", {})),
        403,
        "Forbidden",
        cannot("create", "configmaps", ""),
      );
      await refused(
        stranger.log(namespace, "x", "web", { lines: 1, previous: false }),
        403,
        "Forbidden",
        cannot("get", "pods/log", ""),
      );
    },
  );
}

function deployments(inCluster: InCluster): void {
  const rolledOut = async ({ client, namespace }: Cluster, name: string): Promise<Status> => {
    const deployment = await found(client, resources.deployments, namespace, name);
    const status = statusOf(deployment);
    const { replicas } = deployment.spec as { readonly replicas: number };
    assert.equal(status.observedGeneration, deployment.metadata.generation);
    assert.deepEqual(
      [status.replicas, status.updatedReplicas, status.readyReplicas, status.availableReplicas].map(
        (count) => count ?? 0,
      ),
      Array(4).fill(replicas),
    );
    return status;
  };
  const podsOf = ({ client, namespace }: Cluster, app: string): Promise<readonly KubernetesObject[]> =>
    client.list(resources.pods, namespace, { labelSelector: `app=${app}` });
  const waitingReasons = async (cluster: Cluster, app: string): Promise<readonly string[]> =>
    (await podsOf(cluster, app)).flatMap((pod) =>
      containerStatuses(pod).map(({ state }) => state?.waiting?.reason ?? ""),
    );

  inCluster("a Deployment becomes available, and says so in its counts and conditions", async (cluster) => {
    const { client, namespace } = cluster;
    await client.create(resources.deployments, namespace, deployment("good", "v2", { replicas: 2 }));
    await eventually(async () => {
      const { conditions } = await rolledOut(cluster, "good");
      assert.deepEqual(conditionOf(conditions, "Available"), ["True", "MinimumReplicasAvailable"]);
      assert.deepEqual(conditionOf(conditions, "Progressing"), ["True", "NewReplicaSetAvailable"]);
    });
    const pods = await podsOf(cluster, "good");
    assert.equal(pods.length, 2);
    for (const pod of pods) {
      assert.match((pod.status as { readonly podIP: string }).podIP, /^\d+\.\d+\.\d+\.\d+$/);
      assert.deepEqual(
        containerStatuses(pod).map(({ ready, restartCount }) => [ready, restartCount]),
        [[true, 0]],
      );
      assert.ok(pod.metadata.labels?.["pod-template-hash"]);
    }
    const { metadata } = await found(client, resources.deployments, namespace, "good");
    assert.equal(metadata.annotations?.["deployment.kubernetes.io/revision"], "1");
  });

  inCluster("a Deployment that is not there yet has no replicas that are available", async ({ client, namespace }) => {
    const created = await client.create(resources.deployments, namespace, deployment("young", "v2", { replicas: 1 }));
    assert.deepEqual(created.status, {});
    assert.equal(created.metadata.generation, 1);
  });

  inCluster("a new image rolls out by a new ReplicaSet, and the old pods go", async (cluster) => {
    const { client, namespace } = cluster;
    await client.create(resources.deployments, namespace, deployment("rolled", "v1", { replicas: 2 }));
    await eventually(() => rolledOut(cluster, "rolled"));
    const patch = {
      type: "json",
      body: [{ op: "replace", path: "/spec/template/spec/containers/0/image", value: "registry.test/web:v2" }],
    } as const;
    const { metadata } = await client.patch(resources.deployments, namespace, "rolled", patch);
    assert.equal(metadata.generation, 2);
    await eventually(async () => {
      await rolledOut(cluster, "rolled");
      const images = (await podsOf(cluster, "rolled")).flatMap((pod) =>
        (pod.spec as { readonly containers: readonly { readonly image: string }[] }).containers.map(
          ({ image }) => image,
        ),
      );
      assert.deepEqual(images, ["registry.test/web:v2", "registry.test/web:v2"]);
    });
    const sets = await client.list(resources.replicaSets, namespace, { labelSelector: "app=rolled" });
    assert.deepEqual(sets.map(({ spec }) => (spec as { readonly replicas: number }).replicas).sort(), [0, 2]);
    const { metadata: after } = await found(client, resources.deployments, namespace, "rolled");
    assert.equal(after.annotations?.["deployment.kubernetes.io/revision"], "2");
  });

  inCluster("a Deployment grows, shrinks, and goes down to nothing", async (cluster) => {
    const { client, namespace } = cluster;
    await client.create(resources.deployments, namespace, deployment("scaled", "v1", { replicas: 1 }));
    for (const replicas of [3, 1, 0]) {
      await client.patch(resources.deployments, namespace, "scaled", { type: "merge", body: { spec: { replicas } } });
      await eventually(async () => {
        await rolledOut(cluster, "scaled");
        assert.equal((await podsOf(cluster, "scaled")).length, replicas);
      });
    }
  });

  inCluster("the image of before rolls back to the ReplicaSet of before, as a new revision", async (cluster) => {
    const { client, namespace } = cluster;
    const image = (tag: string) =>
      ({
        type: "json",
        body: [{ op: "replace", path: "/spec/template/spec/containers/0/image", value: `registry.test/web:${tag}` }],
      }) as const;
    await client.create(resources.deployments, namespace, deployment("undone", "v1", { replicas: 1 }));
    await eventually(() => rolledOut(cluster, "undone"));
    const [first] = await client.list(resources.replicaSets, namespace, { labelSelector: "app=undone" });
    await client.patch(resources.deployments, namespace, "undone", image("v2-notready"));
    await eventually(async () =>
      assert.equal((await client.list(resources.replicaSets, namespace, { labelSelector: "app=undone" })).length, 2),
    );
    await client.patch(resources.deployments, namespace, "undone", image("v1"));
    await eventually(async () => {
      await rolledOut(cluster, "undone");
      const sets = await client.list(resources.replicaSets, namespace, { labelSelector: "app=undone" });
      const serving = sets.filter(({ spec }) => (spec as { readonly replicas: number }).replicas > 0);
      assert.deepEqual(
        serving.map(({ metadata }) => [metadata.uid, metadata.annotations?.["deployment.kubernetes.io/revision"]]),
        [[first && uidOf(first), "3"]],
      );
    });
  });

  inCluster("a Deployment whose image cannot be pulled has pods that wait with the reason", async (cluster) => {
    const { client, namespace } = cluster;
    await client.create(resources.deployments, namespace, deployment("unpulled", "v2-pullfail", { replicas: 1 }));
    await eventually(async () => assert.deepEqual(await waitingReasons(cluster, "unpulled"), ["ImagePullBackOff"]));
    await eventually(async () => {
      const status = statusOf(await found(client, resources.deployments, namespace, "unpulled"));
      assert.deepEqual(conditionOf(status.conditions, "Available"), ["False", "MinimumReplicasUnavailable"]);
      assert.equal(status.unavailableReplicas, 1);
    });
  });

  inCluster("a container that crashes waits to be restarted, again and again", async (cluster) => {
    const { client, namespace } = cluster;
    await client.create(resources.deployments, namespace, deployment("crashing", "v2-crash", { replicas: 1 }));
    await eventually(async () => {
      const [pod] = await podsOf(cluster, "crashing");
      const [status] = pod === undefined ? [] : containerStatuses(pod);
      assert.equal(status?.state?.waiting?.reason, "CrashLoopBackOff");
      assert.ok((status?.restartCount ?? 0) > 0);
      assert.notEqual(status?.lastState?.terminated?.exitCode ?? 0, 0);
    });
  });

  inCluster("the log of a container that crashed is there, as many lines of it as were asked for", async (cluster) => {
    const { client, namespace } = cluster;
    await client.create(resources.deployments, namespace, deployment("logged", "v2-crash", { replicas: 1 }));
    await eventually(async () => {
      const [pod] = await podsOf(cluster, "logged");
      const log = await client.log(namespace, pod?.metadata.name ?? "", "web", { lines: 2, previous: true });
      const lines = log.trimEnd().split("\n");
      assert.ok(log.trim() !== "" && lines.length <= 2, log);
      const parts = { lines: 100, previous: true };
      const whole = await client.log(namespace, pod?.metadata.name ?? "", "web", parts);
      const part = await client.log(namespace, pod?.metadata.name ?? "", "web", { ...parts, bytes: whole.length - 1 });
      assert.ok(whole.startsWith(part) && /^$|\n$/.test(part) && part.length < whole.length, "whole lines alone");
    });
  });

  inCluster("a Deployment without progress gives up at its deadline", async (cluster) => {
    const { client, namespace } = cluster;
    await client.create(
      resources.deployments,
      namespace,
      deployment("stuck", "v2-notready", { replicas: 1, progressDeadlineSeconds: 2 }),
    );
    await eventually(async () => {
      const { conditions } = statusOf(await found(client, resources.deployments, namespace, "stuck"));
      assert.deepEqual(conditionOf(conditions, "Progressing"), ["False", "ProgressDeadlineExceeded"]);
    });
    const { conditions = [] } = statusOf(await found(client, resources.deployments, namespace, "stuck"));
    assert.match(
      conditions.find(({ type }) => type === "Progressing")?.message ?? "",
      /^ReplicaSet "stuck-[a-z0-9]+" has timed out progressing\.$/,
    );
  });

  inCluster("a Deployment that does not select its own pods is invalid", async ({ client, namespace }) => {
    const { spec, ...rest } = deployment("mismatched", "v1", { replicas: 1 });
    const object = { ...rest, spec: { ...spec, selector: { matchLabels: { app: "other" } } } };
    await refused(
      client.create(resources.deployments, namespace, object),
      422,
      "Invalid",
      /`selector` does not match template `labels`/,
    );
  });

  inCluster("the selector of a Deployment does not change", async ({ client, namespace }) => {
    await client.create(resources.deployments, namespace, deployment("immutable", "v1", { replicas: 0 }));
    const body = {
      spec: {
        selector: { matchLabels: { app: "immutable", more: "x" } },
        template: { metadata: { labels: { more: "x" } } },
      },
    };
    await refused(
      client.patch(resources.deployments, namespace, "immutable", { type: "merge", body }),
      422,
      "Invalid",
      /spec\.selector: Invalid value: .*field is immutable/s,
    );
  });
}

async function refused(call: Promise<unknown>, status: number, reason: string, message = /./): Promise<void> {
  await assert.rejects(call, (error: unknown) => {
    assert.ok(error instanceof KubernetesError, String(error));
    assert.deepEqual([error.status, error.reason], [status, reason], error.message);
    assert.match(error.message, message);
    return true;
  });
}

/** Asks until the check holds; fails with its last complaint. */
async function eventually(check: () => Promise<unknown>): Promise<void> {
  for (const end = Date.now() + patience; ; await sleep(50)) {
    try {
      await check();
      return;
    } catch (error) {
      if (Date.now() > end) throw error;
    }
  }
}

async function found(
  client: KubernetesClient,
  resource: Resource,
  namespace: string,
  name: string,
): Promise<KubernetesObject> {
  const object = await client.get(resource, namespace, name);
  assert.ok(object, `${resource.plural}/${name} is not there`);
  return object;
}

/** What a write of the spec changes in metadata. */
const changing = { resourceVersion: "", generation: 0, managedFields: [] };

const uidOf = ({ metadata }: KubernetesObject): string => metadata.uid ?? "";

type ManagedFields = { readonly manager: string; readonly operation: string; readonly fieldsV1: unknown };
const managers = ({ metadata }: KubernetesObject): readonly ManagedFields[] =>
  metadata.managedFields as readonly ManagedFields[];

type Condition = {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
};
type Counts = Partial<
  Record<
    | "observedGeneration"
    | "replicas"
    | "updatedReplicas"
    | "readyReplicas"
    | "availableReplicas"
    | "unavailableReplicas",
    number
  >
>;
type Status = Counts & { readonly conditions?: readonly Condition[] };
const statusOf = (object: KubernetesObject): Status => object.status as Status;

const conditionOf = (conditions: readonly Condition[] = [], type: string): readonly (string | undefined)[] => {
  const condition = conditions.find((other) => other.type === type);
  return [condition?.status, condition?.reason];
};

type ContainerStatus = {
  readonly ready: boolean;
  readonly restartCount: number;
  readonly state?: { readonly waiting?: { readonly reason: string } };
  readonly lastState?: { readonly terminated?: { readonly exitCode: number } };
};
const containerStatuses = (pod: KubernetesObject): readonly ContainerStatus[] =>
  (pod.status as { readonly containerStatuses?: readonly ContainerStatus[] }).containerStatuses ?? [];

function containers(deployment: KubernetesObject): readonly (readonly string[])[] {
  const { template } = deployment.spec as {
    readonly template: {
      readonly spec: { readonly containers: readonly { readonly name: string; readonly image: string }[] };
    };
  };
  return template.spec.containers.map(({ name, image }) => [name, image]);
}

const configMap = (
  name: string,
  data: Readonly<Record<string, string>>,
  labels?: Readonly<Record<string, string>>,
) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, ...(labels === undefined ? {} : { labels }) },
  data,
});

const route = (weights: readonly number[]) => ({
  route: weights.map((weight, at) => ({ destination: { host: "reviews", subset: `v${at + 1}` }, weight })),
});

const virtualService = (name: string, weights: readonly number[], rest: Readonly<Record<string, unknown>> = {}) => ({
  apiVersion: "networking.istio.io/v1",
  kind: "VirtualService",
  metadata: { name },
  spec: { hosts: ["reviews"], http: [{ ...rest, ...route(weights) }] },
});

const deployment = (
  name: string,
  tag: string,
  spec: { readonly replicas: number; readonly progressDeadlineSeconds?: number },
) => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name },
  spec: {
    ...spec,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: {
        terminationGracePeriodSeconds: 1,
        containers: [
          {
            name: "web",
            image: `registry.test/web:${tag}`,
            ports: [{ containerPort: 9080 }],
            readinessProbe: { httpGet: { path: "/healthz", port: 9080 }, periodSeconds: 1 },
          },
        ],
      },
    },
  },
});

function passingOn(inCluster: InCluster): void {
  const ask = (transport: Transport, url: string): Promise<HttpAnswer> =>
    transport.send({ method: "GET", url: new URL(url), headers: {} });

  /** A Deployment of one pod that listens at 9080, and a Service of it. */
  async function serving({ client, namespace }: Cluster, name: string, tag: string): Promise<void> {
    const { spec, ...rest } = deployment(name, tag, { replicas: 1 });
    const containers = [{ name: "web", image: `registry.test/web:${tag}`, ports: [{ containerPort: 9080 }] }];
    const template = { metadata: { labels: { app: name } }, spec: { containers } };
    await client.create(resources.deployments, namespace, {
      ...rest,
      spec: { ...spec, selector: { matchLabels: { app: name } }, template },
    });
    await client.create(resources.services, namespace, {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name },
      spec: { selector: { app: name }, ports: [{ name: "http", port: 80, targetPort: 9080 }] },
    });
  }

  inCluster("what a Service is asked a pod of it answers, path and query as they were", async (cluster) => {
    const { namespace } = cluster;
    await serving(cluster, "passed-on", "v2");
    const url = `service://${namespace}/passed-on:80/api/v1/query?query=sum(a%7Bb%3D%22c%20%2B%20d%22%7D)`;
    await eventually(async () => {
      const { status, text } = await ask(cluster.passesFor(), url);
      assert.equal(status, 200, text);
      assert.equal(JSON.parse(text).path, "/api/v1/query?query=sum(a%7Bb%3D%22c%20%2B%20d%22%7D)");
    });
  });

  inCluster("who is not there is told by a Status: no Service, no port, no ready pod", async (cluster) => {
    const { namespace } = cluster;
    await serving(cluster, "not-passed-on", "v2-notready");
    const told = async (place: string): Promise<readonly unknown[]> => {
      const { status, text } = await ask(cluster.passesFor(), `service://${namespace}/${place}/`);
      const { kind, message } = JSON.parse(text);
      return [status, kind, message];
    };
    assert.deepEqual(await told("nobody:80"), [404, "Status", `services "nobody" not found`]);
    assert.deepEqual(await told("not-passed-on:81"), [
      503,
      "Status",
      'no service port 81 found for service "not-passed-on"',
    ]);
    await eventually(async () => {
      const [status, kind, message] = await told("not-passed-on:80");
      assert.deepEqual([status, kind], [503, "Status"]);
      assert.match(String(message), /^no endpoints available for service "not-passed-on(:80)?"$/);
    });
  });

  inCluster("a role may name the Service with its port, and nobody else's requests are passed on", async (cluster) => {
    const { namespace } = cluster;
    await serving(cluster, "passed-by-name", "v2");
    await grant(cluster, "caller", [
      { apiGroups: [""], resources: ["services/proxy"], resourceNames: ["passed-by-name:80"], verbs: ["get"] },
    ]);
    const url = `service://${namespace}/passed-by-name:80/`;
    await eventually(async () => assert.equal((await ask(cluster.passesFor("caller"), url)).status, 200));
    const { status, text } = await ask(cluster.passesFor("a-stranger"), url);
    assert.equal(status, 403);
    assert.match(
      JSON.parse(text).message,
      new RegExp(
        `^services "passed-by-name:80" is forbidden: User "a-stranger" cannot get resource "services/proxy" in API group "" in the namespace "${namespace}"`,
      ),
    );
  });
}
