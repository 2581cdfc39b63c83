import type { Instant } from "../src/lib/duration.ts";
import type { HttpAnswer, HttpRequest } from "../src/world/transport.ts";
import type { Chance } from "./chance.ts";
import type { NetworkAct, NetworkDisturbance, Requests } from "./disturbance.ts";
import type { Fate, Link } from "./network.ts";
import type { Timeline } from "./timeline.ts";

/** What befalls requests, besides the time that they take. */
export interface Weather {
  begin(disturbance: NetworkDisturbance): void;
  fateOf(link: Link, request: HttpRequest): Fate;
}

type Active = { readonly disturbance: NetworkDisturbance; readonly until: Instant; left: number; told: number };

/** Of a long outage nobody wants to read every request. */
const mostTold = 3;

export type WeatherOptions = {
  readonly latency: { readonly least: number; readonly most: number };
  /** Answers are remembered for caches that will give them again. */
  readonly remembers: boolean;
  readonly onFault: (disturbance: NetworkDisturbance, request: HttpRequest) => void;
};

export function createWeather(
  timeline: Timeline,
  chance: Chance,
  { latency, remembers, onFault }: WeatherOptions,
): Weather {
  const active = new Set<Active>();
  const newest = new Map<string, { readonly answer: HttpAnswer; readonly before: HttpAnswer }>();
  const takes = (): number => Math.round(chance.between(latency.least, latency.most) * 10) / 10;

  function faultOf(link: Link, request: HttpRequest): NetworkDisturbance | undefined {
    for (const entry of active) {
      const { disturbance, until } = entry;
      if (timeline.now() >= until || entry.left <= 0) {
        active.delete(entry);
        continue;
      }
      if (disturbance.link !== link || !isMeant(disturbance.of, request)) continue;
      if (disturbance.act === "answered stale" && request.method !== "GET") continue;
      if (disturbance.share < 1 && !chance.happens(disturbance.share)) continue;
      entry.left--;
      if (entry.told++ < mostTold) onFault(disturbance, request);
      return disturbance;
    }
    return undefined;
  }

  /** What was answered to the same request the time before, as a cache on the way has it. */
  function stale(request: HttpRequest): Fate["instead"] {
    const before = newest.get(request.url.href)?.before;
    return before === undefined ? undefined : () => before;
  }

  function remember({ method, url }: HttpRequest): Fate["instead"] {
    if (method !== "GET") return undefined;
    return (answer) => {
      if (answer === undefined) throw new Error("an answer that is remembered was given");
      newest.set(url.href, { answer, before: newest.get(url.href)?.answer ?? answer });
      return answer;
    };
  }

  return {
    begin(disturbance) {
      active.add({ disturbance, until: timeline.now() + disturbance.lasts, left: disturbance.times, told: 0 });
    },
    fateOf(link, request) {
      const usual = { there: takes(), back: takes() };
      const fault = active.size === 0 ? undefined : faultOf(link, request);
      if (fault === undefined)
        return remembers && link === "kubernetes" ? { ...usual, instead: remember(request) } : usual;
      if (fault.act === "answered stale") return { ...usual, instead: stale(request) };
      const changed = fates[fault.act](chance);
      return {
        ...usual,
        ...changed,
        there: usual.there + (changed.there ?? 0),
        back: usual.back + (changed.back ?? 0),
      };
    },
  };
}

export const fates: Readonly<Record<Exclude<NetworkAct, "answered stale">, (chance: Chance) => Partial<Fate>>> = {
  "held back": (chance) => ({ there: chance.between(1_000, 8_000) }),
  "answered late": (chance) => ({ back: chance.between(1_000, 8_000) }),
  "request lost": () => ({ lost: true, cut: "ECONNRESET" }),
  "answer lost": () => ({ cut: "ECONNRESET" }),
  "request swallowed": () => ({ lost: true, cut: "silence" }),
  "answer swallowed": () => ({ cut: "silence" }),
  doubled: (chance) => ({ again: chance.between(1, 500) }),
  "answered 429": () => refusal(429, "TooManyRequests", { "retry-after": "1" }),
  "answered 500": () => refusal(500, "InternalError"),
  "answered 503": () => refusal(503, "ServiceUnavailable"),
  "answered 504 after it was applied": () => ({ instead: status(504, "Timeout") }),
  "answered 409": () => refusal(409, "Conflict"),
  "answered 422": () => refusal(422, "Invalid"),
  "answered 401": () => refusal(401, "Unauthorized"),
  "answered 403": () => refusal(403, "Forbidden"),
  "answered without JSON": (chance) => ({ lost: chance.happens(0.5), instead: () => page }),
  refused: () => ({ lost: true, cut: "ECONNREFUSED" }),
};

const page: HttpAnswer = {
  status: 200,
  headers: { "content-type": "text/html" },
  text: "<html><body>Please wait.</body></html>",
};

const refusal = (code: number, reason: string, headers = {}): Partial<Fate> => ({
  lost: true,
  instead: status(code, reason, headers),
});

const status = (code: number, reason: string, headers = {}): Fate["instead"] => {
  const text = JSON.stringify({
    kind: "Status",
    apiVersion: "v1",
    status: "Failure",
    message: `simulated ${reason}`,
    reason,
    code,
  });
  return () => ({ status: code, headers, text });
};

const meant: Readonly<Record<Requests, RegExp>> = {
  any: /^/,
  lease: /^(PUT|POST) .*\/leases/,
  journal: /^(PUT|POST) .*\/configmaps/,
  "route write": /^PATCH .*\/(virtualservices|httproutes)/,
  "route read": /^GET .*\/(virtualservices|httproutes)/,
  workload: /\/(deployments|pods|replicasets)/,
  write: /^(PUT|POST|PATCH|DELETE) (?!.*selfsubjectaccessreviews)/,
};

const isMeant = (of: Requests, { method, url }: HttpRequest): boolean =>
  of === "any" || meant[of].test(`${method} ${url.pathname}`);
