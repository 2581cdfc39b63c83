import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import test from "node:test";
import { dump, load } from "js-yaml";
import { startApiServer } from "../../../sandbox/api-server/api-server.ts";
import { type Cluster, findCluster, type Source } from "../../../src/adapters/kubernetes/kubeconfig.ts";
import { connect } from "../../../src/adapters/kubernetes/kubernetes-client.ts";
import { nodeWorld } from "../../../src/adapters/node/node-world.ts";
import { resources } from "../../../src/kubernetes/object.ts";
import { RefusedError, tell } from "../../../src/lib/errors.ts";
import { handClock } from "../../support/clock.ts";

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

/** Finds a cluster whose secrets are of no interest. */
const clusterOf = (source: Omit<Source, "registerSecret" | "clock">): Cluster =>
  findCluster({ clock: nodeWorld().clock, ...source, registerSecret: () => {} });

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
      () => clusterOf({ env: { HOME: folder } }),
      refused("No cluster to release to", "KUBECONFIG", "Set KUBECONFIG"),
    );
  }));

test("a server without TLS is refused before anything is sent, unless that is meant", async () => {
  const at = (server: string, cluster = {}) => clusterOf({ kubeconfig: configOf(server, [user], cluster), env: {} });
  assert.throws(
    () => at("http://api.example:8080"),
    refused('the cluster "c" is at http://api.example:8080,', "to https", "insecure-skip-tls-verify: true"),
  );
  const meant = at("http://127.0.0.1:8001", { "insecure-skip-tls-verify": true });
  assert.equal((await meant.authorize()).headers.Authorization, "Bearer secret-token");
});

test("the input wins over KUBECONFIG, and that over the home folder", () =>
  inFolder((folder, write) => {
    write(".kube/config", configOf("https://home.example"));
    const variable = write("variable", configOf("https://variable.example"));
    const input = write("input", configOf("https://input.example"));
    const serverOf = (source: Pick<Source, "kubeconfig">, env: Source["env"] = {}): string =>
      clusterOf({ ...source, env: { HOME: folder, ...env } }).server;
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
      () => clusterOf({ kubeconfig: "/no/such/file", env: {} }),
      refused("the input `kubeconfig`", "/no/such/file"),
    );
    assert.throws(() => clusterOf({ env: { KUBECONFIG: join(folder, "gone") } }), refused("KUBECONFIG", "gone"));
  }));

test("what is no kubeconfig is refused", () => {
  assert.throws(() => clusterOf({ kubeconfig: "just\nsome: [text", env: {} }), refused("is not a kubeconfig"));
});

const base64 = (text: string): string => Buffer.from(text).toString("base64");

const written: readonly (readonly [how: string, write: (text: string) => string])[] = [
  ["JSON in one line", (text) => JSON.stringify(load(text))],
  ["YAML in one line", (text) => dump(load(text), { flowLevel: 0, lineWidth: -1 }).trim()],
  ["base64", base64],
  ["base64 in lines, as `base64` writes it", (text) => `${base64(text).replace(/.{76}/g, "$&\n")}\n`],
  ["base64 for URLs", (text) => Buffer.from(text).toString("base64url")],
  ["base64 of JSON", (text) => base64(JSON.stringify(load(text)))],
];

for (const [how, write] of written)
  test(`a kubeconfig is read as ${how}`, () =>
    assert.equal(clusterOf({ kubeconfig: write(configOf("https://c.example")), env: {} }).server, "https://c.example"));

