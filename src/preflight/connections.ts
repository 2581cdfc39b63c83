import { someOf } from "../lib/some-of.ts";
import { type Finding, note, refuse, warn } from "../ports/preflight.ts";
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
  if (gates.some(isAsked))
    return [note(`${what}: gates of your own judge what goes over them, and nothing else does.`)];
  return [
    warn(
      `${what}: nothing judges what goes over them but restarts and pods that are not ready.`,
      "A gate of your own can: query, json or run.",
    ),
  ];
}

const wordsOf = (facts: readonly RouteFact[]): string =>
  someOf(
    facts.map(({ where }) => where),
    ", ",
    3,
  );
