import assert from "node:assert/strict";
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { nodeWorld } from "../src/adapters/node/node-world.ts";
import type { Surroundings } from "../src/compose.ts";
import { commands } from "../src/config/commands.ts";
import { commandsInCluster, dispatch, isInCluster } from "../src/dispatch.ts";
import { createRedaction } from "../src/lib/redaction.ts";
import { createCensor } from "../src/reporting/censor.ts";
import { configured, sound } from "./config/configured.ts";

test("every command is done in a cluster or at a desk, but for init, and only rehearse, replay and report need none", () => {
  const names = commands.map(({ name }) => name);
  assert.deepEqual(
    names.filter((name) => !isInCluster(name)),
    ["init", "rehearse", "replay", "report"],
  );
  assert.deepEqual(Object.keys(commandsInCluster).sort(), names.filter(isInCluster).sort());
});

/** What a command is given that asks a cluster for something and is refused. */
function surroundings(env: Readonly<Record<string, string>> = {}) {
  const said: unknown[] = [];
  const asked: string[] = [];
  const redaction = createRedaction();
  const here: Surroundings = {
    ...nodeWorld(),
    transport: {
      async send({ url }) {
        asked.push(url.host);
        return { status: 403, headers: {}, text: "{}" };
      },
    },
    env,
    github: { actions: false, apiUrl: "https://github.test" },
    voice: { warn: () => {}, report: () => {}, flush: async () => {} },
    registerSecret: redaction.register,
    censor: createCensor(redaction),
    stop: new AbortController().signal,
    print: (text) => said.push(text),
    answer: (value) => said.push(value),
    programs: { start: () => assert.fail("no program is run") },
  };
  return { here, said, asked };
}

const kubeconfig = `
clusters: [{ name: one, cluster: { server: "https://kubernetes.test" } }]
contexts: [{ name: one, context: { cluster: one, user: one } }]
users: [{ name: one, user: {} }]
current-context: one
`;

test("a kubeconfig that is no pipe is left to whoever reads it, and a desk needs none", async () => {
  for (const command of ["status", "plan"]) {
    const { here, asked } = surroundings({ KUBECONFIG: kubeconfig });
    await assert.rejects(dispatch(await configured({ file: sound, inputs: { command, kubeconfig } }), here));
    assert.deepEqual([...new Set(asked)], ["kubernetes.test"], command);
  }
  const desk = surroundings({ KUBECONFIG: "/dev/fd/999" });
  const inputs = { command: "rehearse", "rehearse-rate": "50", "rehearse-errors": "1%", "rehearse-runs": "1" };
  assert.equal(await dispatch(await configured({ file: sound, inputs }), desk.here), 0);
  assert.deepEqual([desk.said.length > 0, desk.asked], [true, []]);
});

for (const how of ["configuration", "environment"])
  test(`a kubeconfig that is handed over through a pipe and cannot be read is refused by its name, from the ${how}`, async () => {
    const path = "/dev/fd/999";
    const named = how === "configuration" ? { kubeconfig: path } : {};
    const { here, asked } = surroundings(how === "configuration" ? {} : { KUBECONFIG: path });
    const config = await configured({ file: sound, inputs: { command: "status", ...named } });
    await assert.rejects(dispatch(config, here), /^RefusedError: the kubeconfig \/dev\/fd\/999 cannot be read\./);
    assert.deepEqual(asked, []);
  });

test("a kubeconfig that is handed over is read once, and before anything is asked", async () => {
  const folder = mkdtempSync(join(tmpdir(), "istio-canary-dispatch-"));
  const file = join(folder, "kubeconfig");
  writeFileSync(file, kubeconfig);
  const opened = openSync(file, "r");
  const { here, asked } = surroundings();
  const inputs = { command: "status", kubeconfig: `/dev/fd/${opened}` };
  await assert.rejects(dispatch(await configured({ file: sound, inputs }), here), /^KubernetesError: /);
  closeSync(opened);
  rmSync(folder, { recursive: true });
  assert.deepEqual([...new Set(asked)], ["kubernetes.test"]);
});
