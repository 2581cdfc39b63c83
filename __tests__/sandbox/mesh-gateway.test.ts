import assert from "node:assert/strict";
import { once } from "node:events";
import { request as ask, type ClientRequest, createServer, type IncomingMessage } from "node:http";
import test, { type TestContext } from "node:test";
import { request } from "undici";
import { startGateway } from "../../sandbox/mesh/gateway.ts";
import type { Objects } from "../../sandbox/mesh/objects.ts";
import { podRunner } from "../../sandbox/mesh/pod-runner.ts";
import { destinationRule, pod, service, to, virtualService } from "../support/mesh-objects.ts";

type World = {
  readonly objects: { -readonly [kind in keyof Objects]: Objects[kind] };
  readonly gateway: Awaited<ReturnType<typeof startGateway>>;
  readonly runner: ReturnType<typeof podRunner>;
};

/** Two running versions behind a gateway that learns of changes only when told. */
async function world(
  t: TestContext,
  images: Readonly<Record<string, string>> = { v1: "reviews:v1", v2: "reviews:v2" },
): Promise<World> {
  const runner = podRunner();
  const pods = await Promise.all(
    Object.entries(images).map(async ([version, image]) =>
      pod(`reviews-${version}`, version, {
        image,
        ...(await runner.start(pod(`reviews-${version}`, version, { image }))),
      }),
    ),
  );
  const objects = {
    virtualServices: [virtualService([{ route: [to("v1")] }])],
    destinationRules: [destinationRule()],
    services: [service("reviews")],
    pods,
  };
  const gateway = await startGateway({ read: () => objects, addressOf: runner.addressOf, delay: 3_600_000 });
  t.after(async () => {
    await gateway.close();
    await runner.close();
  });
  return { objects, gateway, runner };
}

type Answer = { readonly status: number; readonly body: string };
async function get({ gateway }: World, path = "/", headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  const { statusCode, body } = await request(gateway.url + path, { headers: { host: "reviews", ...headers } });
  return { status: statusCode, body: await body.text() };
}

/** Every series of the gateway with these labels, added up. */
async function counted(
  { gateway }: World,
  name: string,
  labels: Readonly<Record<string, string>>,
  url = gateway.metricsUrl,
): Promise<number> {
  const text = await (await request(url)).body.text();
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  const lines = text
    .split("\n")
    .filter((line) => line.startsWith(`${name}{`) && wanted.every((pair) => line.includes(pair)));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
}

test("a request reaches the pod that the route names, with its path, and its answer comes back", async (t) => {
  const shop = await world(t);
  assert.deepEqual(await get(shop, "/cart?x=1"), {
    status: 200,
    body: JSON.stringify({ pod: "reviews-v1-7d9f-x1", version: "v1", path: "/cart?x=1" }),
  });
});

test("a body is passed on", async (t) => {
  const seen: string[] = [];
  const backend = createServer((request, response) =>
    request
      .setEncoding("utf8")
      .on("data", (part: string) => seen.push(part))
      .on("end", () => response.end()),
  );
  await new Promise<void>((resolve) => backend.listen(0, "127.0.0.1", resolve));
  const { port } = backend.address() as { port: number };
  const objects = {
    virtualServices: [],
    destinationRules: [],
    services: [service("reviews")],
    pods: [pod("reviews-v1", "v1", { ip: "10.0.0.1" })],
  };
  const gateway = await startGateway({ read: () => objects, addressOf: () => `127.0.0.1:${port}` });
  t.after(() => backend.close());
  t.after(() => gateway.close());
  await request(gateway.url, { method: "POST", headers: { host: "reviews" }, body: "hello" });
  assert.deepEqual(seen, ["hello"]);
});

