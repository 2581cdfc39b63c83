import assert from "node:assert/strict";
import test, { describe } from "node:test";
import { hostIn } from "../../sandbox/shop.ts";
import { type CaseRun, runCase } from "./support.ts";

/** Issue 10, section 3: who serves a service that is said to be deployed for the first time. */
const statefulSet = "c31-statefulset-serves-first-deploy";

type Change = (world: string) => string;

const withoutPods: Change = (world) =>
  world
    .split("---\n")
    .filter((one) => !one.includes("kind: Pod"))
    .join("---\n");
const owner = /\n {2}ownerReferences: .*/g;

/** Who serves, as somebody's world has it, and how it is named. */
const served: readonly (readonly [who: string, change: Change | undefined, named: RegExp])[] = [
  [
    "a StatefulSet",
    undefined,
    /Service shop\/reviews is served by 2 pods \(reviews-0 of StatefulSet reviews, reviews-1 of StatefulSet reviews\)/,
  ],
  ["bare pods", (world) => world.replace(owner, ""), /is served by 2 pods \(reviews-0, reviews-1\)/],
  [
    "a ReplicaSet",
    (world) => world.replaceAll("kind: StatefulSet", "kind: ReplicaSet"),
    /reviews-0 of ReplicaSet reviews/,
  ],
  [
    "a Deployment of another name than was written",
    (world) =>
      withoutPods(world).replace(
        "---",
        `---\n${world.split("---")[0]?.replaceAll("reviews-v2", "reviews-v1").replaceAll("version: v2", "version: v1")}---`,
      ),
    /Service shop\/reviews is served by 1 pod/,
  ],
  [
    "a machine behind an EndpointSlice",
    (world) =>
      `${withoutPods(world)}---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: reviews-vm, namespace: shop, labels: {kubernetes.io/service-name: reviews}}
addressType: IPv4
endpoints: [{addresses: [10.1.2.3], conditions: {ready: true}}]
`,
    /Service shop\/reviews has endpoints that are no pods \(10\.1\.2\.3\)/,
  ],
  [
    "a machine that a WorkloadEntry adds to the Service",
    (world) =>
      `${withoutPods(world)}---
apiVersion: networking.istio.io/v1
kind: WorkloadEntry
metadata: {name: vm, namespace: shop}
spec: {address: 10.1.2.4, labels: {app: reviews, version: v1}}
`,
    /Service shop\/reviews has endpoints that are no pods \(10\.1\.2\.4\)/,
  ],
  [
    "another service, by a route of the mesh",
    (world) =>
      `${withoutPods(world).replace("hosts: [reviews]", "hosts: [reviews.example.com]")}---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: legacy, namespace: shop}
spec: {hosts: [reviews], http: [{route: [{destination: {host: reviews-on-premises.example.com}}]}]}
`,
    /VirtualService shop\/legacy: http route #0 sends its requests to reviews-on-premises\.example\.com/,
  ],
];

const begin = /This is not the first deployment of shop\/reviews: /;

function assertRefused({ exit, said }: CaseRun, named: RegExp): void {
  assert.equal(exit, 2, said);
  assert.match(said, begin);
  assert.match(said, named);
  assert.match(said, /only a Deployment can be one/, "what to do");
}

describe("a first deployment is refused where somebody serves:", { concurrency: 4 }, () => {
  for (const [who, change, named] of served)
    for (const command of ["plan", "release"])
      test(`${who} (${command})`, async (t) => {
        const changes = change ? { change: { "world.yaml": change } } : {};
        const run = await runCase(t, statefulSet, { ...changes, command: `${command} --first-deploy true` });
        assertRefused(run, named);
      });
});

const routeOf =
  (stable: number, canary: number): Change =>
  (world) =>
    world
      .replace("subset: v1}, weight: 100", `subset: v1}, weight: ${stable}`)
      .replace("subset: v2}, weight: 0", `subset: v2}, weight: ${canary}`);
const onPremises: Change = (world) => world.replace("{host: reviews, subset: v1}", "{host: onprem.example.com}");
const canaryWith =
  (replicas: number): Change =>
  (world) =>
    world.replace("replicas: 1", `replicas: ${replicas}`);

/** What a canary without pods gets is lost already; it is given back to stable, so that what fails is what there was. */
const stableFirst = /to the canary already .*(Else give|Give) stable its weight back first/;

/** No stable is there; who else is, and what the route was written with, by whoever made it. */
const written: readonly (readonly [what: string, change: Change, exit: 0 | 2, said: RegExp])[] = [
  ["stable alone, and a canary with pods", routeOf(100, 0), 0, /Nothing forbids/],
  ["the canary alone, and it has no pods", (world) => canaryWith(0)(routeOf(0, 100)(world)), 2, stableFirst],
  ["both, and the canary has no pods", (world) => canaryWith(0)(routeOf(90, 10)(world)), 2, stableFirst],
  [
    "the canary alone, and it has pods",
    routeOf(0, 100),
    2,
    /sends 100% of its requests to reviews-v2, which has 1 pod that is ready\. Take first-deploy .* away and name reviews-v2 as stable/,
  ],
  ["both, and the canary has pods", routeOf(90, 10), 2, /sends 10% of its requests to reviews-v2/],
  [
    "another host and the canary, which has pods",
    (world) => onPremises(routeOf(90, 10)(world)),
    2,
    /http route #0 sends its requests to onprem\.example\.com/,
  ],
  [
    "another host and the canary, which has none",
    (world) => onPremises(canaryWith(0)(routeOf(90, 10)(world))),
    2,
    /http route #0 sends its requests to onprem\.example\.com/,
  ],
];

describe("before a first deployment the route was written with", { concurrency: 4 }, () => {
  for (const [what, change, exit, seen] of written)
    for (const command of ["plan", "release"])
      test(`${what} (${command})`, async (t) => {
        const run = await runCase(t, statefulSet, {
          change: { "world.yaml": (world) => change(withoutPods(world)) },
          command: `${command} --first-deploy true`,
        });
        assert.equal(run.exit, exit, run.said);
        if (exit === 2 || command === "plan") assert.match(run.said, seen);
        assert.doesNotMatch(run.said, /exchanged|reviews-v2 \(stable\)/, "nobody is stable yet");
      });
});

test("a first deployment goes on where nobody serves, the canary's own pods aside, and plan says the same", async (t) => {
  const change = { "world.yaml": withoutPods };
  const planned = await runCase(t, statefulSet, { change, command: "plan --first-deploy true" });
  assert.equal(planned.exit, 0, planned.said);
  assert.doesNotMatch(planned.said, /20% of the requests/, "there are no stages");
  // Without stages a release can end before any customer calls: whoever calls afterwards is answered by the canary.
  const { exit, said, probes } = await runCase(t, statefulSet, {
    change,
    probes: [{ host: hostIn("shop"), path: "/" }],
  });
  assert.equal(exit, 0, said);
  assert.deepEqual(probes, ["v2"], said);
});
