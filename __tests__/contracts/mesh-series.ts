import { envoyEdges } from "../../sandbox/mesh/istio-metrics.ts";
import type { Outcome, Requests } from "./metrics.ts";

type Labels = Readonly<Record<string, string>>;

/** What Istio's proxies write of requests of the contract, whoever reads it: where they went, how they ended, how long they took. */
export function seriesLabelsOf({ by, how, service, took }: Requests, namespace: string) {
  const name = service === "another" ? "ratings" : "reviews";
  const space = service === "a namesake in another namespace" ? `${namespace}-else` : namespace;
  return {
    space,
    workload: { stable: `${name}-v1`, canary: `${name}-v2`, nobody: "unknown" }[by],
    labels: {
      destination_service: `${name}.${space}.svc.cluster.local`,
      ...outcomes[how ?? (by === "nobody" ? "no pod" : "served")],
    } as Labels,
    /** The buckets of a histogram that they are in. */
    edges: envoyEdges
      .filter((le) => took !== undefined && took <= le)
      .map((le) => (le === Infinity ? "+Inf" : String(le))),
  };
}

const outcomes: { readonly [outcome in Outcome]: Labels } = {
  served: {},
  "answered 404": { response_code: "404" },
  "answered 503": { response_code: "503" },
  "answered by gRPC with a failure": { grpc_response_status: "14" },
  "given up": { response_code: "0", response_flags: "DC" },
  "reset by its caller": { response_code: "0", response_flags: "DR" },
  "timed out": { response_code: "504", response_flags: "UT" },
  "cut off": { response_code: "200", response_flags: "UC" },
  "delayed on purpose": { response_flags: "DI" },
  "failed on purpose": { response_code: "503", response_flags: "FI" },
  "no pod": { response_code: "503", response_flags: "UH" },
  "no connection": { response_code: "0", response_flags: "UF" },
  "no route": { response_code: "404", response_flags: "NR" },
};