/** Kubeconfigs that cannot be read, with a token in each place. */
const broken: Readonly<Record<string, string>> = {
  "a lost quote": 'users:\n- name: u\n  user:\n    token: "TOKEN-1\n    password: TOKEN-2\n',
  "a tab": "users:\n- name: u\n  user:\n    token: TOKEN-1\n\tpassword: TOKEN-2\n",
  "a key twice": "users: []\ntoken: TOKEN-1\ntoken: TOKEN-2\n",
  "a wrong indent": "users:\n- name: u\n  user:\n    token: TOKEN-1\n   password: TOKEN-2\n",
  "an alias": "users:\n- name: u\n  user:\n    token: *TOKEN-1\n",
  "a tag": "users:\n- name: u\n  user:\n    token: !TOKEN-1 x\n",
  "a list where a text should be":
    "users:\n- name: [TOKEN-1]\n  user: TOKEN-2\nclusters:\n- name: c\n  cluster: TOKEN-3\n",
  "users that are none": "users: TOKEN-1\nclusters: TOKEN-2\n",
  "JSON that is cut": '{"users":[{"name":"u","user":{"token":"TOKEN-1',
  "base64 that is cut": base64('apiVersion: v1\nusers:\n- name: u\n  user: { token: "TOKEN-1').slice(0, -3),
  "base64 of something else": base64(`\u0000${"TOKEN-1 ".repeat(20)}`),
  "a token alone": "TOKEN-1-and-so-on-and-on-and-on-and-on-and-on",
  "a text of one line": "token: TOKEN-1",
};

for (const [what, text] of Object.entries(broken))
  test(`of a kubeconfig that cannot be read nothing is shown: ${what}`, () =>
    inFolder((_, write) => {
      for (const source of [{ kubeconfig: text, env: {} }, { env: { KUBECONFIG: write("broken", text) } }]) {
        const thrown = caught(() => clusterOf(source));
        assert.ok(thrown instanceof RefusedError);
        for (const secret of [...text.matchAll(/TOKEN-\d|[\w+/]{30,}/g)].map(([found]) => found))
          assert.ok(!tell(thrown).includes(secret.slice(0, 20)), tell(thrown));
      }
    }));

test("of a kubeconfig that cannot be read the place is told, and the reason", () => {
  const text = broken["a key twice"] ?? "";
  assert.throws(() => clusterOf({ kubeconfig: text, env: {} }), refused("line 3, column 1", "duplicated mapping key"));
});

function caught(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}

test("a context is chosen by name, and an unknown one lists the known", () => {
  const kubeconfig = configOf("https://c.example");
  assert.equal(clusterOf({ kubeconfig, context: "test", env: {} }).context, "test");
  assert.equal(clusterOf({ kubeconfig, env: {} }).context, "prod");
  assert.throws(() => clusterOf({ kubeconfig, context: "stage", env: {} }), refused('"stage"', "prod, test"));
});

test("whatever is secret in a kubeconfig is registered: of every user, of plugins and providers, and in URLs", () => {
  const users = [
    { name: "u", user: { token: "secret-token" } },
    { name: "cert", user: { "client-key-data": "c2VjcmV0LWtleQ==" } },
    { name: "basic", user: { username: "ada", password: "secret-password" } },
    {
      name: "plugin",
      user: {
        exec: {
          apiVersion: "client.authentication.k8s.io/v1",
          command: "plugin",
          args: ["get-token", "--client-secret=secret-argument"],
          env: [
            { name: "AWS_SECRET_ACCESS_KEY", value: "secret-access" },
            { name: "AWS_PROFILE", value: "production" },
          ],
        },
      },
    },
    { name: "oidc", user: { "auth-provider": { name: "oidc", config: { "id-token": "secret-id", expiry: "2026" } } } },
  ];
  const secrets: string[] = [];
  const kubeconfig = configOf("https://c.example", users, { "proxy-url": "http://ada:secret-proxy@proxy.example" });
  findCluster({ kubeconfig, env: {}, clock: nodeWorld().clock, registerSecret: (secret) => void secrets.push(secret) });
  assert.deepEqual(
    new Set(secrets),
    new Set([
      "secret-token",
      "c2VjcmV0LWtleQ==",
      "secret-password",
      "secret-argument",
      "secret-access",
      "secret-id",
      "ada:secret-proxy",
      "secret-proxy",
    ]),
  );
});