test("the weights that are stored are the shares that are served and counted", async (t) => {
  const shop = await world(t);
  shop.objects.virtualServices = [virtualService([{ route: [to("v1", 80), to("v2", 20)] }])];
  await shop.gateway.refresh();
  const answers = [];
  for (let n = 0; n < 200; n++) answers.push((JSON.parse((await get(shop)).body) as { version: string }).version);
  const canary = answers.filter((version) => version === "v2").length;
  assert.ok(canary > 20 && canary < 60, `${canary} of 200`); // the seed is fixed: this is no matter of luck
  assert.equal(
    await counted(shop, "istio_requests_total", {
      destination_workload: "reviews-v2",
      response_code: "200",
      reporter: "source",
    }),
    canary,
  );
  assert.equal(await counted(shop, "istio_requests_total", { destination_workload: "reviews-v1" }), 200 - canary);
  assert.equal(
    await counted(shop, "istio_request_duration_milliseconds_bucket", {
      destination_workload: "reviews-v2",
      le: "+Inf",
    }),
    canary,
  );
});

test("a change is served only after the mesh has taken it up", async (t) => {
  const shop = await world(t);
  shop.objects.virtualServices = [virtualService([{ route: [to("v2")] }])];
  assert.match((await get(shop)).body, /"v1"/);
  await shop.gateway.refresh();
  assert.match((await get(shop)).body, /"v2"/);
});

test("a change is taken up by itself", async (t) => {
  const shop = await world(t);
  const quick = await startGateway({ read: () => shop.objects, addressOf: shop.runner.addressOf, delay: 1 });
  t.after(() => quick.close());
  shop.objects.virtualServices = [virtualService([{ route: [to("v2")] }])];
  await once(quick.events, "followed");
  assert.match((await get({ ...shop, gateway: quick })).body, /"v2"/);
});

test("an image that fails one request in five does so exactly, and each failure is counted for its version", async (t) => {
  const shop = await world(t, { v1: "reviews:v1-err20" });
  const statuses = [];
  for (let n = 0; n < 50; n++) statuses.push((await get(shop)).status);
  assert.equal(statuses.filter((status) => status === 500).length, 10);
  assert.equal(
    await counted(shop, "istio_requests_total", {
      destination_workload: "reviews-v1",
      response_code: "500",
      response_flags: "-",
    }),
    10,
  );
});

test("an image that is slow is seen in the histogram", async (t) => {
  const shop = await world(t, { v1: "reviews:v1-slow60" });
  await get(shop);
  assert.equal(await counted(shop, "istio_request_duration_milliseconds_bucket", { le: "50" }), 0);
  assert.equal(await counted(shop, "istio_request_duration_milliseconds_bucket", { le: "+Inf" }), 1);
});

test("an image that never gets ready fails its probe and nothing else", async (t) => {
  const shop = await world(t, { v1: "reviews:v1-notready" });
  assert.equal((await get(shop, "/healthz")).status, 503);
  assert.equal((await get(shop, "/")).status, 200);
});

const failures = [
  {
    what: "a pod that went away before the mesh knew",
    flag: "UF",
    workload: "unknown",
    service: "reviews.shop.svc.cluster.local",
    change: async ({ objects, runner }: World) => runner.stop(objects.pods[0]),
  },
  {
    what: "no ready pod",
    flag: "UH",
    workload: "unknown",
    service: "reviews.shop.svc.cluster.local",
    change: async ({ objects }: World) => void Object.assign(objects, { pods: [] }),
  },
  {
    what: "a subset that is not there",
    flag: "NC",
    workload: "unknown",
    service: "reviews",
    change: async ({ objects }: World) => void Object.assign(objects, { destinationRules: [] }),
  },
] as const;
for (const { what, flag, workload, service, change } of failures) {
  test(`${what} is 503 ${flag}, counted for the service and for no version`, async (t) => {
    const shop = await world(t);
    await change(shop);
    await shop.gateway.refresh();
    assert.equal((await get(shop)).status, 503);
    assert.equal(
      await counted(shop, "istio_requests_total", {
        response_code: "503",
        response_flags: flag,
        destination_workload: workload,
        destination_service: service,
      }),
      1,
    );
  });
}

