import type { Target, Version } from "../release/target.ts";

export type Reporter = "source" | "destination" | "waypoint";

const requests = "istio_requests_total";
const buckets = "istio_request_duration_milliseconds_bucket";

/** Where a counter is told by its newest sample. Istio's labels: https://istio.io/latest/docs/reference/config/metrics/ */
export const selectors = ({ namespace, stable, canary, ...target }: Target, reporter: Reporter) => {
  const of = (...workloads: readonly Version[]): readonly string[] => [
    `destination_workload_namespace=${quoted(namespace)}`,
    `destination_workload=~${quoted(oneOf(workloads.map(({ deployment }) => deployment)))}`,
  ];
  const service = `destination_service=~${quoted(hostPattern(namespace, [target.service, stable.host, canary.host]))}`;
  const both = [`reporter=${quoted(reporter)}`, ...of(stable, canary), 'response_code!="0"', notInjected];

  return {
    /**
     * Every counter of both versions, and of the service's requests that found no pod: only the sender knows of those.
     * A client that went away is code 0 and counts for nobody.
     */
    requests: `${newest(requests, both)} or ${newest(requests, [`reporter=${quoted(reporter === "destination" ? "source" : reporter)}`, 'destination_workload="unknown"', service, notInjected])}`,
    buckets: newest(buckets, both),
    /** Whether any proxy that counts was there at the last scrape. */
    alive: `count(${requests}{${[`reporter=${quoted(reporter)}`, ...of(stable, canary)].join(",")}})`,
    ofStable: {
      requests: `${requests}{${of(stable).join(",")}}`,
      reported: `${requests}{reporter=${quoted(reporter)},${of(stable).join(",")}}`,
      buckets: `${buckets}{reporter=${quoted(reporter)},${of(stable).join(",")}}`,
    },
    ofService: `${requests}{${service}}`,
  };
};

/**
 * The newest sample of the last five minutes, also where the last scrape failed: a plain selector forgets a target's
 * series at the first failed scrape, and a counter that is forgotten when counting begins would later count in full.
 */
const newest = (metric: string, matchers: readonly string[]): string => `last_over_time(${metric}{${matchers.join(",")}}[5m])`;

/** Answers that a VirtualService's `fault` made are nobody's failure. Flags come as a list: "DI,UF". */
const notInjected = 'response_flags!~"(.*,)?(FI|DI)(,.*)?"';

/** PromQL's string literals have Go's escapes. */
const quoted = (text: string): string => `"${text.replace(/\\/g, "\\\\").replace(/"/g, '\\"').replace(/\n/g, "\\n")}"`;

const literally = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");

const oneOf = (texts: readonly string[]): string => [...new Set(texts)].map(literally).join("|");

/**
 * The names that a request to one of these hosts carries in `destination_service`: the full name where a cluster was
 * found, and the Host header, which may be short and have a port, where none was.
 */
function hostPattern(namespace: string, hosts: readonly string[]): string {
  const names = hosts.map((host) => {
    const [name = host, space = namespace, ...rest] = host.split(".");
    // A name with dots that is not a Service's is somebody's own (a ServiceEntry): it is as it is.
    return host.includes(".") && rest[0] !== "svc" && rest.length > 0 ? literally(host) : `${literally(name)}(\\.${literally(space)}(\\.svc(\\..+)?)?)?`;
  });
  return `(${[...new Set(names)].join("|")})(:[0-9]+)?`;
}
