import assert from "node:assert/strict";
import test from "node:test";
import { chooseContainer, chosenPlaces } from "../../src/kubernetes/deployment.ts";
import { resourceOf } from "../../src/kubernetes/resource-of.ts";
import { asQuery, readSelector, selects } from "../../src/kubernetes/selector.ts";

const containers = (...names: readonly string[]) => ({
  namespace: "shop",
  name: "reviews-v1",
  containers: names.map((name) => ({ name, image: `${name}:1`, portNames: [] })),
  initContainers: [],
});

const chosen: readonly (readonly [readonly string[], string | undefined, string | RegExp])[] = [
  [["reviews"], undefined, "reviews"],
  [["istio-proxy", "reviews"], undefined, "reviews"],
  [["reviews", "nginx"], "nginx", "nginx"],
  [["reviews", "nginx"], undefined, /not clear which container gets the image \(containers: reviews, nginx\)/],
  [["reviews"], "review", /there is no container review \(containers: reviews\)/],
  [["istio-proxy"], undefined, /not clear/],
  [["istio-proxy"], "istio-proxy", "istio-proxy"],
];

for (const [names, named, expected] of chosen) {
  test(`of the containers ${names.join(", ")}${named ? ` and the choice ${named}` : ""}: ${String(expected)}`, () => {
    const answer = chooseContainer(containers(...names), named);
    if (typeof expected === "string")
      assert.deepEqual(answer, {
        list: "containers",
        index: names.indexOf(expected),
        name: expected,
        image: `${expected}:1`,
        followers: [],
      });
    else assert.match("problem" in answer ? answer.problem : "", expected);
  });
}

/** `app:1` is a container with its image. */
const withImages = (containers: readonly string[], initContainers: readonly string[] = []) => {
  const [all = [], inits = []] = [containers, initContainers].map((words) =>
    words.map((word) => ({ name: word.split("=")[0] ?? "", image: word.split("=")[1] ?? "", portNames: [] })),
  );
  return { namespace: "shop", name: "reviews-v1", containers: all, initContainers: inits };
};

const follow: readonly (readonly [ReturnType<typeof withImages>, string | readonly string[] | undefined, string])[] = [
  [withImages(["app=a:1"], ["migrate=a:1", "wait=busybox"]), undefined, "app migrate"],
  [withImages(["app=a:1", "worker=a:1"]), undefined, "app worker"],
  [withImages(["app=a:1", "worker=a:2"]), undefined, "not clear which container"],
  [withImages(["app=a:1", "worker=a:1", "log=b:1"]), "worker", "worker app"],
  [withImages(["istio-proxy=p", "app=a:1"], ["migrate=a:1"]), ["app"], "app"],
  [withImages(["app=a:1"], ["migrate=a:0"]), ["app", "migrate"], "app migrate"],
  [withImages(["app=a:1"]), ["app", "migrate"], "there is no container migrate"],
];

for (const [deployment, named, expected] of follow) {
  const all = [...deployment.initContainers, ...deployment.containers].map(({ name, image }) => `${name}=${image}`);
  test(`of ${all.join(", ")} and the choice ${JSON.stringify(named)}, the image goes to: ${expected}`, () => {
    const answer = chooseContainer(deployment, named);
    const found =
      "problem" in answer
        ? answer.problem
        : chosenPlaces(answer)
            .map(({ name }) => name)
            .join(" ");
    assert.match(found, new RegExp(expected));
  });
}

const plurals = {
  Deployment: "deployments",
  Ingress: "ingresses",
  NetworkPolicy: "networkpolicies",
  Gateway: "gateways",
  Endpoints: "endpoints",
  DestinationRule: "destinationrules",
  ServiceEntry: "serviceentries",
  HorizontalPodAutoscaler: "horizontalpodautoscalers",
};
for (const [kind, plural] of Object.entries(plurals))
  test(`${kind} are ${plural}`, () => assert.equal(resourceOf("x/v1", kind).plural, plural));

test("a core kind has no group", () => {
  assert.deepEqual(resourceOf("v1", "Service"), { group: "", version: "v1", kind: "Service", plural: "services" });
  assert.deepEqual(resourceOf("apps/v1", "Deployment"), {
    group: "apps",
    version: "v1",
    kind: "Deployment",
    plural: "deployments",
  });
});

const selector = readSelector({
  matchLabels: { app: "reviews" },
  matchExpressions: [
    { key: "version", operator: "In", values: ["v1", "v2"] },
    { key: "old", operator: "DoesNotExist" },
    { key: "tier", operator: "Exists" },
    { key: "zone", operator: "NotIn", values: ["x"] },
  ],
});
test("a selector is the query that the API server understands", () =>
  assert.equal(asQuery(selector), "app=reviews,version in (v1,v2),!old,tier,zone notin (x)"));

const labels = { app: "reviews", version: "v1", tier: "" };
const selected: readonly (readonly [Readonly<Record<string, string>>, boolean])[] = [
  [labels, true],
  [{ ...labels, version: "v3" }, false],
  [{ ...labels, old: "" }, false],
  [{ app: "reviews", version: "v1" }, false],
  [{ ...labels, zone: "x" }, false],
  [{ ...labels, zone: "y" }, true],
  [{ ...labels, app: "ratings" }, false],
];
for (const [given, expected] of selected)
  test(`a selector ${expected ? "selects" : "does not select"} ${JSON.stringify(given)}`, () =>
    assert.equal(selects(selector, given), expected));
