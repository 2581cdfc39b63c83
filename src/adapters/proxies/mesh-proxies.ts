import { type Destination, readDestination } from "../../istio/destination.ts";
import { addressesIn, carried, clusterPattern, splitsIn, type WrittenRule } from "../../istio/envoy-config.ts";
import { ruleToAdd } from "../../kubernetes/role-rule.ts";
import type { Millis } from "../../lib/duration.ts";
import { tell } from "../../lib/errors.ts";
import { jsonIn } from "../../lib/json.ts";
import type { MeshProxies } from "../../ports/mesh-proxies.ts";
import type { Learners } from "../../release/learnt.ts";
import { roles } from "../../release/target.ts";
import { send } from "../../world/send.ts";
import { within } from "../../world/within.ts";
import { ownAnswer } from "./own-answer.ts";
import { type FollowerPod, type Followers, type SeekOptions, seekFollowers } from "./roster.ts";

/** `network` carries requests to `forward://NAMESPACE/POD:PORT/PATH`. */
export type MeshProxiesOptions = SeekOptions & {
  /** The rules of the release's routes as they stand now. */
  readonly written: () => Promise<readonly WrittenRule[]>;
  /** For a look: one that hangs keeps nobody from hearing of the others, and may answer later. */
  readonly lookLimit: Millis;
  /** For one proxy's answer. */
  readonly timeout: Millis;
  /** Of one answer. */
  readonly mostBytes: number;
};

/** How it stands with one proxy. `apart`: nothing in it is about these routes. */
type ProxyStanding = { readonly is: "learnt" | "without" | "apart" } | { readonly because: string };

/** On the pod's loopback: https://www.envoyproxy.io/docs/envoy/latest/operations/admin#get--config_dump */
const adminPort = 15_000;
const dump = "/config_dump?resource=dynamic_";

/** Asks Envoys for what they have, over the API server, as istioctl does. */
export function meshProxies(options: MeshProxiesOptions): MeshProxies {
  const { network, target, lookLimit, timeout, mostBytes } = options;
  const seek = seekFollowers(options);
  const pair = roles.map((role) => readDestination(target[role], target.namespace));
  /** By namespace, why nobody there can be asked: it will not be otherwise while this job runs. */
  const closed = new Map<string, string>();

  async function ask(pod: FollowerPod, path: string, signal: AbortSignal): Promise<unknown> {
    const because = closed.get(pod.namespace);
    if (because !== undefined) throw new Error(because);
    const url = new URL(`forward://${pod.namespace}/${pod.name}:${adminPort}${path}`);
    const answer = await send(network, { method: "GET", url, headers: {}, mostBytes, signal }, timeout);
    const json = jsonIn(answer.text);
    if (answer.status === 200 && json !== undefined) return json;
    const own = ownAnswer(answer.status, json);
    if (answer.status === 404 && !own) return {}; // an Envoy that has none of these
    const { message = `port ${adminPort} answered ${answer.status}`, lack } = own ?? {};
    throw lack ? new Closed(`${message}; ${ruleToAdd({ ...lack, verbs: ["get", "create"] })}`) : new Error(message);
  }

  async function routesOf(
    pod: FollowerPod,
    rules: readonly WrittenRule[],
    signal: AbortSignal,
  ): Promise<ProxyStanding> {
    const asked = new Set(
      rules.map(({ section }) => (section === "http" && pod.of !== "waypoint" ? "route_configs" : "listeners")),
    );
    const dumps = await Promise.all([...asked].map((resource) => ask(pod, `${dump}${resource}`, signal)));
    const isGateway = pod.of === "gateway";
    const has = carried(dumps.flatMap(splitsIn), rules, pair, isGateway);
    if (has === "absent" && !isGateway) return { is: "apart" };
    return { is: has === "all" ? "learnt" : "without" };
  }

  async function podsOf(
    pod: FollowerPod,
    of: Destination,
    addresses: readonly string[],
    signal: AbortSignal,
  ): Promise<ProxyStanding> {
    const pattern = encodeURIComponent(clusterPattern(of));
    const known = addressesIn(await ask(pod, `${dump}endpoint_configs&include_eds&name_regex=${pattern}`, signal), of);
    const hasAll = addresses.length > 0 && addresses.every((address) => known.has(address));
    return { is: hasAll ? "learnt" : "without" };
  }

  async function standingOf(
    pod: FollowerPod,
    read: Promise<ProxyStanding>,
    signal: AbortSignal,
  ): Promise<ProxyStanding> {
    try {
      return await read;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof Closed && !closed.has(pod.namespace)) closed.set(pod.namespace, error.message);
      return { because: tell(error) };
    }
  }

  return {
    teach(lesson) {
      const standings = new Map<string, ProxyStanding>();
      const pending = new Map<string, Promise<void>>();
      let rules: readonly WrittenRule[] | undefined;
      const standing = async (
        pod: FollowerPod,
        { addresses }: Followers,
        signal: AbortSignal,
      ): Promise<ProxyStanding> =>
        lesson === "routes"
          ? routesOf(pod, rules ?? [], signal)
          : podsOf(pod, readDestination(target[lesson], target.namespace), addresses[lesson], signal);
      const begin = (pod: FollowerPod, found: Followers, signal: AbortSignal): void => {
        const asked = standingOf(pod, standing(pod, found, signal), signal)
          .then((how) => void standings.set(pod.uid, how))
          .finally(() => pending.delete(pod.uid));
        asked.catch(() => undefined); // aborted, when nobody looks any more
        pending.set(pod.uid, asked);
      };
      const isOpen = ({ uid }: FollowerPod): boolean => {
        const how = standings.get(uid);
        return !pending.has(uid) && !(how && "is" in how && how.is === "learnt");
      };
      return {
        async look(signal) {
          try {
            if (lesson === "routes") rules ??= await options.written();
            const found = await seek();
            for (const pod of found.pods.filter(isOpen)) begin(pod, found, signal);
            await within(Promise.all(pending.values()), lookLimit, network.clock);
            return learnersOf(
              found.pods.map((pod) => [pod, standings.get(pod.uid) ?? { because: "it has not answered yet" }]),
              `no proxy was found that follows the routes of ${target.namespace}/${target.service}`,
            );
          } catch (error) {
            signal.throwIfAborted();
            return nobody(tell(error));
          }
        },
      };
    },
  };
}

/** The API server does not let this job ask. */
class Closed extends Error {}

const nobody = (because: string): Learners => ({ gateways: 0, callers: 0, without: [], unread: 0, because });

/** Who could not be read does not keep the others from being enough; where nobody could, that is why. */
function learnersOf(standings: readonly (readonly [FollowerPod, ProxyStanding])[], otherwise: string): Learners {
  const read = standings.filter(([, how]) => "is" in how && how.is !== "apart");
  const unread = standings.flatMap(([, how]) => ("because" in how ? [how.because] : []));
  if (read.length === 0) return nobody(unread[0] ?? otherwise);
  return {
    gateways: read.filter(([{ of }]) => of !== "caller").length,
    callers: read.filter(([{ of }]) => of === "caller").length,
    without: read.flatMap(([pod, how]) => ("is" in how && how.is === "without" ? [nameOf(pod)] : [])),
    unread: unread.length,
  };
}

const nameOf = ({ of, namespace, name }: FollowerPod): string => `${of} ${namespace}/${name}`;
