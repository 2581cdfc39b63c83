import { readHost } from "../../istio/host.ts";
import { histogramOf, type MetricNames, sumOfDurations } from "../../istio/istio-metrics.ts";
import type { Millis } from "../../lib/duration.ts";
import type { Target, Version } from "../../release/target.ts";
import type { CountingProxy } from "./prometheus-options.ts";

/** How old a sample may be: https://prometheus.io/docs/prometheus/latest/querying/basics/#staleness */
export const lookBack: Millis = 300_000;

/** What is asked of Prometheus, by the names that things have there. */
export const seriesSelectors = (
  { namespace, stable, canary, ...target }: Target,
  reporter: CountingProxy,
  { labels, requests, durations }: MetricNames,
) => {
  const of = (...workloads: readonly Version[]): readonly string[] => [
    `${labels.namespace}=${quoted(namespace)}`,
    `${labels.workload}=~${quoted(oneOf(workloads.map(({ deployment }) => deployment)))}`,
  ];
  const by = (name: CountingProxy): string => `${labels.reporter}=${quoted(name)}`;
  const hosts = quoted(hostPattern(namespace, [target.service, stable.host, canary.host]));
  const service = `${labels.service}=~${hosts}`;
  /** Answers that a VirtualService's `fault` made are nobody's failure. Flags come as a list: "DI,UF". */
  const notInjected = `${labels.flags}!~"(.*,)?(FI|DI)(,.*)?"`;
  const both = [by(reporter), ...of(stable, canary), notInjected];
  const unattributed = [
    by(reporter === "destination" ? "source" : reporter),
    `${labels.workload}="unknown"`,
    service,
    notInjected,
  ];
  /**
   * Every counter of both versions, and of the service's requests that found no pod: only the sender knows of those.
   * A client that went away is code 0: a canary that hangs shows there and nowhere else.
   */
  const ofVersions = select(requests, both);
  const ofNobody = select(requests, unattributed);
  const counters = (read: (counter: string) => string) => ({
    requests: `${read(ofVersions)} or ${read(ofNobody)}`,
    buckets: read(select(durations, both)),
  });
  const newest = counters((counter) => `last_over_time(${counter}[${lookBack}ms])`);
  /** When each series was scraped last, in seconds. Without the reporter's label they differ from the series themselves. */
  const scraped = (times: string, ...without: readonly string[]): string =>
    `max without (${[labels.reporter, ...without].join(", ")}) (${times})`;
  /** One series each, without edges, where Prometheus keeps histograms so (native ones, NHCB). */
  const native = histogramOf(durations);
  const sums = sumOfDurations(durations);
  const ownPods = [by("destination"), ...of(stable), notInjected];

  return {
    /**
     * The newest sample of the last five minutes, also where the last scrape failed: a plain selector forgets a
     * target's series at the first failed scrape, and a counter that is forgotten when counting begins would later
     * count in full. With it come the times of the series that the last scrape has, in the same answer: the next one may
     * be another replica's.
     */
    newest: {
      requests: `${newest.requests} or ${scraped(`timestamp(${ofVersions}) or timestamp(${ofNobody})`)}`,
      buckets:
        `${newest.buckets} or last_over_time(${select(native, both)}[${lookBack}ms]) or ` +
        `last_over_time(${select(sums, both)}[${lookBack}ms]) or ` +
        scraped(`timestamp(${select(durations, [...both, 'le="+Inf"'])}) or timestamp(${select(native, both)})`, "le"),
    },
    /** A counter's first sample in a window is its lowest, unless it restarted; of native histograms nobody knows one. */
    first(window: Millis) {
      const lowest = counters((counter) => `min_over_time(${counter}[${window}ms])`);
      const before = `last_over_time(${select(native, both)}[${lookBack}ms] offset ${window}ms)`;
      return { requests: lowest.requests, buckets: `${lowest.buckets} or ${before}` };
    },
    /** Which proxies that count were there at the last scrape, and whom they counted. */
    present: `count by (${labels.reporter}, ${labels.workload}) (${select(requests, of(stable, canary))})`,
    ofStable: {
      requests: select(requests, of(stable)),
      reported: select(requests, [by(reporter), ...of(stable)]),
      /** By the name of a service that no route of the release is for. */
      beside: select(requests, [by(reporter), ...of(stable), `${labels.service}!=""`, `${labels.service}!~${hosts}`]),
      buckets: `${select(durations, [by(reporter), ...of(stable)])} or ${select(native, [by(reporter), ...of(stable)])}`,
      /**
       * What each of its pods counted itself: a gateway's counters do not tell them apart. Sums of raw counters, one at
       * each step; those of errors name the reporter as well. All in one answer, since the next one may be another
       * replica's.
       */
      perPod: (range: Millis, step: Millis) =>
        `(sum by (${labels.pod}, instance) (${select(requests, ownPods)}) or ` +
        `sum by (${labels.pod}, instance, ${labels.reporter}) (` +
        `${select(requests, [...ownPods, `${labels.code}=~"5.."`])} or ${select(requests, [...ownPods, `${labels.grpc}!~"|0"`])}` +
        `))[${range}ms:${step}ms]`,
      /** How long its own requests took. */
      perPodTimes: (range: Millis, step: Millis) =>
        `(sum by (${labels.pod}, instance, le) (${select(durations, ownPods)}))[${range}ms:${step}ms]`,
    },
    ofService: select(requests, [service]),
    /** What the service got in a window, and when it was first seen there, in seconds: a service may be younger. */
    got: (window: Millis) => {
      const all = select(requests, [by(reporter), service, notInjected]);
      const stride = Math.max(1_000, Math.ceil(window / 60));
      return {
        requests: `sum(increase(${all}[${window}ms]))`,
        first: `min(min_over_time(timestamp(${all})[${window}ms:${stride}ms]))`,
      };
    },
    /** How many each of those who answered got lately, whoever counted them. */
    answered: `sum by (${labels.workload}, ${labels.namespace}) (increase(${select(requests, [service, `${labels.workload}!="unknown"`, `${labels.code}!="0"`, notInjected])}[5m])) > 0`,
    /** Those that nobody answered: failures before the first pod was there name no workload. */
    unserved: select(requests, [service, `${labels.workload}="unknown"`, `${labels.code}=~"0|5.."`]),
  };
};

const select = (metric: string, matchers: readonly string[]): string => `${metric}{${matchers.join(",")}}`;

/** PromQL's string literals have Go's escapes. */
const quoted = (text: string): string => `"${text.replace(/\\/g, "\\\\").replace(/"/g, '\\"').replace(/\n/g, "\\n")}"`;

const literally = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");

const oneOf = (texts: readonly string[]): string => [...new Set(texts)].map(literally).join("|");

/**
 * The names that a request to one of these hosts carries in `service`: the full name where a cluster was found, and the
 * Host header, which may be short and have a port, where none was.
 */
function hostPattern(namespace: string, hosts: readonly string[]): string {
  const names = hosts.map((text) => {
    const { service } = readHost(text, namespace);
    // A name with dots that is not a Service's is somebody's own (a ServiceEntry): it is as it is.
    if (!service) return literally(text);
    return `${literally(service.name)}(\\.${literally(service.namespace)}(\\.svc(\\..+)?)?)?`;
  });
  return `(${[...new Set(names)].join("|")})(:[0-9]+)?`;
}
