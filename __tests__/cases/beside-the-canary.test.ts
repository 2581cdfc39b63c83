import assert from "node:assert/strict";
import test, { describe } from "node:test";
import { kindNamed } from "../../sandbox/api-server/kind.ts";
import { type CaseRun, runCase } from "./support.ts";

/** Issue 10: what manifests bring beside the canary's Deployment, which no weight and no gate would know. */
const world = "b00-manifests-beside";

const bringing = (...documents: readonly string[]) => ({
  change: { "k8s/v2.yaml": (text: string) => [text, ...documents].join("---\n") },
});

/** The lines of a plan that begin so. */
const linesOf = ({ said }: CaseRun, mark: "✗" | "!" | "·"): string =>
  said
    .split("\n")
    .filter((line) => line.startsWith(`${mark} `))
    .join("\n");

const pods = (kind: string, name: string, labels: string, apiVersion = "apps/v1") =>
  `{apiVersion: ${apiVersion}, kind: ${kind}, metadata: {name: ${name}}, spec: {selector: {matchLabels: ${labels}}, template: {metadata: {labels: ${labels}}, spec: {containers: [{name: app, image: "registry.example/reviews:v9-err100"}]}}}}\n`;

const stableLabels = "{app: reviews, version: v1, role: debug}";
const service = (name: string, spec: string) =>
  `{apiVersion: v1, kind: Service, metadata: {name: ${name}}, spec: {ports: [{name: http, port: 9080, targetPort: 9080}], ${spec}}}\n`;
const ofCanary = service("reviews-v2", "selector: {app: reviews, version: v2}");
const virtualService = (name: string, spec: string) =>
  `{apiVersion: networking.istio.io/v1, kind: VirtualService, metadata: {name: ${name}}, spec: {${spec}, http: [{route: [{destination: {host: reviews-v2}}]}]}}\n`;

