import type { Bed } from "./bed.ts";
import { sendRequests } from "./traffic.ts";
import { waitFor } from "./wait-for.ts";

/**
 * Waits until the gateway answers a host well, twenty times in a row: routes, clusters and endpoints reach Envoy one
 * after the other. Gives how many requests it took, by version.
 */
export async function served(bed: Bed, host: string): Promise<Readonly<Record<string, number>>> {
  const sent: Record<string, number> = {};
  await waitFor(
    async () => {
      const { byStatus, byVersion } = await sendRequests(20, { url: bed.gateway, host });
      for (const [version, count] of Object.entries(byVersion)) sent[version] = (sent[version] ?? 0) + count;
      return byStatus["200"] === 20;
    },
    `twenty good answers of ${host}`,
    20_000,
  );
  return sent;
}
