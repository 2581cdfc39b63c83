import { readDestination, readWeighted } from "../../istio/destination.ts";
import { originOf } from "../../istio/envoy-config.ts";
import { writtenLike } from "../../istio/host.ts";
import { rulesOf } from "../../istio/virtual-service.ts";
import { field, objectAt } from "../../kubernetes/field.ts";
import type { RouteShape } from "../weighted-rules/route-shape.ts";
import { narrowedMatch } from "./narrowed-match.ts";
import { responseCookie } from "./response-cookie.ts";

export const virtualServiceShape: RouteShape = {
  kind: "VirtualService",
  words: {
    rule: "route",
    toMove: "Name a VirtualService with routes: http, tls or tcp.",
  },
  rulesOf,
  originOf,
  sections: { http: "http", tls: "tls", tcp: "tcp" },
  destinations: "route",
  read: readWeighted,
  named({ host, raw }, version) {
    const { host: _, subset: __, ...rest } = objectAt(raw, "destination");
    const { subset } = version;
    const name = writtenLike(host, version.host);
    const place = subset === undefined ? { host: name } : { host: name, subset };
    return { ...raw, destination: { ...place, ...rest } };
  },
  match: "match",
  firstWins: true,
  narrowed: narrowedMatch,
  // https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPFaultInjection
  fault: (drill) =>
    "delay" in drill
      ? { delay: { fixedDelay: `${drill.delay / 1_000}s`, percentage: { value: 100 } } }
      : { abort: { httpStatus: drill.abort, percentage: { value: 100 } } },
  // A single one gets everything, whatever its weight.
  alone: ({ weight: _, ...destination }) => destination,
  cookies: responseCookie,
  copies: {
    // One copy, with its percentage in the older form of three fields, or the oldest; or several.
    single: ["mirror", "mirrorPercent", "mirrorPercentage"],
    list: "mirrors",
    ofSingle: readDestination,
    ofEntry: (entry, namespace) => readDestination(field(entry, "destination"), namespace),
    // https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPMirrorPolicy
    entryFor: ({ destination }, value) => ({ destination, percentage: { value } }),
  },
  maxWeight: 2 ** 31 - 1,
};
