import assert from "node:assert/strict";
import { globSync, openSync, readSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { request } from "undici";
import type { KubernetesObject } from "../../src/kubernetes/object.ts";
import { openApiServer } from "./support/api-server.ts";
import { apply } from "./support/apply.ts";
import { bedFromEnvironment, testFolder } from "./support/bed.ts";
import { changed, type Edit } from "./support/changed.ts";
import { envoyRoutes, weightsIn } from "./support/envoy.ts";
import { newNamespace, rolledOut } from "./support/namespace.ts";
import { type Finished, runProgram } from "./support/program.ts";
import { figures, image } from "./support/scene.ts";
import { served } from "./support/served.ts";
import { assertShares } from "./support/shares.ts";
import { deployment, service } from "./support/shop.ts";
import { type Snapshot, snapshot, withoutOurs } from "./support/snapshot.ts";
import { type Counts, sendRequests } from "./support/traffic.ts";
import { answers, underTraffic } from "./support/under-traffic.ts";
import { waitFor } from "./support/wait-for.ts";

// Chosen users get the canary before anybody else, by a header that is a text, begins with one, or fits an expression; their
// requests alone are delayed and aborted in drills. Behind a Gateway of several hosts, one of which redirects to https, and a
// circuit breaker for each version.

const bed = bedFromEnvironment();
const api = openApiServer(bed.kubeconfig);
const namespace = "walkthrough-testers";
const host = "www.testers.example.com";
const secure = "secure.testers.example.com";
const folder = testFolder(bed, `${namespace}-${process.pid}`);

/** What a version takes at a time: connections, and requests that wait for one. Each half is more than all others send. */
const takes = 64;

const objects = [
  service("shop", { app: "shop" }),
  ...["v1", "v2"].map((version) =>
    deployment(`shop-${version}`, { app: "shop", version }, "registry.test/shop:v1", version === "v1" ? 2 : 1),
  ),
  `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: shop}
spec:
  host: shop
  trafficPolicy: {connectionPool: {tcp: {maxConnections: ${takes / 2}}, http: {http1MaxPendingRequests: ${takes / 2}}}}
  subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}]
`,
  `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: shopfront}
spec:
  selector: {istio: ingressgateway}
  servers:
  - {port: {number: 80, name: http, protocol: HTTP}, hosts: [${host}, "*.api.testers.example.com"]}
  - {port: {number: 80, name: to-https, protocol: HTTP}, hosts: [${secure}], tls: {httpsRedirect: true}}
`,
  `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop}
spec:
  hosts: [${host}, shop.api.testers.example.com, ${secure}]
  gateways: [shopfront]
  http:
  - name: primary
    retries: {attempts: 0}
    route:
    - {destination: {host: shop, subset: v1}, weight: 100}
    - {destination: {host: shop, subset: v2}, weight: 0}
`,
];

const jason = { "end-user": "jason" };
const testers = { exact: jason, prefix: { "x-build": "nightly-417" }, regex: { "x-cohort": "b42" } };
const matches = [
  { headers: jason },
  { headers: { "x-build": { prefix: "nightly-" } } },
  { headers: { "x-cohort": { regex: "[ab][0-9]+" } } },
];

/** Whose headers are nearly those of testers, and everybody's. */
const others = {
  exact: { "end-user": "jasonette" },
  prefix: { "x-build": "a-nightly-417" },
  regex: { "x-cohort": "b42c" },
};

const ask = (count: number, headers: Readonly<Record<string, string>> = {}, path = "/"): Promise<Counts> =>
  sendRequests(count, { url: bed.gateway + path, host, headers });

/** A gate that holds until the test has seen enough. */
const held = (name: string): object => ({
  run: { name, command: ["sh", "-c", 'until [ -e "$0" ]; do sleep 0.1; done', join(folder, name)], timeout: "4m" },
});
const letGo = (name: string): void => writeFileSync(join(folder, name), "");

/** What testers send gets an answer of the canary's. */
const smokeTest = `curl -fsS -H "host: ${host}" -H "$CANARY_TESTER_HEADERS" ${bed.gateway} | grep -q '"v2"'`;

const ladder = [
  { weight: 0, gates: [{ run: { name: "smoke", command: ["sh", "-c", smokeTest] } }, held("testers")] },
  { weight: 0, name: "delay", drill: { delay: "700ms" }, gates: [held("delay")] },
  { weight: 0, name: "abort", drill: { abort: 418 }, gates: [held("abort")] },
  { weight: 10, gates: [{ errors: { atMost: "0%", minRequests: 20 } }, held("weights")] },
];

/** What Envoy does with a tester's request in each drill: its mark in the access log, and the answer's status. */
const drills = { delay: { mark: "DI", status: "200" }, abort: { mark: "FI", status: "418" } };

const run = (command: string, stages: readonly object[], flags: readonly string[] = []): Promise<Finished> =>
  runProgram(bed, {
    command,
    config: {
      ...{ namespace, service: "shop", testers: matches, stages, gates: [{ restarts: {} }] },
      stable: { deployment: "shop-v1", subset: "v1" },
      canary: { deployment: "shop-v2", subset: "v2" },
      metrics: { prometheus: bed.prometheus, interval: "1s" },
      promotion: { model: "swap", drain: "1s", keepOld: true },
    },
    flags,
  });

/** Envoy has these routes in this order; each condition of testers is a route of its own. */
const routed = (...wanted: readonly object[]): Promise<unknown> =>
  waitFor(
    async () => JSON.stringify((await envoyRoutes(bed, host)).map(weightsIn)) === JSON.stringify(wanted),
    `routes ${JSON.stringify(wanted)}`,
    60_000,
  );
const canaryForTesters = matches.map(() => ({ v2: 100 }));

const [accessLog = ""] = globSync(join(bed.work, "log", "istio-ingressgateway-*.access.log"));
const beforeUs = statSync(accessLog).size;
const log = openSync(accessLog, "r");

/** The lines that the gateway's Envoy has written since these tests began. */
function lines(): readonly string[] {
  const written = Buffer.alloc(statSync(accessLog).size - beforeUs);
  readSync(log, written, 0, written.length, beforeUs);
  return written.toString().split("\n");
}

/** The gateway's marks of at least as many requests for a path: `DI` is delayed, `FI` aborted, `UO` refused by a circuit breaker. */
async function marksOf(path: string, count: number): Promise<Readonly<Record<string, number>>> {
  type Line = { readonly authority: string; readonly path: string; readonly flags: string | null };
  const seen = (): readonly Line[] =>
    lines()
      .filter((line) => line.includes(`"${path}"`) && line.endsWith("}"))
      .map((line) => JSON.parse(line) as Line)
      .filter(({ authority }) => authority === host);
  await waitFor(() => seen().length >= count, `${count} requests for ${path} in the gateway's log`, 30_000);
  const marks: Record<string, number> = {};
  for (const { flags } of seen()) marks[flags ?? "-"] = (marks[flags ?? "-"] ?? 0) + 1;
  return marks;
}

describe("testers and drills", () => {
  let remove: () => Promise<void>;
  let was: Snapshot;
  let front: KubernetesObject;
  const now = async (): Promise<Snapshot> => withoutOurs(await snapshot(api, namespace), "shop");
  const gateway = (): Promise<KubernetesObject> =>
    api.expect("GET", `/apis/networking.istio.io/v1/namespaces/${namespace}/gateways/shopfront`);
  const place = { bed, api, namespace, host, perSecond: 40, inFlight: 4, path: "/everybody" };

  before(async () => {
    remove = await newNamespace(api, namespace);
    await apply(api, objects.join("---\n"), namespace);
    await rolledOut(api, namespace, "shop-v1", "shop-v2");
    await routed({ v1: 100 });
    await served({ url: bed.gateway, host });
    [was, front] = await Promise.all([now(), gateway()]);
  });
  after(async () => {
    await remove();
    await api.close();
  });

  test("a release lets testers in, drills with them, and goes on by weights, and nobody else notices", async (t) => {
    const seen = await underTraffic(place, async (traffic) => {
      const release = run("release", ladder, image("v2"));
      const goesOn = release.then(({ said }) => Promise.reject(new Error(said)));
      const reaches = (...wanted: readonly object[]): Promise<unknown> => Promise.race([routed(...wanted), goesOn]);
      await reaches(...canaryForTesters, { v1: 100 });
      await assertLetIn({ v1: 1 });
      const { statusCode, headers } = await request(bed.gateway, { headers: { host: secure } });
      assert.deepEqual([statusCode, headers.location], [301, `https://${secure}/`]);
      letGo("testers");
      for (const name of ["delay", "abort"] as const) await Promise.race([drilled(name), goesOn]);
      assertShares(traffic.sinceLast(), { v1: 1 });
      await reaches(...canaryForTesters, { v1: 90, v2: 10 });
      await assertLetIn({ v1: 0.9, v2: 0.1 });
      letGo("weights");
      return release;
    });
    t.diagnostic(figures(seen.counts));
    assert.equal(seen.result.code, 0, seen.result.said);
    assert.equal(seen.counts.bad, 0, seen.counts.badSamples.join("\n"));
    await routed({ v2: 100 });
    assertShares(await ask(30), { v2: 1 });
    const released = changed(
      was,
      ["VirtualService/shop", "spec.http.0.route.0.weight", 0],
      ["VirtualService/shop", "spec.http.0.route.1.weight", 100],
      ofCanary("shop:v2"),
    );
    assert.deepEqual(await now(), released);
    assert.deepEqual(await gateway(), front);
  });

  test("undo leaves nothing of it, and nothing is left of one that is rolled back while testers are in", async (t) => {
    const seen = await underTraffic(place, async (traffic) => {
      const undone = await run("undo", ladder);
      assert.equal(undone.code, 0, undone.said);
      await routed({ v1: 100 });
      await answers(traffic, 2 * place.inFlight);
      traffic.sinceLast();
      assert.deepEqual(changed(await now(), ofCanary("shop:v1")), was);
      was = await now();
      const waiting = await run("release", [{ weight: 0, approval: true }], image("v3-slow2000"));
      assert.equal(waiting.code, 0, waiting.said);
      await routed(...canaryForTesters, { v1: 100 });
      await overflow();
      const rolledBack = await run("rollback", ladder);
      assertShares(traffic.sinceLast(), { v1: 1 });
      return rolledBack;
    });
    t.diagnostic(figures(seen.counts));
    assert.equal(seen.result.code, 0, seen.result.said);
    assert.equal(seen.counts.bad, 0, seen.counts.badSamples.join("\n"));
    await routed({ v1: 100 });
    assert.deepEqual(await now(), was);
    assert.deepEqual(await gateway(), front);
    for (const headers of Object.values(testers)) assertShares(await ask(20, headers), { v1: 1 });
  });

  /** By each kind of header testers get the canary alone, and whoever only resembles them gets what everybody does. */
  async function assertLetIn(everybody: Readonly<Record<string, number>>): Promise<void> {
    for (const headers of Object.values(testers)) assertShares(await ask(30, headers), { v2: 1 });
    for (const headers of Object.values(others)) assertShares(await ask(60, headers), everybody);
  }

  /** The requests of a tester are marked while a drill lasts, and those of somebody who resembles him are not. */
  async function drilled(name: keyof typeof drills): Promise<void> {
    const { mark, status } = drills[name];
    let tried = 0;
    const begun = async (): Promise<boolean> => {
      const path = `/${name}/${++tried}`;
      await ask(1, jason, path);
      return mark in (await marksOf(path, 1));
    };
    await waitFor(begun, `the ${name} in Envoy`, 60_000);
    assert.deepEqual((await ask(20, jason, `/${name}/jason`)).byStatus, { [status]: 20 });
    assert.deepEqual(await marksOf(`/${name}/jason`, 20), { [mark]: 20 });
    assertShares(await ask(20, others.exact, `/${name}/jasonette`), { v1: 1 });
    assert.deepEqual(await marksOf(`/${name}/jasonette`, 20), { "-": 20 });
    letGo(name);
  }

  /** More of testers at a time than a slow version takes: the circuit breaker of its subset refuses the others. */
  async function overflow(): Promise<void> {
    const sent = 3 * takes;
    const { byStatus, byVersion } = await sendRequests(sent, {
      ...{ url: `${bed.gateway}/overflow`, host, headers: jason, inFlight: sent },
    });
    const { UO = 0, ...others } = await marksOf("/overflow", sent);
    assert.ok(UO >= takes, `${UO} of ${sent} were refused`);
    assert.deepEqual(others, { "-": sent - UO });
    assert.deepEqual(byStatus, { "200": sent - UO, "503": UO });
    assert.deepEqual(byVersion, { v3: sent - UO });
    assert.ok(!("UO" in (await marksOf("/everybody", 1))), "stable's refused none");
  }
});

const ofCanary = (image: string): Edit => [
  "Deployment/shop-v2",
  "spec.template.spec.containers.0.image",
  `registry.test/${image}`,
];
