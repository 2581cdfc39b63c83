import { setTimeout as sleep } from "node:timers/promises";
import { type Figure, printFigures } from "../../scripts/bench/figure.ts";
import { withBed } from "./bed/with-bed.ts";
import { type ApiServer, openApiServer } from "./support/api-server.ts";
import { apply } from "./support/apply.ts";
import type { Bed } from "./support/bed.ts";
import { envoyWeights } from "./support/envoy.ts";
import { journalOf } from "./support/journal.ts";
import { newNamespace, rolledOut } from "./support/namespace.ts";
import { startProgram } from "./support/program.ts";
import { twoVersions } from "./support/shop.ts";
import { underTraffic } from "./support/under-traffic.ts";
import { waitFor } from "./support/wait-for.ts";

// npm run bench mesh: how long a bad canary still has requests once it is known to be bad.

const namespace = "bench";
const host = "bench.example.com";
const runs = 5;

process.exit(await withBed(measure));

async function measure(bed: Bed): Promise<number> {
  const api = openApiServer(bed.kubeconfig);
  const remove = await newNamespace(api, namespace);
  try {
    await apply(api, twoVersions({ host, v1: 100, v2: 0, canary: "shop:v1" }), namespace);
    await rolledOut(api, namespace, "shop-v1", "shop-v2");
    const place = { bed, api, namespace, host };
    const { result: took } = await underTraffic(place, async () => {
      const all: number[] = [];
      while (all.length < runs) all.push(await fromVerdictToEnvoy(bed, api));
      return all;
    });
    return printFigures([figureOf(took)]) ? 0 : 1;
  } finally {
    await remove();
    await api.close();
  }
}

function figureOf(took: readonly number[]): Figure {
  const sorted = took.toSorted((a, b) => a - b);
  const seconds = (milliseconds = Number.NaN): number => milliseconds / 1_000;
  const how = `median of ${took.length}, ${seconds(sorted[0])} to ${seconds(sorted.at(-1))} s; by the journal's time and Envoy's configuration`;
  return { what: "failing poll to Envoy serving stable alone", value: seconds(sorted[Math.floor(took.length / 2)]), unit: "s", limit: 0.5, how };
}

/** One release of a canary with 20 % errors: milliseconds from the decision to the first look at which Envoy had no canary any more. */
async function fromVerdictToEnvoy(bed: Bed, api: ApiServer): Promise<number> {
  const config = {
    ...{ namespace, service: "shop", stable: { deployment: "shop-v1", subset: "v1" }, canary: { deployment: "shop-v2", subset: "v2" } },
    ...{ image: "registry.test/shop:v2-err20", stages: "50:1m", gates: [{ errors: { atMost: "5%", minRequests: 20 } }] },
    ...{ metrics: { prometheus: bed.prometheus, interval: "1s" }, promotion: { model: "swap", drain: "1s" } },
  };
  const { ended } = startProgram(bed, { config });
  await waitFor(async () => (await envoyWeights(bed, host)).v2 === 50, "the canary's share in Envoy", 60_000, 10);
  while ((await envoyWeights(bed, host)).v1 !== 100) await sleep(5);
  const at = Date.now();
  const { code, said } = await ended;
  const verdict = (await journalOf(api, namespace, "shop"))?.log.find(({ because }) => because.startsWith("errors:"));
  if (code !== 1 || verdict === undefined) throw new Error(`the canary was not rolled back for its errors:\n${said}`);
  return at - verdict.at;
}
