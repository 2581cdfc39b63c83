import assert from "node:assert/strict";
import { createServer } from "node:http";
import test, { type TestContext } from "node:test";
import { prometheus } from "../../../src/adapters/prometheus/prometheus.ts";
import { resources } from "../../../src/kubernetes/object.ts";
import type { Finding } from "../../../src/ports/preflight.ts";
import type { Gate } from "../../../src/release/gate.ts";
import { clientOf, until } from "../../support/cluster.ts";
import { listening } from "../../support/listening.ts";
import { planWith } from "../../support/plan-with.ts";
import { prometheusOptions } from "../../support/prometheus-options.ts";
import { servedPrometheus } from "../../support/served-prometheus.ts";

const signal = new AbortController().signal;
const plan = planWith([
  { kind: "errors", name: "errors", atMost: 0.01, minRequests: 1, noData: "wait" } satisfies Gate,
]);
const mayAsk = {
  apiGroups: [""],
  resources: ["services/proxy"],
  resourceNames: ["prometheus:9090"],
  verbs: ["get"],
  namespaces: ["istio-system"],
};

/** A cluster whose Prometheus answers as told, and a job that may do what the rules say. */
async function cluster(t: TestContext, rules: readonly (typeof mayAsk)[], answer = "{}", status = 200) {
  const heard: (string | undefined)[] = [];
  const inside = createServer((request, response) => {
    heard.push(request.headers.authorization);
    response.writeHead(status, { "content-type": "application/json" }).end(answer);
  });
  const served = await servedPrometheus(await listening(t, inside), { tokens: { job: { user: "job", rules } } });
  t.after(served.close);
  const inspect = (url = served.url): Promise<readonly Finding[]> =>
    prometheus(prometheusOptions(url, { network: served.networkOf("job") })).inspect(plan, Date.now(), signal);
  return { ...served, heard, inspect };
}

test("a job that may not ask over the API server is told which rule it needs, and where", async (t) => {
  const { inspect, heard } = await cluster(t, []);
  assert.deepEqual(await inspect(), [
    {
      level: "refuse",
      what: 'the API server does not pass on what Prometheus at service://istio-system/prometheus:9090 is asked: services "prometheus:9090" is forbidden: User "job" cannot get resource "services/proxy" in API group "" in the namespace "istio-system"',
      next: 'Add {apiGroups: [""], resources: [services/proxy], resourceNames: ["prometheus:9090"], verbs: [get]} to a Role of the job\'s in istio-system; docs/rbac.yaml has it.',
    },
  ]);
  assert.deepEqual(heard, []);
});

const everywhere = { ...mayAsk, resourceNames: [] };
const absent: readonly { readonly what: string; readonly url: string; readonly says: RegExp; readonly next: RegExp }[] =
  [
    {
      what: "a Service that is not there",
      url: "service://istio-system/thanos:9090",
      says: /services "thanos" not found$/,
      next: /kubectl -n istio-system get services$/,
    },
    {
      what: "a port that the Service has not",
      url: "service://istio-system/prometheus:80",
      says: /no service port 80 found for service "prometheus"$/,
      next: /kubectl -n istio-system get service prometheus$/,
    },
  ];
for (const { what, url, says, next } of absent)
  test(`${what} is told, with the command that shows what there is`, async (t) => {
    const { inspect } = await cluster(t, [everywhere]);
    const [finding] = await inspect(url);
    assert.equal(finding?.level, "refuse");
    assert.match(finding.what, says);
    assert.match(finding.next ?? "", next);
  });

test("a Prometheus without a ready pod is told, with the command that shows its pods", async (t) => {
  const { inspect, server } = await cluster(t, [mayAsk]);
  const client = clientOf(server);
  await client.delete(resources.pods, "istio-system", "prometheus-0");
  await until(
    "the pod is gone",
    () => client.list(resources.pods, "istio-system"),
    (pods) => pods.length === 0,
  );
  const [finding] = await inspect();
  assert.match(finding?.what ?? "", /no endpoints available for service "prometheus"$/);
  assert.match(
    finding?.next ?? "",
    /kubectl -n istio-system get pods,endpointslices -l kubernetes\.io\/service-name=prometheus$/,
  );
});

test("what Prometheus itself refuses stays its own word", async (t) => {
  const refusal = JSON.stringify({ status: "error", errorType: "unavailable", error: "the query engine is away" });
  const { inspect } = await cluster(t, [mayAsk], refusal, 400);
  const [finding] = await inspect();
  assert.equal(
    finding?.what,
    "Prometheus at service://istio-system/prometheus:9090 answered 400: the query engine is away",
  );
});

test("a Prometheus of its own address that speaks as an API server does is believed to be no API server", async (t) => {
  const status = { kind: "Status", apiVersion: "v1", message: "no", code: 403 };
  const inside = createServer((_, response) => response.writeHead(403).end(JSON.stringify(status)));
  const url = await listening(t, inside);
  const [finding] = await prometheus(prometheusOptions(url)).inspect(plan, Date.now(), signal);
  assert.match(finding?.what ?? "", /^Prometheus at http:\/\/127\.0\.0\.1:\d+ answered 403/);
});

test("the job's login ends at the API server, and a header of the configuration's is passed on", async (t) => {
  const { networkOf, url, heard } = await cluster(t, [mayAsk]);
  const headers = { "x-scope-orgid": "shop", Authorization: "Bearer of somebody else" };
  const source = prometheus(prometheusOptions(url, { network: networkOf("job"), headers })).watch();
  const { because } = await source.query("up", Date.now(), signal);
  assert.match(because ?? "", /answered what is no answer of its API/);
  assert.deepEqual([...new Set(heard)], [undefined]);
});