test("an exec plugin's token is sent and is a secret, and the plugin is told what it is run for", () =>
  inFolder(async (_, write) => {
    const api = await startApiServer({ tokens: { "from-plugin": { user: "somebody", rules: [] } } });
    const plugin = write(
      "plugin.sh",
      `#!/bin/sh\ncase "$KUBERNETES_EXEC_INFO" in *ExecCredential*) token=from-plugin ;; *) token=untold ;; esac\necho '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"'$token'"}}'\n`,
    );
    chmodSync(plugin, 0o755);
    const exec = { apiVersion: "client.authentication.k8s.io/v1", command: plugin, interactiveMode: "Never" };
    const ca = Buffer.from(api.ca).toString("base64");
    const secrets: string[] = [];
    const client = connect(
      nodeWorld(),
      findCluster({
        kubeconfig: configOf(api.url, [{ name: "u", user: { exec } }], { "certificate-authority-data": ca }),
        env: {},
        clock: nodeWorld().clock,
        registerSecret: (secret) => void secrets.push(secret),
      }),
    );
    await client.get(resources.namespaces, undefined, "default").catch((error: unknown) => error);
    const users = api.requests.all().map((request) => request.user);
    await api.close();
    assert.deepEqual([...new Set(users)], ["somebody"]);
    assert.deepEqual([...new Set(secrets)], ["from-plugin"]);
  }));

test("a token file is read anew for each request, because it is rotated, and each token is a secret", () =>
  inFolder(async (_, write) => {
    const secrets: string[] = [];
    const tokenFile = write("token", "first");
    const { authorize } = findCluster({
      kubeconfig: configOf("https://c.example", [{ name: "u", user: { tokenFile } }]),
      env: {},
      clock: nodeWorld().clock,
      registerSecret: (secret) => void secrets.push(secret),
    });
    assert.equal((await authorize()).headers.authorization, "Bearer first");
    write("token", "second\n");
    assert.equal((await authorize()).headers.authorization, "Bearer second");
    assert.deepEqual(secrets, ["first", "second"]); // each before it is sent
  }));

test("a cluster whose certificate nobody checks is warned of, and one without TLS still more", () => {
  const doubts = (server: string, cluster: object = {}): readonly string[] =>
    clusterOf({ kubeconfig: configOf(server, [user], cluster), env: {} }).doubts;
  assert.deepEqual(doubts("https://c.example"), []);
  assert.deepEqual(doubts("https://c.example", { "insecure-skip-tls-verify": false }), []);
  assert.match(
    doubts("https://c.example", { "insecure-skip-tls-verify": true }).join(),
    /insecure-skip-tls-verify for the cluster c: whoever/,
  );
  assert.match(doubts("http://c.example", { "insecure-skip-tls-verify": true }).join(), /without TLS/);
});

test("a proxy that the kubeconfig names is the cluster's; without one the network finds the environment's", () => {
  const kubeconfig = configOf("https://c.example");
  assert.equal(clusterOf({ kubeconfig, env: { HTTPS_PROXY: "http://proxy.example:3128" } }).proxy, undefined);
  const named = configOf("https://c.example", [user], { "proxy-url": "http://named.example:3128" });
  assert.equal(clusterOf({ kubeconfig: named, env: {} }).proxy, "http://named.example:3128");
});

for (const server of ["https://x:99999", "https://[::1", "localhost:6443", "https://ada:S3CRET@x:99999", "%zz"]) {
  test(`a server that is no URL is refused before anything is asked, and not shown: ${server}`, () => {
    assert.throws(
      () => clusterOf({ kubeconfig: configOf(server), env: {} }),
      (error) => {
        assert.ok(!tell(error).includes("S3CRET"));
        return refused("kubeconfig: the server of the cluster is no URL", "https://HOST:PORT")(error);
      },
    );
  });
}

test("a proxy that is no URL is refused as well", () => {
  const kubeconfig = configOf("https://api:6443", [user], { "proxy-url": "http://proxy:99999" });
  assert.throws(() => clusterOf({ kubeconfig, env: {} }), refused("the proxy-url of the cluster is no URL"));
});

const exec = { apiVersion: "client.authentication.k8s.io/v1", command: "sh", interactiveMode: "Never" };

