import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { listAt, numberAt } from "../../src/kubernetes/field.ts";
import type { KubernetesObject } from "../../src/kubernetes/object.ts";
import { openApiServer } from "./support/api-server.ts";
import { bedFromEnvironment } from "./support/bed.ts";
import { image, type Scene, virtualServicePath, withScene } from "./support/scene.ts";
import { waitFor } from "./support/wait-for.ts";

// What a release hears of the mesh's own proxies: when they have what it wrote, and who has not.

const bed = bedFromEnvironment();
const api = openApiServer(bed.kubeconfig);
after(() => api.close());

const caller = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: frontend}
spec:
  selector: {matchLabels: {app: frontend}}
  template:
    metadata: {labels: {app: frontend}}
    spec: {containers: [{name: frontend, image: "registry.test/frontend:v1", ports: [{containerPort: 8080}], env: [{name: BACKEND_URL, value: "http://shop"}]}]}
`;

type Lesson = {
  readonly lesson: string;
  readonly after: number;
  readonly gateways: number;
  readonly callers: number;
  readonly without: readonly string[];
  readonly because?: string;
};

/** What the JSON report has of it. */
function lessonsIn(file: string): readonly Lesson[] {
  const { account } = JSON.parse(readFileSync(file, "utf8")) as {
    readonly account: { readonly log: readonly { readonly reason: { readonly kind: string } & Lesson }[] };
  };
  return account.log.map(({ reason }) => reason).filter(({ kind }) => kind === "proxies-learnt");
}

const alsoInMesh = [
  { op: "add", path: "/spec/hosts/-", value: "shop" },
  { op: "add", path: "/spec/gateways/-", value: "mesh" },
];

test("gateways and callers are heard to have the pods and every weight, and how long it took is told", async (t) => {
  await withScene(bed, api, { name: "confirmed", objects: caller }, async (scene) => {
    await scene.editRoute(alsoInMesh);
    const program = scene.start({ meshDelay: "60s" }, { flags: image("v2") });
    const { code, said } = await program.ended;
    assert.equal(code, 0, said);
    const lessons = lessonsIn(program.report);
    assert.deepEqual(
      lessons.map(({ lesson, gateways, callers, without }) => [lesson, gateways, callers, without]),
      [["canary", 1, 1, []], ...Array.from({ length: 3 }, () => ["routes", 1, 1, []])],
      said,
    );
    assert.match(said, /the mesh's proxies had the routes as they were written after [\d.]+m?s: 1 gateway, 1 caller/);
    t.diagnostic(`after, in ms: ${lessons.map(({ after }) => after).join(", ")}`);
    assert.equal((await scene.end()).counts.bad, 0);
  });
});

test("a gateway that does not hear of a weight is named, and holds nothing up", async () => {
  await withScene(bed, api, { name: "unheard" }, async (scene) => {
    const istiod = Number(readFileSync(join(bed.work, "pid", "istiod"), "utf8").split(" ")[0]);
    const watching = new AbortController();
    const stopped = stopAtWeight(scene, istiod, watching.signal);
    try {
      // Errors are not judged: a canary that gets nothing of its weight looks like one that answers nothing.
      const settings = { stages: "20:20s", meshDelay: "10s", gates: [{ restarts: {} }] };
      const program = scene.start(settings, { flags: image("v2") });
      await stopped;
      const told =
        /not all of the mesh's proxies had the routes as they were written: gateway istio-system\/\S+ had not/;
      await waitFor(() => told.test(program.stdout()), "the gateway's name", 60_000);
      process.kill(istiod, "SIGCONT");
      const { code, said } = await program.ended;
      assert.equal(code, 0, said);
      const [, late, ...others] = lessonsIn(program.report);
      assert.equal(late?.without.length, 1, said);
      assert.deepEqual(
        others.map(({ without }) => without),
        others.map(() => []),
        said,
      );
    } finally {
      watching.abort();
      process.kill(istiod, "SIGCONT");
    }
  });
});

/** istiod waits for 100 ms after a change before it tells anybody of it, and is stopped in that time. */
async function stopAtWeight({ namespace }: Scene, istiod: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const path = virtualServicePath(namespace).replace(/\/shop$/, "");
    const seen = (_type: string, object: KubernetesObject): void => {
      const [, canary] = listAt(object, "spec", "http", 0, "route");
      if (numberAt(canary, "weight") !== 20 || signal.aborted) return;
      process.kill(istiod, "SIGSTOP");
      resolve();
    };
    void api.watch<KubernetesObject>(path, seen, signal).catch(() => undefined);
  });
}
