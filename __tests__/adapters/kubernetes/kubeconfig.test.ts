import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import test from "node:test";
import { dump } from "js-yaml";
import { startApiServer } from "../../../sandbox/api-server/api-server.ts";
import { findCluster, type Source } from "../../../src/adapters/kubernetes/kubeconfig.ts";
import { connect } from "../../../src/adapters/kubernetes/kubernetes-client.ts";
import { nodeWorld } from "../../../src/adapters/node/node-world.ts";
import { resources } from "../../../src/kubernetes/object.ts";
import { RefusedError } from "../../../src/lib/errors.ts";

const user = { name: "u", user: { token: "secret-token" } };

const configOf = (server: string, users: readonly object[] = [user], cluster: object = {}): string =>
  dump({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "prod",
    clusters: [{ name: "c", cluster: { server, ...cluster } }],
    users,
    contexts: ["prod", "test"].map((name) => ({ name, context: { cluster: "c", user: "u" } })),
  });

async function inFolder(
  run: (folder: string, write: (name: string, text: string) => string) => Promise<void> | void,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "kubeconfig-"));
  try {
    await run(folder, (name, text) => {
      const path = join(folder, name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
      return path;
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const refused =
  (...words: readonly string[]) =>
  (error: unknown): boolean => {
    assert.ok(error instanceof RefusedError);
    for (const word of words)
      assert.ok(`${error.message} ${error.next}`.includes(word), `${error.message} ${error.next}`);
    return true;
  };

test("without any kubeconfig there is an error, and never localhost", () =>
  inFolder((folder) => {
    assert.throws(
      () => findCluster({ env: { HOME: folder } }),
      refused("No cluster to release to", "KUBECONFIG", "Set KUBECONFIG"),
    );
  }));

test("the input wins over KUBECONFIG, and that over the home folder", () =>
  inFolder((folder, write) => {
    write(".kube/config", configOf("https://home.example"));
    const variable = write("variable", configOf("https://variable.example"));
    const input = write("input", configOf("https://input.example"));
    const serverOf = (source: Omit<Source, "env">, env: Source["env"] = {}): string =>
      findCluster({ ...source, env: { HOME: folder, ...env } }).server;
    assert.equal(serverOf({}), "https://home.example");
    assert.equal(serverOf({}, { KUBECONFIG: variable }), "https://variable.example");
    assert.equal(serverOf({ kubeconfig: input }, { KUBECONFIG: variable }), "https://input.example");
    assert.equal(
      serverOf({ kubeconfig: configOf("https://text.example") }, { KUBECONFIG: variable }),
      "https://text.example",
    );
  }));

test("a file that is not there is named, wherever its name came from", () =>
  inFolder((folder) => {
    assert.throws(
      () => findCluster({ kubeconfig: "/no/such/file", env: {} }),
      refused("the input `kubeconfig`", "/no/such/file"),
    );
    assert.throws(() => findCluster({ env: { KUBECONFIG: join(folder, "gone") } }), refused("KUBECONFIG", "gone"));
  }));

test("what is no kubeconfig is refused", () => {
  assert.throws(() => findCluster({ kubeconfig: "just\nsome: [text", env: {} }), refused("is not a kubeconfig"));
});

test("a context is chosen by name, and an unknown one lists the known", () => {
  const kubeconfig = configOf("https://c.example");
  assert.equal(findCluster({ kubeconfig, context: "test", env: {} }).context, "test");
  assert.equal(findCluster({ kubeconfig, env: {} }).context, "prod");
  assert.throws(() => findCluster({ kubeconfig, context: "stage", env: {} }), refused('"stage"', "prod, test"));
});

test("tokens and keys of a kubeconfig are known as secrets", () => {
  assert.deepEqual(findCluster({ kubeconfig: configOf("https://c.example"), env: {} }).secrets, ["secret-token"]);
});

test("an exec plugin's token is sent, and the plugin is told what it is run for", () =>
  inFolder(async (_, write) => {
    const api = await startApiServer({ tokens: { "from-plugin": { user: "somebody", rules: [] } } });
    const plugin = write(
      "plugin.sh",
      `#!/bin/sh\ncase "$KUBERNETES_EXEC_INFO" in *ExecCredential*) token=from-plugin ;; *) token=untold ;; esac\necho '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"'$token'"}}'\n`,
    );
    chmodSync(plugin, 0o755);
    const exec = { apiVersion: "client.authentication.k8s.io/v1", command: plugin, interactiveMode: "Never" };
    const ca = Buffer.from(api.ca).toString("base64");
    const client = connect(
      nodeWorld(),
      findCluster({
        kubeconfig: configOf(api.url, [{ name: "u", user: { exec } }], { "certificate-authority-data": ca }),
        env: {},
      }),
    );
    await client.get(resources.namespaces, undefined, "default").catch((error: unknown) => error);
    const users = api.requests.all().map((request) => request.user);
    await api.close();
    assert.deepEqual([...new Set(users)], ["somebody"]);
  }));

test("a token file is read anew for each request, because it is rotated", () =>
  inFolder(async (_, write) => {
    const tokenFile = write("token", "first");
    const { authorize } = findCluster({
      kubeconfig: configOf("https://c.example", [{ name: "u", user: { tokenFile } }]),
      env: {},
    });
    assert.equal((await authorize()).headers.authorization, "Bearer first");
    write("token", "second\n");
    assert.equal((await authorize()).headers.authorization, "Bearer second");
  }));

test("a proxy of the environment is used unless the host is exempt", () => {
  const kubeconfig = configOf("https://c.internal.example");
  const env = { HTTPS_PROXY: "http://proxy.example:3128" };
  assert.equal(findCluster({ kubeconfig, env }).proxy, "http://proxy.example:3128");
  assert.equal(findCluster({ kubeconfig, env: { ...env, NO_PROXY: "localhost, .internal.example" } }).proxy, undefined);
});
