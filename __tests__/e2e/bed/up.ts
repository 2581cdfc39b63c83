import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type ApiServer, mergePatch } from "../support/api-server.ts";
import { apply } from "../support/apply.ts";
import type { Bed } from "../support/bed.ts";
import { waitFor } from "../support/wait-for.ts";
import { buildBed, type Programs } from "./build.ts";
import { startApiServer, startControllers, startIstiod } from "./control-plane.ts";
import { stopBed } from "./down.ts";
import { defaultNamespace, enterNetwork, openLoopback, workOf } from "./network.ts";
import { gateway, gatewayAddress, gatewayPort, istioNamespace, node, nodeStatus, webhooks } from "./objects.ts";
import { makePki } from "./pki.ts";
import { livingProcesses, startProcess } from "./processes.ts";
import { startPrometheus } from "./prometheus.ts";

export type RunningBed = Bed & {
  /** Ends every process of the bed and takes its network namespace away. */
  readonly stop: () => Promise<void>;
};

export type BedOptions = {
  /** The network namespace that this program is in; see enterNetwork. */
  readonly namespace: string;
  /** Where logs, certificates and process ids go. */
  readonly work: string;
  readonly programs: Programs;
  readonly say?: (line: string) => void;
};

/** Brings a whole mesh up, in about ten seconds; this program has to be inside its network namespace. */
export async function startBed({ namespace, work, programs, say = () => {} }: BedOptions): Promise<RunningBed> {
  if (livingProcesses(work).length > 0)
    throw new Error(
      `a bed is up in ${work}: ${livingProcesses(work).join(", ")}. Take it down first: sudo BED=${namespace} node scripts/run.mjs __tests__/e2e/bed/down.ts`,
    );
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  const bed = describe(namespace, work, programs);
  try {
    await assemble(bed, programs, say);
  } catch (error) {
    await stopBed(bed);
    throw error;
  }
  writeFileSync(join(work, "bed.json"), JSON.stringify(bed, undefined, 2));
  return { ...bed, stop: () => stopBed(bed) };
}

/** The bed that somebody brought up by hand, if it lives. */
export function runningBed(work: string): Bed | undefined {
  const file = join(work, "bed.json");
  return existsSync(file) && livingProcesses(work).includes("kube-apiserver")
    ? (JSON.parse(readFileSync(file, "utf8")) as Bed)
    : undefined;
}

const describe = (namespace: string, work: string, { kubectl, act }: Programs): Bed => ({
  namespace,
  work,
  kubeconfig: join(work, "pki/admin.kubeconfig"),
  apiServer: "https://127.0.0.1:6443",
  gateway: `http://${gatewayAddress}:${gatewayPort}`,
  prometheus: "http://127.0.0.1:9090",
  envoyAdmin: `http://${gatewayAddress}:15000`,
  istiodUrl: "http://127.0.0.1:15080",
  programs: { kubectl, act },
});

async function assemble({ work }: Bed, programs: Programs, say: (line: string) => void): Promise<void> {
  const pki = join(work, "pki");
  openLoopback();
  makePki(pki);
  say("starting etcd and kube-apiserver");
  const api = await startApiServer(work, programs);
  try {
    startControllers(work, programs);
    await apply(api, node);
    await api.expect("PATCH", "/api/v1/nodes/node-0/status", nodeStatus, mergePatch);
    startProcess(work, "kubelet", [
      process.execPath,
      "--disable-warning=ExperimentalWarning",
      join(import.meta.dirname, "kubelet/main.ts"),
      work,
      programs.envoy,
    ]);
    await applyResources(api, programs);
    await apply(api, istioNamespace);
    say("starting istiod, Envoy and Prometheus");
    await Promise.all([startIstiod(work, programs), startPrometheus(work, programs.prometheus)]);
    await apply(api, webhooks(pki));
    await waitFor(() => apply(api, gateway), "the webhooks' consent to the gateway", 15_000);
    await waitFor(
      async () => (await fetch(`http://${gatewayAddress}:${gatewayPort}/`)).status === 404,
      "the gateway's listener",
      30_000,
    );
  } finally {
    await api.close();
  }
}

/** Custom resources, and a moment until the server serves them. */
async function applyResources(api: ApiServer, { resources }: Programs): Promise<void> {
  await Promise.all(resources.map((file) => apply(api, readFileSync(file, "utf8"))));
  await waitFor(
    async () => (await api.get("/apis/networking.istio.io/v1/virtualservices")) !== undefined,
    "the VirtualServices' own API",
    15_000,
  );
}

if (import.meta.main) {
  const namespace = process.argv[2] ?? defaultNamespace;
  const programs = await buildBed(); // outside: there is no internet in there
  await enterNetwork(namespace);
  const began = Date.now();
  const bed = await startBed({ namespace, work: workOf(namespace), programs, say: console.log });
  console.log(`up in ${((Date.now() - began) / 1_000).toFixed(1)}s. A shell in it:`);
  console.log(`  sudo ip netns exec ${namespace} env KUBECONFIG=${bed.kubeconfig} PATH=${programs.folder}:$PATH bash`);
  console.log(`Down: sudo BED=${namespace} node scripts/run.mjs __tests__/e2e/bed/down.ts`);
}
