import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, describe, test } from "node:test";
import { loadAll } from "js-yaml";
import { gatewayRoutes } from "../../src/istio/gateway-route.ts";
import { openApiServer } from "./support/api-server.ts";
import { apply } from "./support/apply.ts";
import { bedFromEnvironment } from "./support/bed.ts";
import { assertRefused, assertRolledBack, figures, image, pick, type Scene, withScene } from "./support/scene.ts";
import { serviceAccountKubeconfig } from "./support/service-account.ts";
import { waitFor } from "./support/wait-for.ts";

// The Role that docs/rbac.yaml gives: enough for a release, and every rule of it is needed for something.

const bed = bedFromEnvironment();
const api = openApiServer(bed.kubeconfig);

type Rule = {
  readonly apiGroups: readonly [string];
  readonly resources: readonly [string];
  readonly verbs: readonly string[];
};
type Role = { readonly kind: string; readonly rules: readonly Rule[] };

const file = readFileSync("docs/rbac.yaml", "utf8");
const rules = (loadAll(file) as readonly Role[]).find(({ kind }) => kind === "Role")?.rules ?? [];

/** What a release only tells more with. */
const comforts: ReadonlySet<string> = new Set([
  "poddisruptionbudgets",
  "persistentvolumeclaims",
  "pods/log",
  "namespaces",
  "ingresses",
  "authorizationpolicies",
  "requestauthentications",
  "peerauthentications",
  "networkpolicies",
  "envoyfilters",
  "wasmplugins",
]);

/** What first deployments and routes of other kinds alone need: this release does without. */
const ofOtherReleases: ReadonlySet<string> = new Set(["endpointslices", "workloadentries", ...gatewayRoutes]);

const isIn = (some: ReadonlySet<string>, { resources }: Rule): boolean => resources.some((one) => some.has(one));

const without = (rule: Rule): readonly Rule[] => rules.filter((other) => other !== rule);

const word = ({ apiGroups: [group], resources: [resource], verbs }: Rule): string =>
  `${verbs.join(", ")} ${group === "" ? resource : `${resource}.${group}`}`;

/** A kubeconfig of a service account that has these rules in the scene's namespace, when the API server has heard of them. */
async function accountWith({ namespace }: Scene, name: string, granted: readonly Rule[]): Promise<string> {
  const metadata = { name, namespace };
  const kubeconfig = await serviceAccountKubeconfig(bed, api, namespace, name);
  const group = "rbac.authorization.k8s.io";
  const role = { apiVersion: `${group}/v1`, kind: "Role", metadata, rules: granted };
  const binding = {
    apiVersion: `${group}/v1`,
    kind: "RoleBinding",
    metadata,
    roleRef: { apiGroup: group, kind: "Role", name },
    subjects: [{ kind: "ServiceAccount", ...metadata }],
  };
  await apply(api, [role, binding].map((object) => JSON.stringify(object)).join("\n---\n"));
  const [first] = granted;
  if (first !== undefined) await waitFor(() => mayDo(kubeconfig, namespace, first), `the Role ${name}`, 30_000);
  return kubeconfig;
}

async function mayDo(
  kubeconfig: string,
  namespace: string,
  { apiGroups: [group], resources: [resource], verbs: [verb] }: Rule,
): Promise<boolean> {
  const account = openApiServer(kubeconfig);
  try {
    const review = {
      apiVersion: "authorization.k8s.io/v1",
      kind: "SelfSubjectAccessReview",
      spec: { resourceAttributes: { namespace, group, resource, verb } },
    };
    const { status } = await account.expect<{ readonly status: { readonly allowed: boolean } }>(
      "POST",
      "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
      review,
    );
    return status.allowed;
  } finally {
    await account.close();
  }
}

/** A copy of stable whose subset no DestinationRule has: the release that needs every rule. */
const copy = { canary: { from: "clone", subset: "canary", labels: { version: "canary" } }, promotion: { drain: "1s" } };

const byNamespace = (namespace: string): string => file.replaceAll("namespace: shop", `namespace: ${namespace}`);

/** The Role that names what it is for, with the names of the scene in their places. */
const byName =
  (canary: string) =>
  (namespace: string): string =>
    readFileSync("docs/rbac-by-name.yaml", "utf8")
      .replaceAll("namespace: shop", `namespace: ${namespace}`)
      .replaceAll("resourceNames: [shop]", `resourceNames: [${namespace}]`)
      .replaceAll("reviews-v2", canary)
      .replaceAll("reviews", "shop");

