import { ruleToAdd } from "../../kubernetes/role-rule.ts";
import type { Millis } from "../../lib/duration.ts";
import { tell } from "../../lib/errors.ts";
import { jsonIn } from "../../lib/json.ts";
import { send } from "../../world/send.ts";
import type { Network } from "../../world/world.ts";
import { ownAnswer } from "./own-answer.ts";
import type { ProxyPod } from "./roster.ts";

/** What a pod shows, or why nobody knows. */
export type PodAnswer =
  | { readonly text: string }
  | { readonly because: string; readonly next?: string | undefined; readonly isForbidden?: boolean };

export type PodReading = { readonly pod: ProxyPod; readonly answer: PodAnswer };

/** The ports that Istio opens for whoever scrapes: Envoy's own, and the agent's, which merges the application's metrics in. */
const ports = [15_090, 15_020];

/** Of one pod's answer. */
const mostBytes = 4 * 1_048_576;

/**
 * Reads pods over the API server. Which port answers is remembered for each. `filter`: a regular expression of metrics'
 * names, which Envoy knows and the agent ignores: https://www.envoyproxy.io/docs/envoy/latest/operations/admin#get--stats
 */
export function podReader(network: Network, filter: string) {
  const answering = new Map<string, number>();

  async function ask(pod: ProxyPod, port: number, limit: Millis, signal: AbortSignal): Promise<PodAnswer> {
    const url = new URL(`pod://${pod.namespace}/${pod.name}:${port}/stats/prometheus`);
    url.searchParams.set("filter", filter);
    try {
      const answer = await send(network, { method: "GET", url, headers: {}, mostBytes, signal }, limit);
      return answer.status === 200 ? { text: answer.text } : refusal(answer.status, answer.text, pod, port);
    } catch (error) {
      signal.throwIfAborted();
      return { because: `port ${port} of pod ${pod.namespace}/${pod.name}: ${tell(error)}` };
    }
  }

  return async (pod: ProxyPod, limit: Millis, signal: AbortSignal): Promise<PodAnswer> => {
    const [first = 0, other = 0] = answering.get(pod.uid) === ports[1] ? ports.toReversed() : ports;
    const answer = await ask(pod, first, limit, signal);
    if ("text" in answer || answer.isForbidden) return answer;
    const second = await ask(pod, other, limit, signal);
    if (!("text" in second)) return answer;
    answering.set(pod.uid, other);
    return second;
  };
}

function refusal(code: number, text: string, { namespace, name }: ProxyPod, port: number): PodAnswer {
  const { message = `it answered ${code}`, lack } = ownAnswer(code, jsonIn(text)) ?? {};
  return {
    because: `port ${port} of pod ${namespace}/${name}: ${message}`,
    next: lack && ruleToAdd(lack),
    isForbidden: lack !== undefined,
  };
}