/** Users that kubectl refuses as well, and what is said of them. */
const oddUsers: readonly (readonly [user: unknown, said: string])[] = [
  [{ token: ["S3CRET-1"] }, "users[0].user.token is a list, and a text"],
  [{ token: 12345678 }, "users[0].user.token is a number, and a text (in quotes, where it looks like something else)"],
  [{ token: true }, "users[0].user.token is true or false, and a text"],
  [{ username: "ada", password: ["S3CRET-1"] }, "users[0].user.password is a list, and a text"],
  [{ username: 5, password: "S3CRET-1" }, "users[0].user.username is a number, and a text"],
  [{ tokenFile: 5 }, "users[0].user.tokenFile is a number, and a text"],
  [{ exec: { ...exec, args: "S3CRET-1" } }, "users[0].user.exec.args is a text, and a list"],
  [{ exec: { ...exec, args: [5] } }, "users[0].user.exec.args[0] is a number, and a text"],
  [{ exec: { ...exec, env: { A: "S3CRET-1" } } }, "users[0].user.exec.env is a mapping, and a list"],
  [{ exec: { ...exec, env: [{ name: "A", value: 5 }] } }, "users[0].user.exec.env[0].value is a number, and a text"],
  [{ exec: "S3CRET-1" }, "users[0].user.exec is a text, and a mapping"],
  [{ "auth-provider": { name: "oidc", config: { "id-token": 5 } } }, "config.id-token is a number, and a text"],
  ["S3CRET-1", "users[0].user is a text, and a mapping"],
];

for (const [user, said] of oddUsers)
  test(`of a kubeconfig of other types the place is told, and nothing that stands there: ${said}`, () =>
    assert.throws(
      () => clusterOf({ kubeconfig: configOf("https://c.example", [{ name: "u", user }]), env: {} }),
      (error) => {
        assert.ok(!/S3CRET|1234/.test(tell(error)), tell(error));
        return refused("the input `kubeconfig` is not a kubeconfig: ", `${said}`, "is expected")(error);
      },
    ));

test("clusters, contexts and a whole document of other types are refused by their place", () => {
  const at = (document: unknown) => () => clusterOf({ kubeconfig: `${dump(document)}\n`, env: {} });
  assert.throws(
    at({ clusters: [{ name: "c", cluster: { server: 5 } }] }),
    refused("clusters[0].cluster.server is a number"),
  );
  assert.throws(at({ clusters: {} }), refused("clusters is a mapping, and a list is expected"));
  assert.throws(at({ clusters: [], contexts: [[]] }), refused("contexts[0] is a list, and a mapping is expected"));
  assert.throws(at(["a", "b"]), refused("it is a list, and a mapping is expected"));
});

test("what is null in a kubeconfig is not there, as for kubectl", async () => {
  for (const user of [null, { token: null, exec: null, tokenFile: null }]) {
    const cluster = clusterOf({ kubeconfig: configOf("https://c.example", [{ name: "u", user }]), env: {} });
    assert.deepEqual((await cluster.authorize()).headers, {});
  }
});

test("what is given as a kubeconfig and is neither a file nor written like one is not shown", () => {
  for (const given of ["TOPsecret-Value-987654321", "eyJhbGciOi.eyJzdWIi.c2lnbmF0dXJl", "hunter2/Ab+c9"])
    assert.throws(
      () => clusterOf({ kubeconfig: given, env: {} }),
      (error) => {
        assert.ok(!tell(error).includes(given), tell(error));
        return refused(`is neither a file nor a kubeconfig: what was given has ${given.length} characters`)(error);
      },
    );
  for (const path of ["kubeconfig", "../Kube/c0nfig-1", "ci/prod2.yaml", "~/x9", ".kube/config"])
    assert.throws(() => clusterOf({ kubeconfig: path, env: {} }), refused(path, "does not exist"));
});

async function loginFailure(user: unknown, cluster: object = {}): Promise<string> {
  const { authorize } = clusterOf({
    kubeconfig: configOf("https://c.example", [{ name: "u", user }], cluster),
    env: {},
  });
  const error = await authorize().then(
    () => assert.fail("it logged in"),
    (error: unknown) => error,
  );
  return tell(error);
}

test("of a file with a token that is not there it is told whose it is, and not where", async () =>
  assert.equal(
    await loginFailure({ tokenFile: "/nope/S3CRET-1" }),
    "the tokenFile of the user u cannot be read: ENOENT: no such file or directory",
  ));