describe("the Role that the documentation gives", { concurrency: 4 }, () => {
  after(() => api.close());

  for (const half of [0, 1])
    test(`lacks something that plan names, whichever rule is taken away (${half + 1} of 2)`, (t) =>
      withScene(bed, api, { name: `permissions-less-${half}` }, async (scene) => {
        const before = await scene.now();
        for (const [index, rule] of rules.entries()) {
          if (index % 2 !== half) continue;
          const kubeconfig = await accountWith(scene, `without-${index}`, without(rule));
          const { code, said } = await scene.start(copy, { command: "plan", flags: image("v2"), kubeconfig }).ended;
          const optional = isIn(comforts, rule) || isIn(ofOtherReleases, rule);
          assert.equal(code, optional ? 0 : 2, said);
          const line = said
            .split("\n")
            .find((text) =>
              text.includes(`This job may not ${word(rule)} in namespace ${scene.namespace}, which is needed to `),
            );
          assert.equal(line === undefined, isIn(ofOtherReleases, rule), `${word(rule)}:\n${said}`);
          t.diagnostic(line ?? `${word(rule)} is not needed here`);
        }
        assert.deepEqual(await scene.now(), before);
      }));

  const withExisting = [{ v1: 80, v2: 20 }, { v1: 50, v2: 50 }, { v2: 100 }];
  const withCopy = [{ v1: 80, canary: 20 }, { v1: 50, canary: 50 }, { canary: 100 }, { v1: 100 }];
  for (const [what, name, roles, settings, planned] of [
    ["an existing Deployment", "permissions-existing", byNamespace, {}, withExisting],
    ["a copy of stable", "permissions-copy", byNamespace, copy, withCopy],
    ["an existing Deployment, by name", "permissions-name", byName("shop-v2"), {}, withExisting],
    ["a copy of stable, by name", "permissions-name-copy", byName("shop-v1-canary"), copy, withCopy],
  ] as const) {
    test(`is enough for a release of ${what}`, (t) =>
      withScene(bed, api, { name }, async (scene) => {
        await apply(api, roles(name), name);
        const kubeconfig = await serviceAccountKubeconfig(bed, api, name, "istio-canary");
        await waitFor(
          () => mayDo(kubeconfig, name, { apiGroups: [""], resources: ["pods"], verbs: ["list"] }),
          "the Role",
          30_000,
        );
        const { code, said, outputs } = await scene.start(settings, { flags: image("v2"), kubeconfig }).ended;
        assert.equal(code, 0, said);
        assert.deepEqual(pick(outputs, "outcome", "settled"), { outcome: "succeeded", settled: "true" });
        const { counts, weights } = await scene.end();
        t.diagnostic(`${JSON.stringify(weights)}; ${figures(counts)}`);
        assert.equal(counts.bad, 0, counts.badSamples.join("\n"));
        assert.deepEqual(weights, [{ v1: 100 }, ...planned]);
      }));
  }

  for (const resource of ["leases", "configmaps", "virtualservices"]) {
    test(`refuses a release when it lacks ${resource}, and nothing is changed`, (t) =>
      withScene(bed, api, { name: `permissions-${resource}` }, async (scene) => {
        const kubeconfig = await accountWith(
          scene,
          "istio-canary",
          rules.filter(({ resources: [name] }) => name !== resource),
        );
        const finished = await scene.start({}, { flags: image("v2"), kubeconfig }).ended;
        await assertRefused(scene, finished, new RegExp(resource));
        t.diagnostic(finished.said);
      }));
  }

  test("is not needed for logs: without them a crash loop is told without its last words", (t) =>
    withScene(bed, api, { name: "permissions-log" }, async (scene) => {
      const kubeconfig = await accountWith(
        scene,
        "without-log",
        rules.filter(({ resources: [name] }) => name !== "pods/log"),
      );
      const finished = await scene.start({}, { flags: image("v2-crash"), kubeconfig }).ended;
      await assertRolledBack(scene, finished, /container shop crashes again and again/);
      assert.doesNotMatch(finished.outputs.because ?? "", /last words/);
      assert.match(finished.said, /warning: This job may not get pods\/log in namespace permissions-log/);
      t.diagnostic(figures((await scene.end()).counts));
    }));
});
