import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { showCustomers } from "./demo/customers.ts";
import { bold, dim, screenOn, yellow } from "./demo/screen.ts";
import { type Sandbox, startSandbox } from "./sandbox.ts";
import { releaseOfOne, shopOfOne } from "./shop.ts";
import { startTraffic, type Traffic } from "./traffic.ts";
import { applyWorld, hostOfWorld, parseWorld } from "./world.ts";

/**
 * npm run sandbox: the embedded world, to try things in. It stays up until Ctrl-C and then leaves nothing.
 * docs/sandbox.md says what is in it.
 */
const { values } = parseArgs({
  options: {
    /** A file of Kubernetes objects, several documents of YAML; can be given more than once. Default: the demo's shop. */
    world: { type: "string", multiple: true },
    /** The host that customers call. Default: the first of the first VirtualService. */
    customers: { type: "string" },
    /** Requests a second; 0 is nobody. */
    rate: { type: "string", default: "50" },
  },
});

const screen = screenOn(process.stdout);
const ended = new Promise<void>((resolve) => {
  // Not once: npm hands on what the terminal has sent already, and the second must not cut the tidying short.
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => resolve());
});

const objects = values.world === undefined ? shopOfOne() : values.world.flatMap(read);
const host = values.customers ?? hostOfWorld(objects);
const rate = Number(values.rate);

const sandbox = await startSandbox({ objects: [], pulls: [{ number: 7, state: "open", commits: [] }] });
const folder = mkdtempSync(join(tmpdir(), "istio-canary-sandbox-"));
let traffic: Traffic | undefined;
try {
  for (const refusal of applyWorld(sandbox.api, objects)) screen.print(yellow(`Not taken: ${refusal}`));
  await sandbox.ready().catch((error: Error) => screen.print(yellow(`${error.message}; the world stays up as it is.`)));
  const kubeconfig = join(folder, "kubeconfig");
  writeFileSync(kubeconfig, sandbox.api.kubeconfig());
  introduce(sandbox, kubeconfig);
  if (host !== undefined)
    traffic = startTraffic({ url: sandbox.gateway.url, host, rate, most: Number.POSITIVE_INFINITY });
  const endLine = traffic && showCustomers(traffic, screen);
  await ended;
  endLine?.();
} finally {
  await traffic?.stop();
  await sandbox.close();
  rmSync(folder, { recursive: true, force: true });
}

function read(file: string): ReturnType<typeof parseWorld> {
  try {
    return parseWorld(readFileSync(file, "utf8"));
  } catch (error) {
    console.error(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
    process.exit(1);
  }
}

/** Addresses, and what to type next. */
function introduce({ api, prometheus, gateway, github }: Sandbox, kubeconfig: string): void {
  const addresses: Readonly<Record<string, string>> = {
    Kubeconfig: kubeconfig,
    "API server": api.url,
    Prometheus: prometheus.url,
    Gateway: gateway.url,
    GitHub: `${github.url} (repository acme/shop, pull request #7)`,
  };
  for (const [name, address] of Object.entries(addresses)) screen.print(`${bold(name.padEnd(11))} ${address}`);
  screen.print(customers(gateway.url));
  screen.print("\nIn another terminal, in this folder:\n");
  for (const line of commands(kubeconfig, prometheus.url)) screen.print(`  ${line}`);
  screen.print(`\n${dim("Ctrl-C ends it, and leaves nothing.")}`);
}

function customers(url: string): string {
  if (host === undefined) return "\nNobody calls: there is no VirtualService with a host. --customers HOST sends some.";
  if (rate === 0) return `\nNobody calls. By hand: curl --header 'Host: ${host}' ${url}`;
  return `\n${rate} requests a second call ${host} through the gateway. By hand: curl --header 'Host: ${host}' ${url}`;
}

function commands(kubeconfig: string, prometheus: string): readonly string[] {
  const program = "node scripts/run.mjs dist/index.js";
  const metrics = `--prometheus ${prometheus} --metrics-interval 1s`;
  const lines = [`export KUBECONFIG=${kubeconfig}`, "kubectl get deployments,virtualservices --all-namespaces"];
  if (values.world !== undefined) return [...lines, `${program} plan --config canary.yaml ${metrics}`];
  const inputs = Object.entries({ ...releaseOfOne("v2"), stages: "'20:10s, 50:10s, 100'" });
  const flags = inputs.map(([name, value]) => `--${name} ${value}`).join(" ");
  return [...lines, `${program} release ${flags} ${metrics}`];
}
