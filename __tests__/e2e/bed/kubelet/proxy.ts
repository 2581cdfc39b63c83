import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdirSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { forgetProcess, recordProcess } from "../processes.ts";
import { follow } from "./follow.ts";
import type { Pod } from "./objects.ts";
import { workloadOf } from "./workload.ts";

/** One line of an Envoy's access log, in the format that the mesh configuration asks for. */
export type Access = {
  readonly authority: string | null;
  readonly method: string | null;
  readonly code: number;
  readonly flags: string | null;
  readonly duration: number;
  /** `address:port` of the pod that was chosen; null when none was. */
  readonly upstream: string | null;
  /** `outbound|80|v1|shop.demo.svc.cluster.local`; null when there is no such cluster. */
  readonly cluster: string | null;
  readonly grpc: number | string | null;
  readonly contentType: string | null;
};

export type EnvoyProcess = {
  readonly ready: () => Promise<boolean>;
  readonly stop: () => Promise<void>;
};

/** Where a sidecar takes requests from its own pod. All pods share one loopback here, so each has a port of its own. */
export const outboundPort = (address: string): number => {
  const [, , third = 0, fourth = 0] = address.split(".").map(Number);
  return 20_000 + third * 256 + fourth;
};

/** Starts a real Envoy for a pod: as the gateway's router, or as a sidecar without interception. */
export function startProxy(
  work: string,
  envoy: string,
  pod: Pod,
  address: string,
  kind: "router" | "sidecar",
  seen: (access: Access) => void,
): EnvoyProcess {
  const name = `${pod.metadata.name}.${pod.metadata.namespace}`;
  const folder = join(work, "proxies");
  mkdirSync(folder, { recursive: true });
  const bootstrap = join(folder, `${name}.json`);
  writeFileSync(bootstrap, JSON.stringify(bootstrapOf(pod, address, kind)));
  const log = openSync(join(work, "log", `${name}.log`), "a");
  const accessLog = join(work, "log", `${name}.access.log`);
  // Envoy opens /dev/stdout by its name, which works for files and not for the sockets that Node calls pipes.
  const output = openSync(accessLog, "a");
  const args = [
    "-c",
    bootstrap,
    "--concurrency",
    "1",
    "--disable-hot-restart",
    "--log-level",
    "warning",
    "--component-log-level",
    "misc:error",
    "--file-flush-interval-msec",
    "100",
  ];
  const child: ChildProcess = spawn(envoy, args, { stdio: ["ignore", output, log], env: {} });
  closeSync(output);
  closeSync(log);
  if (child.pid === undefined) throw new Error(`${name}: Envoy could not be started.`);
  recordProcess(work, name, child.pid);
  const lines = follow(accessLog, (line) => line.startsWith("{") && seen(JSON.parse(line) as Access));
  child.once("exit", (code, signal) => {
    lines.stop();
    forgetProcess(work, name);
    if (signal === null && code !== 0) console.error(`${name}: Envoy ended with ${code}`);
  });
  return {
    ready: async () => {
      try {
        return (await fetch(`http://${address}:15000/ready`)).ok;
      } catch {
        return false;
      }
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, "exit");
      child.kill("SIGTERM");
      await Promise.race([gone, sleep(2_000)]);
      child.kill("SIGKILL");
      await gone;
    },
  };
}

function bootstrapOf(pod: Pod, address: string, kind: "router" | "sidecar"): object {
  const { name, namespace, labels = {} } = pod.metadata;
  const workload = workloadOf(pod);
  return {
    node: {
      id: `${kind}~${address}~${name}.${namespace}~${namespace}.svc.cluster.local`,
      cluster: `${labels.app ?? workload}.${namespace}`,
      metadata: {
        NAME: name,
        NAMESPACE: namespace,
        LABELS: labels,
        WORKLOAD_NAME: workload,
        SERVICE_ACCOUNT: "default",
        INSTANCE_IPS: address,
        CLUSTER_ID: "Kubernetes",
        MESH_ID: "cluster.local",
        NODE_NAME: "node-0",
        ISTIO_VERSION: "1.31.0",
        ...(kind === "sidecar" ? { INTERCEPTION_MODE: "NONE", HTTP_PROXY_PORT: String(outboundPort(address)) } : {}),
      },
    },
    admin: { address: socket(address, 15_000) },
    layered_runtime: {
      layers: [
        { name: "static", static_layer: { "envoy.reloadable_features.http_reject_path_with_fragment": false } },
        { name: "admin", admin_layer: {} },
      ],
    },
    dynamic_resources: {
      lds_config: { ads: {}, initial_fetch_timeout: "0s", resource_api_version: "V3" },
      cds_config: { ads: {}, initial_fetch_timeout: "0s", resource_api_version: "V3" },
      ads_config: {
        api_type: "DELTA_GRPC",
        set_node_on_first_message_only: true,
        transport_api_version: "V3",
        grpc_services: [{ envoy_grpc: { cluster_name: "xds-grpc" } }],
      },
    },
    static_resources: {
      clusters: [
        {
          name: "xds-grpc",
          type: "STATIC",
          connect_timeout: "1s",
          typed_extension_protocol_options: {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
              "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
              explicit_http_config: { http2_protocol_options: {} },
            },
          },
          load_assignment: {
            cluster_name: "xds-grpc",
            endpoints: [{ lb_endpoints: [{ endpoint: { address: socket("127.0.0.1", 15_010) } }] }],
          },
        },
      ],
    },
  };
}

const socket = (address: string, port: number): object => ({ socket_address: { address, port_value: port } });
