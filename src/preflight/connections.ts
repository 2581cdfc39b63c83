import { someOf } from "../lib/some-of.ts";
import { type Finding, refuse, warn } from "../ports/preflight.ts";
import type { RouteFact } from "../ports/route-family.ts";
import { isAsked, isCounting } from "../release/gate.ts";
import type { Scene } from "./scene.ts";

/**
 * Rules of tls and tcp divide connections. Proxies count that one was opened and closed, and see no answer in it:
 * https://istio.io/latest/docs/reference/config/metrics/
 */
export function connectionsAreJudged({ routes, plan: { stages } }: Scene): readonly Finding[] {
  const moved = routes.filter(({ moves }) => moves);
  const opaque = moved.filter(({ section }) => section !== "http");
  if (opaque.length === 0) return [];
  const what = `${wordsOf(opaque)} ${opaque.length === 1 ? "divides" : "divide"} connections, of which proxies see no answer`;
  const gates = stages.flatMap((stage) => stage.gates);
  const counting = [...new Set(gates.filter(isCounting).map(({ kind }) => kind))];
  if (opaque.length === moved.length && counting.length > 0)
    return [
      refuse(
        `${what}: the ${counting.length === 1 ? "gate" : "gates"} ${counting.join(", ")} would never have data, and no stage would pass.`,
        "Let gates judge that can (query, for instance of istio_tcp_connections_closed_total; json; run; restarts), or say that nothing does: metrics: { source: none }, and restarts alone are watched.",
      ),
    ];
  const judges = gates.some(isAsked) ? "gates of your own and" : "nothing but";
  return [
    warn(
      `${what}: ${judges} restarts and pods that are not ready judge what goes over them.`,
      "Whether a version answers rightly only a gate that speaks its protocol can tell: run, json or query.",
    ),
  ];
}

const wordsOf = (facts: readonly RouteFact[]): string =>
  someOf(
    facts.map(({ where }) => where),
    ", ",
    3,
  );