/** Sends a request and waits until the other side has begun with it, which it says by `100 Continue`. */
async function begun(url: string, host: string): Promise<ClientRequest> {
  const sent = ask(url, { headers: { host, expect: "100-continue" }, agent: false });
  sent.end();
  await once(sent, "continue");
  return sent;
}

test("a pod that is stopped finishes the request under way", async (t) => {
  const shop = await world(t, { v1: "reviews:v1-slow50" });
  const [pod] = shop.objects.pods as readonly { readonly status: { readonly podIP: string } }[];
  const under = await begun(`http://${shop.runner.addressOf(pod?.status.podIP ?? "", 9080)}`, "reviews");
  const answered = once(under, "response");
  await Promise.all([shop.runner.stop(pod), answered.then(([answer]) => (answer as IncomingMessage).resume())]);
  assert.equal(((await answered)[0] as IncomingMessage).statusCode, 200);
});

test("a client that leaves is counted with code 0, as a failure of nobody", async (t) => {
  const shop = await world(t, { v1: "reviews:v1-slow100" });
  const leaving = await begun(shop.gateway.url, "reviews");
  const requestEnded = once(shop.gateway.events, "counted");
  leaving.on("error", () => undefined).destroy();
  await requestEnded;
  assert.equal(await counted(shop, "istio_requests_total", { response_code: "0", response_flags: "DC" }), 1);
});

test("an injected delay is marked as such and holds the answer back", async (t) => {
  const shop = await world(t);
  shop.objects.virtualServices = [
    virtualService([{ fault: { delay: { fixedDelay: "30ms", percentage: { value: 100 } } }, route: [to("v1")] }]),
  ];
  await shop.gateway.refresh();
  assert.equal((await get(shop)).status, 200);
  assert.equal(
    await counted(shop, "istio_requests_total", { response_flags: "DI", destination_workload: "reviews-v1" }),
    1,
  );
  assert.equal(
    await counted(shop, "istio_request_duration_milliseconds_bucket", { response_flags: "DI", le: "25" }),
    0,
  );
});

test("the version of a pod without a sidecar is unknown to its callers, that of a pod with one is not", async (t) => {
  const shop = await world(t);
  await get(shop);
  shop.objects.pods = shop.objects.pods.map((one) => ({
    ...(one as object),
    spec: { containers: [...(one as { spec: { containers: object[] } }).spec.containers, { name: "istio-proxy" }] },
  }));
  await shop.gateway.refresh();
  await get(shop);
  assert.equal(await counted(shop, "istio_requests_total", { destination_version: "unknown" }), 1);
  assert.equal(await counted(shop, "istio_requests_total", { destination_version: "v1" }), 1);
});

test("a copy is sent beside the request, marked by its host, and is neither waited for nor counted where it is sent", async (t) => {
  const it = await world(t);
  it.objects.virtualServices = [virtualService([{ route: [to("v1")], mirror: { host: "reviews", subset: "v2" } }])];
  await it.gateway.refresh();
  const copied: Promise<string[]> = once(it.gateway.events, "copied");
  let ended = 0;
  const twice = new Promise<void>((resolve) => {
    it.gateway.events.on("counted", () => ++ended === 2 && resolve());
  });
  const answer = await get(it);
  assert.match(answer.body, /"version":"v1"/);
  const [from = "", to_ = ""] = await copied;
  assert.match(`${from} ${to_}`, /^reviews-v1\S* reviews-v2/);
  assert.equal(await counted(it, "istio_requests_total", {}), 1);
  await twice;
  const ofPod = (name: string): string =>
    `http://${it.gateway.metricsOf({ namespace: "shop", name })}/stats/prometheus`;
  const copy = { reporter: "destination" };
  assert.equal(await counted(it, "istio_requests_total", copy, ofPod(to_)), 1, "its own proxy counts it as any other");
});
