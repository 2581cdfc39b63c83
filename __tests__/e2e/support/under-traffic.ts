import type { ApiServer } from "./api-server.ts";
import type { Bed } from "./bed.ts";
import { recordWeights, type Weights } from "./envoy.ts";
import { served } from "./served.ts";
import { type Counts, startTraffic, type Traffic, type TrafficOptions } from "./traffic.ts";
import { waitFor } from "./wait-for.ts";

/** What clients and Envoy saw while something was done. */
export type Witnessed<T> = {
  readonly result: T;
  readonly counts: Counts;
  /** The weights that Envoy had, in order, each once. */
  readonly weights: readonly Weights[];
};

export type TrafficPlace = Pick<TrafficOptions, "headers" | "versionOf" | "inFlight"> & {
  readonly bed: Bed;
  readonly api: ApiServer;
  readonly namespace: string;
  /** The host that clients ask the gateway for. */
  readonly host: string;
  /** Default `/`. */
  readonly path?: string;
  /** Default 60. */
  readonly perSecond?: number;
  /** Whose weights are watched. Default: those of `host` in the gateway's Envoy. */
  readonly weightsOf?: { readonly host: string; readonly admin: string };
};

/** Does something while requests come through the gateway: from the first good answer until every pod that was taken away has ended. */
export async function underTraffic<T>(
  place: TrafficPlace,
  play: (traffic: Traffic) => Promise<T>,
): Promise<Witnessed<T>> {
  const {
    bed,
    api,
    namespace,
    host,
    path = "/",
    perSecond = 60,
    weightsOf = { host, admin: bed.envoyAdmin },
    ...reading
  } = place;
  const asked = { url: bed.gateway + path, host, ...reading };
  await served(asked);
  const traffic = startTraffic({ ...asked, perSecond });
  const recorder = recordWeights(bed, weightsOf.host, weightsOf.admin);
  try {
    await answers(traffic, 20);
    const result = await play(traffic);
    await podsEnded(api, namespace);
    await answers(traffic, perSecond); // a connection to a pod that has ended fails now or never
    return { result, counts: await traffic.stop(), weights: await recorder.stop() };
  } finally {
    await traffic.stop();
    await recorder.stop();
  }
}

/** Waits until this many more requests were answered. */
export async function answers(traffic: Traffic, count: number): Promise<void> {
  const { total } = traffic.counts();
  await waitFor(() => traffic.counts().total >= total + count, `${count} more answers`, 60_000, 50);
}

async function podsEnded(api: ApiServer, namespace: string): Promise<void> {
  type Pods = { readonly items: readonly { readonly metadata: { readonly deletionTimestamp?: string } }[] };
  const ending = async (): Promise<boolean> =>
    (await api.expect<Pods>("GET", `/api/v1/namespaces/${namespace}/pods`)).items.some(
      ({ metadata }) => metadata.deletionTimestamp !== undefined,
    );
  await waitFor(async () => !(await ending()), `the end of pods that were deleted in ${namespace}`, 60_000);
}
