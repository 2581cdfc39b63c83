import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import test, { type TestContext } from "node:test";
import { promisify } from "node:util";
import { dump } from "js-yaml";
import { releaseOfOne, shopOfOne } from "../../sandbox/shop.ts";
import { hostOfWorld, parseWorld } from "../../sandbox/world.ts";
import { buildAction, startProgram } from "../integration/program.ts";

const strange = "apiVersion: example.com/v1\nkind: Teapot\nmetadata: { name: brown, namespace: shop }\n";

test("a world is read as kubectl reads it: documents, lists, octal numbers, merged keys, nothing between two lines", () => {
  assert.deepEqual(
    parseWorld(
      [
        "---\n---\na: &base { mode: 0644 }\nb: { <<: *base, at: 2026-01-01 }",
        "---\nkind: List\nitems: [{ kind: Pod }, { kind: List, items: [{ kind: Service }] }]\n",
      ].join("\n"),
    ),
    [{ a: { mode: 420 }, b: { mode: 420, at: "2026-01-01T00:00:00.000Z" } }, { kind: "Pod" }, { kind: "Service" }],
  );
  assert.throws(() => parseWorld("just a text"), /expected a Kubernetes object, found "just a text"/);
});

test("customers call the first host of the first VirtualService by its full name", () => {
  assert.equal(hostOfWorld(shopOfOne()), "reviews.shop.svc.cluster.local");
  const virtualService = { kind: "VirtualService", metadata: { name: "x" }, spec: { hosts: ["*.io", "a.io"] } };
  assert.equal(hostOfWorld([virtualService]), "a.io");
  assert.equal(hostOfWorld([{ ...virtualService, spec: { hosts: ["*"] } }]), undefined);
  assert.equal(hostOfWorld([]), undefined);
});

type Started = { readonly child: ChildProcess; readonly said: () => string; readonly address: (of: string) => string };

/** `npm run sandbox` without npm; resolves when it has told everything. */
async function start(t: TestContext, ...args: readonly string[]): Promise<Started> {
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", "sandbox/main.ts", ...args], {
    cwd: join(import.meta.dirname, "../.."),
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => child.kill("SIGKILL"));
  let said = "";
  const up = Promise.withResolvers<void>();
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    said += text;
    if (said.includes("Ctrl-C")) up.resolve();
  });
  child.once("exit", () => up.reject(new Error(`it ended by itself: ${said}`)));
  await up.promise;
  return { child, said: () => said, address: (of) => new RegExp(`^${of} +(\\S+)`, "m").exec(said)?.[1] ?? "" };
}

test("a world of one's own stays up, a release works in it by the kubeconfig, and Ctrl-C leaves nothing", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "istio-canary-world-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "world.yaml");
  writeFileSync(file, [strange, ...shopOfOne().map((object) => dump(object))].join("---\n"));

  const { child, said, address } = await start(t, "--world", file);
  const kubeconfig = address("Kubeconfig");
  assert.match(said(), /Not taken: Teapot shop\/brown: the sandbox does not serve example.com\/v1 Teapot\n/);
  assert.match(said(), /50 requests a second call reviews\.shop\.svc\.cluster\.local/);
  assert.match(said(), new RegExp(`export KUBECONFIG=${kubeconfig}\n`));

  const { exit, said: released } = await startProgram({
    action: await buildAction(),
    env: { KUBECONFIG: kubeconfig },
    inputs: {
      ...releaseOfOne("v2"),
      stages: "50:1s, 100",
      gates: "- errors: { atMost: 5%, minRequests: 5 }",
      prometheus: address("Prometheus"),
      "metrics-interval": "1s",
      drain: "100ms",
      "mesh-delay": "100ms",
    },
  }).ended;
  assert.equal(exit, 0, released);
  assert.equal((await fetch(address("Gateway"))).status, 404); // nobody has this host

  const ended = once(child, "exit");
  child.kill("SIGINT");
  child.kill("SIGINT"); // npm hands on what the terminal has sent already
  assert.deepEqual(await ended, [0, null]);
  assert.equal(existsSync(dirname(kubeconfig)), false);
  await assert.rejects(fetch(address("Gateway")));
});

test("without a world there is the shop, and what it says to type is a release of it", async (t) => {
  const { child, said, address } = await start(t, "--rate", "0");
  assert.match(said(), /Nobody calls\. By hand: curl --header 'Host: reviews\.shop\.svc\.cluster\.local' http:/);
  const typed = /^ {2}(node .* dist\/index\.js release --namespace shop --service reviews .*)$/m.exec(said())?.[1];
  const line = typed?.replace("index.js release", "index.js plan") ?? assert.fail(said());
  const env = { ...process.env, KUBECONFIG: address("Kubeconfig") };
  const planned = await promisify(execFile)("sh", ["-c", line], { cwd: join(import.meta.dirname, "../.."), env });
  assert.match(planned.stdout, /reviews-canary gets registry\.example\/reviews:v2, .*Nothing forbids this release/s);
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  assert.deepEqual(await ended, [0, null]);
});

test("a file that is no world is said, and nothing starts", async () => {
  const child = spawn(process.execPath, ["sandbox/main.ts", "--world", "/nowhere/world.yaml"], {
    cwd: join(import.meta.dirname, "../.."),
    stdio: ["ignore", "ignore", "pipe"],
  });
  const [error, [code]] = await Promise.all([child.stderr.setEncoding("utf8").toArray(), once(child, "exit")]);
  assert.equal(code, 1);
  assert.match(error.join(""), /\/nowhere\/world\.yaml cannot be read: ENOENT/);
});