test("files of a kubeconfig that are pipes are refused at once", () =>
  inFolder(async (folder) => {
    const pipe = join(folder, "pipe");
    execFileSync("mkfifo", [pipe]);
    assert.throws(() => clusterOf({ kubeconfig: pipe, env: {} }), /names .*pipe, which cannot be read/);
    const isPipe = "cannot be read: it is a pipe, from which nothing may ever come";
    assert.equal(await loginFailure({ tokenFile: pipe }), `the tokenFile of the user u ${isPipe}`);
    const certificate = { "client-certificate": pipe, "client-key": pipe };
    assert.equal(await loginFailure(certificate), `the client-certificate of the user u ${isPipe}`);
    const authority = { "certificate-authority": pipe };
    assert.equal(await loginFailure({}, authority), `the certificate-authority of the cluster c ${isPipe}`);
  }));

test("of what a plugin says the first line is told, without what it was given", () =>
  inFolder(async (_, write) => {
    const env = [
      { name: "SSO_CODE", value: "S3CRET-code" },
      { name: "REGION", value: "anywhere" },
    ];
    const failing = (script: string): Promise<string> =>
      loginFailure({
        exec: { ...exec, args: [write("plugin", script), "S3CRET-positional", "--opt=S3CRET-option"], env },
      });
    assert.equal(await failing("printf '\\nno login for %s\\nmore\\n' $1 >&2; exit 1"), "no login for ***");
    assert.equal(await failing("echo not $2, not $SSO_CODE in $REGION >&2; exit 1"), "not ***, not *** in anywhere");
    assert.equal(await failing("printf 'Traceback (last):\\n  File x\\nNoLogin: no\\n' >&2; exit 1"), "NoLogin: no");
    assert.equal(await failing("echo S3CRET-printed"), "what the plugin printed is no ExecCredential");
    assert.equal(await failing("exit 1"), "it said nothing");
  }));

test("a plugin that gives no login is waited for within bounds, by one process, and told", () =>
  inFolder(async (folder, write) => {
    const script = `echo started >>${join(folder, "starts")}; until [ -e ${join(folder, "end")} ]; do sleep 0.05; done`;
    const waiting = [{ name: "u", user: { exec: { ...exec, args: [write("plugin", script)] } } }];
    const kubeconfig = configOf("https://c.example", waiting);
    const clock = handClock();
    const { authorize } = findCluster({ kubeconfig, env: {}, clock, registerSecret: () => {} });
    for (const _ of [1, 2]) {
      const ended = authorize().then(() => "a login", tell);
      await clock.advance(10_000);
      assert.match(String(await ended), /the plugin of the kubeconfig .* gave none within 10s; .* nobody is there/);
    }
    write("end", "");
    await assert.rejects(authorize(), /no ExecCredential/);
    assert.equal(readFileSync(join(folder, "starts"), "utf8"), "started\n");
  }));

test("a kubeconfig of more than a mebibyte, or without an end, is refused", () =>
  inFolder((_, write) => {
    const large = write("large", `${configOf("https://api:6443")}# ${"x".repeat(1_048_576)}\n`);
    for (const kubeconfig of [large, "/dev/zero"])
      assert.throws(
        () => clusterOf({ kubeconfig, env: {} }),
        (error) => /cannot be read\. \(it has more than 1,048,576 bytes\)/.test(tell(error)),
      );
  }));

test("of several files in KUBECONFIG those count that are there", () =>
  inFolder((folder, write) => {
    const there = write("there", configOf("https://api:6443"));
    const KUBECONFIG = `${join(folder, "not")}:${there}:${join(folder, "neither")}`;
    assert.equal(clusterOf({ env: { KUBECONFIG } }).host, "api:6443");
  }));

test("of very many contexts the first are told", () => {
  const contexts = Array.from({ length: 500 }, (_, index) => ({
    name: `context-${index}`,
    context: { cluster: "c", user: "u" },
  }));
  const kubeconfig = dump({ apiVersion: "v1", kind: "Config", clusters: [], users: [], contexts });
  assert.throws(
    () => clusterOf({ kubeconfig, context: "prod", env: {} }),
    (error) => error instanceof RefusedError && /context-19, and 480 more\)/.test(error.message),
  );
});