describe("what manifests bring beside the canary", { concurrency: 4 }, () => {
  test("whoever would answer the service's requests is refused, of whatever kind", async (t) => {
    const run = await runCase(
      t,
      world,
      bringing(
        pods("Deployment", "debug-deployment", stableLabels),
        pods("ReplicaSet", "debug-set", stableLabels),
        pods("StatefulSet", "debug-stateful", stableLabels),
        pods("StatefullSet", "misspelt", "{app: other}"),
        pods("DaemonSet", "debug-daemon", "{app: reviews, version: v2, role: other}"),
        pods("Deployment", "debug-open", "{app: reviews, role: open}"),
        `{apiVersion: batch/v1, kind: Job, metadata: {name: migrate}, spec: {template: {metadata: {labels: ${stableLabels}}, spec: {restartPolicy: Never, containers: [{name: app, image: "registry.example/reviews:v2"}]}}}}\n`,
        `{apiVersion: v1, kind: Pod, metadata: {name: debug-pod, labels: ${stableLabels}}, spec: {containers: [{name: app, image: "registry.example/reviews:v9-err100"}]}}\n`,
        `{apiVersion: networking.istio.io/v1, kind: WorkloadEntry, metadata: {name: machine}, spec: {address: 10.1.1.1, labels: ${stableLabels}}}\n`,
        "{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: slice, labels: {kubernetes.io/service-name: reviews}}, addressType: IPv4, endpoints: [{addresses: [10.1.2.3]}]}\n",
      ),
    );
    assert.equal(run.exit, 2, run.said);
    const refused = linesOf(run, "✗");
    assert.match(
      refused,
      /not serve StatefullSet of apps\/v1, .* has it\. Correct its kind or its apiVersion; kubectl/,
    );
    for (const [word, share] of [
      ["Deployment shop/debug-deployment", "a part of stable's requests"],
      ["ReplicaSet shop/debug-set", "a part of stable's requests"],
      ["StatefulSet shop/debug-stateful", "a part of stable's requests"],
      ["DaemonSet shop/debug-daemon", "a part of the canary's requests"],
      ["Deployment shop/debug-open", "requests"],
      ["Job shop/migrate", "a part of stable's requests"],
      ["Pod shop/debug-pod", "a part of stable's requests"],
      ["WorkloadEntry shop/machine", "a part of stable's requests"],
      ["EndpointSlice shop/slice", "requests"],
    ] as const)
      assert.match(
        refused,
        new RegExp(`The manifest of ${word} answers for Service shop/reviews \\(by .*would get ${share} from when`),
      );
  });

  test("workloads and policies of their own labels are applied, and those that rest", async (t) => {
    const run = await runCase(t, world, {
      ...bringing(
        pods("Deployment", "worker", "{app: reviews-worker}"),
        "{apiVersion: security.istio.io/v1, kind: AuthorizationPolicy, metadata: {name: worker}, spec: {selector: {matchLabels: {app: reviews-worker}}, action: DENY, rules: [{}]}}\n",
        pods("Deployment", "resting", stableLabels).replace("spec: {sel", "spec: {replicas: 0, sel"),
      ),
    });
    assert.equal(run.exit, 0, run.said);
    assert.match(run.said, /· Deployment shop\/worker will be made/);
    assert.match(run.said, /· AuthorizationPolicy shop\/worker will be made/);
  });

  test("what the canary's own selector takes is refused, and a selector that takes the other version's pods is told", async (t) => {
    const run = await runCase(t, world, {
      change: {
        "k8s/v2.yaml": (text) =>
          `${text.replace("matchLabels: {app: reviews, version: v2}", "matchLabels: {tier: web}").replace("template:\n    metadata: {labels: {", "template:\n    metadata: {labels: {tier: web, ")}---\n${pods("Deployment", "other", "{tier: web}")}`,
        "world.yaml": (text) =>
          text.replace(
            "template:\n    metadata: {labels: {app: reviews",
            "template:\n    metadata: {labels: {tier: web, app: reviews",
          ),
      },
    });
    assert.match(
      linesOf(run, "✗"),
      /The selector of Deployment shop\/reviews-v2 takes the pods of the manifest of Deployment shop\/other/,
    );
    assert.match(
      linesOf(run, "!"),
      /The selector of Deployment shop\/reviews-v2 \(tier=web\) takes the pods of reviews-v1, too/,
    );
  });

  test("a route for the hosts of the release is refused, and one that leads to the canary by another host is named", async (t) => {
    const run = await runCase(
      t,
      world,
      bringing(
        ofCanary,
        virtualService("public", "hosts: [shop.example.com], gateways: [istio-ingress/public]"),
        virtualService("wide", 'hosts: ["*.example.com"], gateways: [istio-ingress/public]'),
        virtualService("handed-on", "exportTo: [.]"),
        virtualService("preview", "hosts: [preview.example.org], gateways: [istio-ingress/public]"),
        "{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {name: front}, spec: {hostnames: [api.example.org], parentRefs: [{name: public}], rules: [{backendRefs: [{name: reviews-v2, port: 9080}]}]}}\n",
        "{apiVersion: networking.istio.io/v1, kind: ServiceEntry, metadata: {name: legacy}, spec: {hosts: [legacy.example.org], location: MESH_INTERNAL, resolution: STATIC, ports: [{number: 80, name: http, protocol: HTTP}], workloadSelector: {labels: {version: v2}}}}\n",
      ),
    );
    assert.equal(run.exit, 2, run.said);
    for (const name of ["public", "wide", "handed-on"])
      assert.match(
        linesOf(run, "✗"),
        new RegExp(
          `VirtualService shop/${name} decides where requests of this release go \\(it is for the same hosts as`,
        ),
      );
    assert.doesNotMatch(linesOf(run, "✗"), /preview|HTTPRoute|ServiceEntry/);
    for (const what of [
      "VirtualService shop/preview sends requests for preview.example.org",
      "HTTPRoute shop/front sends requests for api.example.org",
      "ServiceEntry shop/legacy sends requests for legacy.example.org",
    ])
      assert.match(linesOf(run, "!"), new RegExp(`The manifest of ${what} to the canary's pods`));
  });

  test("whoever another VirtualService leads to the release keeps its way", async (t) => {
    const front =
      "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: front, namespace: shop}\nspec: {hosts: [old.example.org], gateways: [istio-ingress/public], http: [{match: [{uri: {prefix: /old}}], route: [{destination: {host: reviews, subset: v1}}]}]}\n";
    const run = await runCase(t, world, {
      change: {
        ...bringing(ofCanary, virtualService("new", "hosts: [old.example.org], gateways: [istio-ingress/public]"))
          .change,
        "world.yaml": (text) => `${text}---\n${front}`,
      },
    });
    assert.match(linesOf(run, "✗"), /VirtualService shop\/new decides .* as VirtualService shop\/front/);
  });

  test("a Service for stable alone refuses a swap before anything is made", async (t) => {
    const run = await runCase(t, world, {
      ...bringing(service("reviews-stable", "selector: {app: reviews, version: v1}")),
      command: "release",
    });
    assert.equal(run.exit, 2, run.said);
    assert.match(
      run.said,
      /Service shop\/reviews-stable selects the pods of reviews-v1 alone .* does not move with the release/,
    );
    assert.equal(run.sandbox.api.store.get(kindNamed("services"), "shop", "reviews-stable"), undefined);
  });

  test("a Service for the canary alone goes with it in a rollback", async (t) => {
    const run = await runCase(t, world, {
      change: {
        ...bringing(ofCanary).change,
        "canary.yaml": (text) => text.replace("reviews:v2", "reviews:v2-crash"),
      },
      command: "release",
    });
    assert.equal(run.exit, 1, run.said);
    assert.doesNotMatch(run.said, /keeps its pods/);
    for (const plural of ["services", "deployments"])
      assert.equal(run.sandbox.api.store.get(kindNamed(plural), "shop", "reviews-v2"), undefined);
  });

  test("ways to the canary around the route are told as those that are there are", async (t) => {
    const run = await runCase(
      t,
      world,
      bringing(
        service("reviews-all", "selector: {app: reviews}"),
        service("reviews-lb", "type: LoadBalancer, selector: {app: reviews}"),
        "{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: front}, spec: {rules: [{host: www.example.org, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: reviews, port: {number: 9080}}}}]}}]}}\n",
        "{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: budget}, spec: {minAvailable: 1, selector: {matchLabels: {version: v1}}}}\n",
      ),
    );
    assert.equal(run.exit, 0, run.said);
    const warned = linesOf(run, "!");
    assert.match(warned, /Service shop\/reviews-all selects the canary's pods, too, and no route is for it/);
    assert.match(warned, /Service shop\/reviews-lb can be reached by its load balancer/);
    assert.match(warned, /Service shop\/reviews can be reached by Ingress shop\/front/);
    assert.match(linesOf(run, "·"), /PodDisruptionBudget budget protects reviews-v1 and not reviews-v2/);
  });

  test("what would take stable's pods or shut them in is refused, what decides about them is told", async (t) => {
    const run = await runCase(
      t,
      world,
      bringing(
        "{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: less}, spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: reviews-v1}, minReplicas: 1, maxReplicas: 1}}\n",
        "{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: more}, spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: reviews-v1}, minReplicas: 2, maxReplicas: 9}}\n",
        "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: shut}, spec: {podSelector: {matchLabels: {app: reviews}}, policyTypes: [Ingress]}}\n",
        "{apiVersion: security.istio.io/v1, kind: AuthorizationPolicy, metadata: {name: deny}, spec: {selector: {matchLabels: {app: reviews}}, action: DENY, rules: [{}]}}\n",
        "{apiVersion: security.istio.io/v1, kind: PeerAuthentication, metadata: {name: strict}, spec: {selector: {matchLabels: {app: reviews}}, mtls: {mode: STRICT}}}\n",
        "{apiVersion: security.istio.io/v1, kind: RequestAuthentication, metadata: {name: tokens}, spec: {selector: {matchLabels: {app: elsewhere}}}}\n",
      ),
    );
    assert.equal(run.exit, 2, run.said);
    const [refused, warned] = [linesOf(run, "✗"), linesOf(run, "!")];
    assert.match(
      refused,
      /HorizontalPodAutoscaler shop\/less scales reviews-v1, which serves.*would leave it 1 pod of 2/,
    );
    assert.match(warned, /HorizontalPodAutoscaler shop\/more scales reviews-v1, which serves/);
    assert.match(
      refused,
      /NetworkPolicy shop\/shut lets nothing through for reviews-v1.*no request would reach its pods/,
    );
    assert.match(refused, /AuthorizationPolicy shop\/deny lets nothing through for reviews-v1.*answered with 403/);
    assert.match(warned, /PeerAuthentication shop\/strict is for the pods of reviews-v1/);
    assert.doesNotMatch(run.said, /shop\/tokens is for/);
  });

  test("journal and lock are no manifests", async (t) => {
    const run = await runCase(
      t,
      world,
      bringing(
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: istio-canary-reviews}, data: {release.json: '{}'}}\n",
        "{apiVersion: coordination.k8s.io/v1, kind: Lease, metadata: {name: istio-canary-reviews}, spec: {holderIdentity: other}}\n",
      ),
    );
    assert.equal(run.exit, 2, run.said);
    assert.match(linesOf(run, "✗"), /ConfigMap shop\/istio-canary-reviews would write over what releases keep/);
    assert.match(linesOf(run, "✗"), /Lease shop\/istio-canary-reviews would write over what releases keep/);
  });

  test("what stable's pods use, too, is not changed", async (t) => {
    const inUse = (kind: string, name: string) =>
      `{apiVersion: v1, kind: ${kind}, metadata: {name: ${name}, namespace: shop}, data: {a: b}}\n`;
    const use =
      "          envFrom: [{configMapRef: {name: env}}]\n      volumes: [{name: a, configMap: {name: files}}, {name: b, projected: {sources: [{configMap: {name: projected}}]}}]\n";
    const brought = ["env", "files", "projected", "other"].map((name) =>
      inUse("ConfigMap", name).replace("a: b", "c: d"),
    );
    const run = await runCase(t, world, {
      change: {
        ...bringing(...brought).change,
        "world.yaml": (text) =>
          [
            text.replace(/( +ports: \[\{name: http, containerPort: 9080\}\]\n)/, `$1${use}`),
            ...["env", "files", "projected", "other"].map((name) => inUse("ConfigMap", name)),
          ].join("---\n"),
      },
    });
    assert.equal(run.exit, 2, run.said);
    for (const name of ["env", "files", "projected"])
      assert.match(
        linesOf(run, "✗"),
        new RegExp(`ConfigMap shop/${name} is there already, and changes: .data.c. The pods of reviews-v1 use it, too`),
      );
    assert.match(linesOf(run, "!"), /ConfigMap shop\/other is there already, and changes: \.data\.c\. A rollback/);
  });

  test("a container that is not in the manifest is told although it keeps its image", async (t) => {
    const run = await runCase(t, world, {
      change: {
        "canary.yaml": (text) =>
          text.replace("subset: v2,", "subset: v2, container: sidecarr,").replace(/image: .*\n/, ""),
      },
    });
    assert.equal(run.exit, 2, run.said);
    assert.match(linesOf(run, "✗"), /Deployment shop\/reviews-v2: there is no container sidecarr \(containers: app\)/);
  });

  test("a stable that keeps no old templates is told of before an update", async (t) => {
    const run = await runCase(t, world, {
      change: {
        "canary.yaml": (text) => `${text}promotion: update\n`,
        "world.yaml": (text) => text.replace("replicas: 2", "replicas: 2\n  revisionHistoryLimit: 0"),
      },
    });
    assert.equal(run.exit, 0, run.said);
    assert.match(
      linesOf(run, "·"),
      /reviews-v1 has revisionHistoryLimit 0: after the promotion kubectl rollout undo has/,
    );
  });

  test("a canary that a finalizer would hold is told of, and an export loses its finalizers", async (t) => {
    const held = (more: string) => ({
      change: {
        "k8s/v2.yaml": (text: string) =>
          text.replace(
            "metadata: {name: reviews-v2,",
            `metadata: {name: reviews-v2, ${more}finalizers: [acme.test/slow],`,
          ),
      },
    });
    const written = await runCase(t, world, held(""));
    assert.match(
      linesOf(written, "!"),
      /reviews-v2 has finalizers \(acme\.test\/slow\): after a rollback it would keep its pods/,
    );
    const exported = await runCase(t, world, held("uid: a-b-c, "));
    assert.doesNotMatch(exported.said, /has finalizers/);
    assert.match(linesOf(exported, "·"), /left out: metadata\.finalizers, metadata\.uid/);
  });

  test("a rollback is not settled while a finalizer keeps the canary's pods", async (t) => {
    const run = await runCase(t, world, {
      command: "release",
      change: {
        "k8s/v2.yaml": (text) =>
          text.replace("metadata: {name: reviews-v2,", "metadata: {name: reviews-v2, finalizers: [acme.test/slow],"),
        "canary.yaml": (text) => text.replace("reviews:v2", "reviews:v2-crash"),
      },
    });
    assert.equal(run.exit, 3, run.said);
    assert.match(
      run.said,
      /not as it should be: Deployment shop\/reviews-v2 is being deleted, and keeps its pods as long as/,
    );
    assert.equal(run.ends.at(-1)?.settled, false);
  });
});
