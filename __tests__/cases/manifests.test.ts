import assert from "node:assert/strict";
import test, { describe } from "node:test";
import { kindNamed } from "../../sandbox/api-server/kind.ts";
import type { StoredObject } from "../../sandbox/api-server/object.ts";
import { type CaseOptions, type CaseRun, runCase } from "./support.ts";

type Case = CaseOptions & { readonly name: string; readonly sees: (run: CaseRun) => void };

/** Issue 10, section 2: a case, and what must be seen. */
const cases: readonly Case[] = [
  { name: "c33-matchexpressions-clone", sees: assertReleased },
  { name: "c72-odd-subset-labels-clone", sees: assertReleased },
  {
    name: "c53-octal-default-mode",
    sees(run) {
      assertReleased(run);
      const { volumes } = podSpecOf(run, "reviews-v2");
      assert.match(JSON.stringify(volumes), /"defaultMode":256.*"defaultMode":420/);
    },
  },
  {
    name: "c52-anchors-merge-keys",
    sees(run) {
      assertReleased(run);
      const labels = Object(find(run, "deployments", "reviews-v2").spec).template.metadata.labels;
      assert.deepEqual(labels, { app: "reviews", version: "v2", tier: "backend" });
    },
  },
  {
    name: "c56-shell-variables-in-manifest",
    env: { PATH: "/usr/bin", HOME: "/root" },
    sees(run) {
      assertReleased(run);
      const { data } = find(run, "configmaps", "reviews-nginx");
      // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the shell's
      const script = "export PATH=/app/bin:${PATH}\nexec /app/reviews --home ${HOME}\n";
      assert.deepEqual(data, { "run.sh": script });
    },
  },
  {
    name: "c56-shell-variables-in-manifest",
    command: "plan --variables HOME",
    env: { PATH: "/usr/bin", HOME: "/root" },
    sees({ exit, said }) {
      assert.equal(exit, 0, said);
      assert.match(said, /· \$\{HOME\} is filled from the environment: k8s\/v2\.yaml\[0\]\.data\["run\.sh"\], k8s/);
      assert.match(said, /· Manifests have \$\{PATH\} in them, which stays as it is\./);
    },
  },
  {
    name: "c56b-shell-defaults-in-manifest",
    sees: ({ exit, said }) => assert.equal(exit, 0, said),
  },
  {
    name: "c60-helm-output-with-virtualservice",
    sees: refusedWith(/VirtualService shop\/reviews decides where requests of this release go/),
  },
  {
    name: "c60-helm-output-with-virtualservice",
    command: "plan",
    sees({ exit, said }) {
      assert.equal(exit, 2, said);
      assert.match(said, /✗ The manifest of VirtualService shop\/reviews decides/);
      assert.match(said, /· Deployment shop\/reviews-v2 will be made; a rollback takes it away\./);
      assert.match(
        said,
        /! Service shop\/reviews is there already, and changes: \.metadata\.labels\. A rollback does not/,
      );
    },
  },
  {
    name: "c60b-manifests-own-virtualservice",
    sees({ ends, said, traffic }) {
      assert.deepEqual(
        ends.map(({ exit }) => exit),
        [0, 2],
        said,
      );
      assert.match(said, /VirtualService shop\/reviews decides where requests of this release go/);
      assert.equal(traffic.bad, 0);
    },
  },
  {
    name: "c26b-manifests-over-kubectl-apply",
    sees(run) {
      assertReleased(run);
      assert.match(JSON.stringify(podSpecOf(run, "reviews-v2")), /"image":"registry\.example\/reviews:v2"/);
    },
  },
  {
    name: "c26b-manifests-over-kubectl-apply",
    command: "plan",
    sees({ exit, said }) {
      assert.equal(exit, 0, said);
      assert.match(
        said,
        /· Deployment shop\/reviews-v2 is there already, and changes: \.spec\.replicas, \.spec\.template\.spec\.containers\[app\]\.image \(taken over from kubectl: /,
      );
    },
  },
  {
    name: "c26b-manifests-over-kubectl-apply",
    command: "plan",
    change: {
      "k8s/v2.yaml": (text) =>
        text.replace(
          "metadata: {name: reviews-v2, labels: {app: reviews",
          "metadata: {name: reviews-v2, labels: {app: other",
        ),
    },
    sees: refusedWith(/would change what somebody else set: \.metadata\.labels\.app of kubectl's/),
  },
  {
    name: "c26b-manifests-over-kubectl-apply",
    command: "plan",
    change: { "k8s/v2.yaml": (text) => text.replace("- name: app", "- name: web") },
    sees: ({ said }) =>
      assert.match(said, /! Deployment shop\/reviews-v2 keeps container app, which the manifest does not/),
  },
  {
    name: "c67-old-blog-extensions-v1beta1",
    sees: refusedWith(
      /does not serve Deployment of extensions\/v1beta1, as the manifest of Deployment reviews-v2 has it/,
    ),
  },
  {
    name: "c67-old-blog-extensions-v1beta1",
    command: "plan",
    sees: ({ said }) => assert.doesNotMatch(said, /None of the manifests is/),
  },
  {
    name: "c67-old-blog-extensions-v1beta1",
    command: "plan",
    change: { "k8s/v2.yaml": (text) => text.replace("extensions/v1beta1", "apps/v1beta2") },
    sees: refusedWith(/does not serve Deployment of apps\/v1beta2.* It serves apps\/v1\./),
  },
  {
    name: "c67-old-blog-extensions-v1beta1",
    change: { "k8s/v2.yaml": (text) => text.replace("extensions/v1beta1", "apps/v1") },
    sees: refusedWith(/Deployment shop\/reviews-v2 was refused: .*spec\.selector: Required value/),
  },
  {
    name: "c148-exported-by-kubectl-get",
    sees: assertReleased,
  },
  {
    name: "c148-exported-by-kubectl-get",
    command: "plan",
    sees({ exit, said }) {
      assert.equal(exit, 0, said);
      assert.match(
        said,
        /· Deployment shop\/reviews-v2: what an export has of the server is left out: .*metadata\.managedFields/,
      );
    },
  },
  {
    name: "c53-octal-default-mode",
    command: "plan",
    change: { "k8s/v2.yaml": (text) => text.replace("0644", "644") },
    sees: refusedWith(/defaultMode: Invalid value: 644: must be a number between 0 and 0777/),
  },
  {
    name: "c53-octal-default-mode",
    command: "plan",
    change: { "k8s/v2.yaml": (text) => text.replace("containers:", "continers:") },
    sees: refusedWith(/Deployment shop\/reviews-v2 was refused: .*continers/),
  },
  {
    name: "c56-shell-variables-in-manifest",
    command: "plan",
    change: {
      "k8s/v2.yaml": (text) => `${text}        - {name: log, image: "registry.example/log:\${TAG}"}\n`,
      "canary.yaml": nameContainer,
    },
    sees: refusedWith(/container log has the image registry\.example\/log:\$\{TAG\}, which is not filled in/),
  },
  ...(
    [
      ["apiVersion: v1\nkind: Namespace\nmetadata: {name: other}", /Namespace other belongs to no namespace/],
      [
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: all}",
        /ClusterRole all belongs to no namespace/,
      ],
      ["apiVersion: v1\nkind: Secret\nmetadata: {name: key}", /v2\.yaml\[2\]: a Secret is not taken/],
      [
        "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: other}\nspec: {host: reviews.shop.svc.cluster.local}",
        /DestinationRule shop\/other decides where requests of this release go/,
      ],
      [
        "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: other}\nspec: {hosts: [elsewhere.example.com], http: [{route: [{destination: {host: reviews, subset: v2}}]}]}",
        /VirtualService shop\/other decides where requests of this release go/,
      ],
      [
        "apiVersion: v1\nkind: Service\nmetadata: {name: reviews}\nspec: {selector: {app: reviews, version: v2}, ports: [{name: http, port: 9080}]}",
        /Service shop\/reviews would change what somebody else set: \.spec/,
      ],
    ] as const
  ).map(
    ([document, words]): Case => ({
      name: "c56-shell-variables-in-manifest",
      command: "plan",
      change: { "k8s/v2.yaml": (text) => `${text}---\n${document}\n` },
      sees: refusedWith(words),
    }),
  ),
  {
    name: "c56-shell-variables-in-manifest",
    command: "plan",
    change: {
      "k8s/v2.yaml": (text) =>
        `${text}---\n{apiVersion: v1, kind: Secret, metadata: {name: key}, stringData: {a: b}}\n`,
      "canary.yaml": (text) => text.replace("[k8s/v2.yaml]", "[k8s/v2.yaml], allowSecrets: true"),
    },
    sees({ exit, said }) {
      assert.equal(exit, 0, said);
      assert.match(said, /· Secret shop\/key will be made/);
    },
  },
  {
    name: "c56-shell-variables-in-manifest",
    command:
      "release then release --image registry.example/reviews:v3 then release --image registry.example/reviews:v4",
    sees({ exit, said, traffic }) {
      assert.equal(exit, 0, said);
      assert.equal(traffic.bad, 0, said);
      assert.deepEqual(Object.keys(traffic.byVersion).sort(), ["v1", "v2", "v3", "v4"]);
    },
  },
  {
    name: "c20-init-container-same-image",
    sees(run) {
      assertReleased(run);
      const text = JSON.stringify(podSpecOf(run, "reviews-v1"));
      assert.deepEqual(
        [...text.matchAll(/reviews:(\w+)/g)].map(([, tag]) => tag),
        ["v2", "v2"],
      );
    },
  },
  {
    name: "c20-init-container-same-image",
    command: "plan",
    sees: ({ said }) =>
      assert.match(said, /· Deployment shop\/reviews-v1: with container app the image is given to migrate, too\./),
  },
  {
    name: "c20-init-container-same-image",
    command: "plan",
    change: { "canary.yaml": (text) => text.replace("from: clone", "from: clone, container: [app]") },
    sees: warnsOf(
      /Deployment shop\/reviews-v1: migrate has the image that app has, and keeps it: container names app only/,
    ),
  },
  {
    name: "c38-clone-carries-pruning-marks",
    sees(run) {
      assert.equal(run.exit, 0, run.said);
      const { labels, annotations, ownerReferences } = find(run, "deployments", "reviews-canary").metadata;
      assert.deepEqual(labels, { app: "reviews", version: "canary", "app.kubernetes.io/managed-by": "istio-canary" });
      assert.deepEqual(Object.keys(annotations ?? {}).sort(), [
        "deployment.kubernetes.io/revision", // of the Deployment controller
        "istio-canary/release",
      ]);
      assert.equal(ownerReferences, undefined);
      assert.match(run.said, /Deployment shop\/reviews-v1 belongs to WebApp reviews \(platform\.example\.com\/v1\)/);
      assert.match(run.said, /Deployment shop\/reviews-v1 is given images by Keel/);
    },
  },
  {
    name: "c38-clone-carries-pruning-marks",
    before: ({ api }) =>
      void api.deny({
        kind: "Deployment",
        name: "reviews-canary",
        when: ({ metadata }) => metadata?.labels?.["applyset.kubernetes.io/part-of"] === undefined,
        because: "every Deployment needs its set",
      }),
    sees: refusedWith(/Deployment shop\/reviews-canary could not be made as a copy: .*every Deployment needs its set/),
  },
  {
    name: "c148-exported-by-kubectl-get",
    command: "plan",
    change: {
      "k8s/v2.yaml": (text) =>
        text
          .replace("  uid:", "  ownerReferences: [{apiVersion: v1, kind: ConfigMap, name: a, uid: b}]\n  uid:")
          .replace("  labels:", '  annotations: {"helm.sh/hook": test}\n  labels:')
          .replace(
            "      containers:",
            "      initContainers: [{name: migrate, image: registry.example/reviews:v1}]\n$&",
          ),
    },
    sees(run) {
      warnsOf(
        /Deployment shop\/reviews-v2 is a hook of Helm's/,
        /Deployment shop\/reviews-v2: migrate has stable's image registry\.example\/reviews:v1, beside app with/,
      )(run);
      assert.match(run.said, /is left out: .*metadata\.ownerReferences/);
    },
  },
  {
    name: "c148-exported-by-kubectl-get",
    command: "plan",
    change: { "k8s/v2.yaml": (text) => text.replace("  replicas: 2", "  paused: true\n  replicas: 2") },
    sees: refusedWith(/reviews-v2 \(canary\) is paused, so it would never get the new image\. Take paused out/),
  },
  {
    name: "c56-shell-variables-in-manifest",
    command: "plan",
    change: { "k8s/v2.yaml": (text) => text.replace("reviews:v2", `reviews:\${TAG}`) },
    sees: ({ exit, said }) => assert.equal(exit, 0, said), // the release's own image takes its place
  },
  {
    name: "c27-rwo-pvc-hostport-clone",
    sees: warnsOf(
      /PersistentVolumeClaim shop\/reviews-data could not be read, and may be for one node only/,
      /want port 9080 of their node/,
      /By a required podAntiAffinity no pod of Deployment shop\/reviews-canary may share its kubernetes\.io\/hostname with one of the other/,
    ),
  },
  {
    name: "c27-rwo-pvc-hostport-clone",
    change: { "world.yaml": withClaim("ReadWriteOnce") },
    sees: warnsOf(/PersistentVolumeClaim shop\/reviews-data can be used on one node only/),
  },
  {
    name: "c27-rwo-pvc-hostport-clone",
    change: { "world.yaml": withClaim("ReadWriteOncePod") },
    sees: refusedWith(/PersistentVolumeClaim shop\/reviews-data can be used by one pod only/),
  },
  {
    name: "c27-rwo-pvc-hostport-clone",
    change: { "world.yaml": withClaim("ReadWriteMany") },
    sees: ({ said }) => assert.doesNotMatch(said, /PersistentVolumeClaim/),
  },
  {
    name: "c27-rwo-pvc-hostport-clone",
    change: {
      "world.yaml": (text) =>
        text.replace(
          /persistentVolumeClaim: \{claimName: reviews-data\}/,
          [
            "awsElasticBlockStore: {volumeID: vol-1}",
            "        - {name: logs, hostPath: {path: /var/log/reviews}}",
            "        - {name: keys, gcePersistentDisk: {pdName: keys, readOnly: true}}",
          ].join("\n"),
        ),
    },
    sees(run) {
      warnsOf(
        /Volume \S+ \(awsElasticBlockStore\) of Deployment shop\/reviews-canary is stable's, too, and can be used on one node only/,
        /Volume logs \(hostPath\) .* is the folder \/var\/log\/reviews of the node/,
      )(run);
      assert.doesNotMatch(run.said, /Volume keys/);
    },
  },
  {
    name: "c20-init-container-same-image",
    command: "plan",
    change: {
      "world.yaml": (text) =>
        text
          .replaceAll("registry.example/reviews", "reviews")
          .replace(/(initContainers:[\s\S]*?image: )reviews/, "$1docker.io/library/reviews"),
    },
    sees: ({ said }) => assert.match(said, /with container app the image is given to migrate, too\./),
  },
  {
    name: "c26-revision-history-zero",
    sees: refusedWith(/reviews-v2 is there already, and has revisionHistoryLimit 0/),
  },
  {
    name: "c26-revision-history-zero",
    command: "plan",
    change: { "world.yaml": (text) => text.replaceAll("revisionHistoryLimit: 0", "revisionHistoryLimit: 1") },
    sees: ({ exit, said }) => assert.equal(exit, 0, said),
  },
  {
    name: "c26b-manifests-over-kubectl-apply",
    command: "plan",
    change: { "k8s/v2.yaml": (text) => text.replace("replicas: 2", "replicas: 2\n  revisionHistoryLimit: 0") },
    sees: refusedWith(/reviews-v2 is there already, and its manifest gives it revisionHistoryLimit 0/),
  },
  {
    name: "c24-keda-hpa-and-swap",
    sees: warnsOf(/KEDA \(ScaledObject shop\/reviews-v1\) scales reviews-v1: .* KEDA raises it again by itself/),
  },
  {
    name: "c24-keda-hpa-and-swap",
    change: { "world.yaml": withPlainAutoscaler },
    sees: warnsOf(/HorizontalPodAutoscaler keda-hpa-reviews-v1 has minReplicas 0, so it may raise reviews-v1 again/),
  },
  { name: "c61-stable-in-manifests", sees: refusedWith(/v2\.yaml\[0\]: Deployment reviews-v1 is stable's/) },
];

function nameContainer(text: string): string {
  return text.replace("subset: v2, from", "subset: v2, container: app, from");
}

function assertReleased({ exit, traffic, said }: CaseRun): void {
  assert.equal(exit, 0, said);
  assert.equal(traffic.bad, 0, said);
  assert.ok((traffic.byVersion.v2 ?? 0) > 0, said);
}

/** The release may begin, and people are told. */
function warnsOf(...words: readonly RegExp[]): Case["sees"] {
  return ({ exit, said }) => {
    assert.equal(exit, 0, said);
    const warnings = said.split("\n").filter((line) => line.startsWith("! "));
    for (const word of words)
      assert.ok(
        warnings.some((line) => word.test(line)),
        `${word}\n${said}`,
      );
  };
}

function withClaim(mode: string): (world: string) => string {
  const claim = {
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: { name: "reviews-data", namespace: "shop" },
    spec: { accessModes: [mode], resources: { requests: { storage: "1Gi" } } },
  };
  return (world) => `${world}---\n${JSON.stringify(claim)}\n`;
}

function withPlainAutoscaler(world: string): string {
  const plain = world.replace(/, labels: \{scaledobject.*controller: true\}\]\}/, "}");
  return plain.replace("minReplicas: 1", "minReplicas: 0");
}

/** With nothing of the world touched. */
function refusedWith(...words: readonly RegExp[]): Case["sees"] {
  return ({ exit, said, traffic, sandbox }) => {
    assert.equal(exit, 2, said);
    for (const word of words) assert.match(said, word);
    assert.equal(traffic.bad, 0);
    const writes = sandbox.api.requests
      .all()
      .filter(({ method, path }) => method !== "GET" && !/dryRun=All|selfsubjectaccess|leases/.test(path));
    assert.deepEqual(writes, []);
  };
}

const find = ({ sandbox }: CaseRun, plural: string, name: string): StoredObject =>
  sandbox.api.store.get(kindNamed(plural), "shop", name) ?? assert.fail(`${plural} ${name} is not there`);

const podSpecOf = (run: CaseRun, name: string): Readonly<Record<string, unknown>> =>
  Object(find(run, "deployments", name).spec).template.spec;

describe("manifests and copies", { concurrency: 4 }, () => {
  for (const { name, sees, ...options } of cases)
    test(`${name}${options.command === undefined ? "" : `, ${options.command}`}`, async (t) => {
      sees(await runCase(t, name, options));
    });
});
