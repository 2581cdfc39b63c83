import { sendRequests, type TrafficOptions } from "./traffic.ts";
import { waitFor } from "./wait-for.ts";

/**
 * Waits until the gateway answers well twenty times in a row, by each of so many versions: routes, clusters and
 * endpoints reach Envoy one after the other, those of each version by themselves. Gives how many requests it took, by
 * version.
 */
export async function served(
  asked: Omit<TrafficOptions, "perSecond">,
  versions = 1,
): Promise<Readonly<Record<string, number>>> {
  const sent: Record<string, number> = {};
  await waitFor(
    async () => {
      const { byStatus, byVersion } = await sendRequests(20, asked);
      for (const [version, count] of Object.entries(byVersion)) sent[version] = (sent[version] ?? 0) + count;
      return byStatus["200"] === 20 && Object.keys(byVersion).length >= versions;
    },
    `twenty good answers of ${asked.host ?? asked.url} by ${versions} versions`,
    30_000,
  );
  return sent;
}
