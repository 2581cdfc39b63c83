import { setTimeout as sleep } from "node:timers/promises";
import { type Figure, printFigures } from "../../scripts/bench/figure.ts";
import { say } from "../../src/words/say.ts";
import { withBed } from "./bed/with-bed.ts";
import { type ApiServer, openApiServer } from "./support/api-server.ts";
import { apply } from "./support/apply.ts";
import type { Bed } from "./support/bed.ts";
import { envoyWeights } from "./support/envoy.ts";
import { journalOf } from "./support/journal.ts";
import { newNamespace, rolledOut } from "./support/namespace.ts";
import { ownPrometheus } from "./support/own-prometheus.ts";
import { startProgram } from "./support/program.ts";
import { twoVersions } from "./support/shop.ts";
import type { Traffic } from "./support/traffic.ts";
import { underTraffic } from "./support/under-traffic.ts";
import { waitFor } from "./support/wait-for.ts";

// npm run bench mesh: how long a bad canary still has requests once it is known to be bad, and how long altogether.

const namespace = "bench";
const host = "bench.example.com";
const runs = 5;

const seconds = (milliseconds: number): number => Math.round(milliseconds) / 1_000;
const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
const spread = (values: readonly number[]): string =>
  `median of ${values.length}, ${Math.min(...values)} to ${Math.max(...values)}`;

process.exit(await withBed(measure));

async function measure(bed: Bed): Promise<number> {
  const api = openApiServer(bed.kubeconfig);
  const remove = await newNamespace(api, namespace);
  try {
    await apply(api, twoVersions({ host, v1: 100, v2: 0, canary: "shop:v1" }), namespace);
    await rolledOut(api, namespace, "shop-v1", "shop-v2");
    const place = { bed, api, namespace, host };
    const { result: took } = await underTraffic(place, () => times(() => fromVerdictToEnvoy(bed, api)));
    const { result: outages } = await underTraffic({ ...place, perSecond: 50 }, (traffic) =>
      times(() => outage(bed, api, traffic)),
    );
    const bySource = await withSources(bed, (sources) => ofEach(bed, api, sources));
    for (const [run, { bad, told, known, took }] of outages.entries())
      console.log(
        `run ${run + 1}: ${bad} bad answers, out of service after ${seconds(took)}s: ${seconds(told)}s until enough had failed, ${seconds(known - told)}s until that was scraped and read, ${seconds(took - known)}s until Envoy had the route`,
      );
    return printFigures([figureOf(took), ...outageFigures(outages), ...bySource]) ? 0 : 1;
  } finally {
    await remove();
    await api.close();
  }
}

type Source = {
  readonly who: string;
  readonly metrics: object;
  readonly limits?: readonly [took: number, bad: number];
};

/** Who may count, in one run: nobody but the proxies, and a Prometheus that scrapes as Istio's own does. */
async function withSources<T>(bed: Bed, use: (sources: readonly Source[]) => Promise<T>): Promise<T> {
  const { url, start, kill } = await ownPrometheus(bed, namespace, "15s");
  await start();
  try {
    return await use([
      { who: "no Prometheus, the proxies", metrics: { source: "proxies" }, limits: [3, 8] },
      { who: "a Prometheus every 15s, source auto", metrics: { source: "auto", prometheus: url } },
      { who: "a Prometheus every 15s alone", metrics: { source: "prometheus", prometheus: url } },
    ]);
  } finally {
    await kill();
  }
}

async function ofEach(bed: Bed, api: ApiServer, sources: readonly Source[]): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  for (const { who, metrics, limits } of sources) {
    const { result } = await underTraffic({ bed, api, namespace, host, perSecond: 50 }, (traffic) =>
      times(() => outage(bed, api, traffic, metrics)),
    );
    const [took, bad] = [result.map((one) => seconds(one.took)), result.map((one) => one.bad)];
    const [mostTook, mostBad] = limits ?? [];
    const what = `50% errors at 10% of 50/s, ${who}`;
    figures.push(
      {
        what: `${what}: out of service after`,
        value: median(took),
        unit: "s",
        ...limitOf(mostTook),
        how: spread(took),
      },
      { what: `${what}: bad answers`, value: median(bad), unit: "", ...limitOf(mostBad), how: spread(bad) },
    );
  }
  return figures;
}

function limitOf(limit: number | undefined): Pick<Figure, "limit"> {
  return limit === undefined ? {} : { limit };
}

async function times<T>(once: () => Promise<T>): Promise<readonly T[]> {
  const all: T[] = [];
  while (all.length < runs) all.push(await once());
  return all;
}

function figureOf(took: readonly number[]): Figure {
  const how = `${spread(took.map(seconds))}s; by the journal's time and Envoy's configuration`;
  return {
    what: "failing poll to Envoy serving stable alone",
    value: seconds(median(took)),
    unit: "s",
    limit: 0.5,
    how,
  };
}

function outageFigures(outages: readonly Outage[]): readonly Figure[] {
  const took = outages.map((outage) => seconds(outage.took));
  const bad = outages.map((outage) => outage.bad);
  const parts = [
    outages.map(({ told }) => told),
    outages.map(({ told, known }) => known - told),
    outages.map(({ known, took }) => took - known),
  ];
  const [failed, read, routed] = parts.map((part) => seconds(median(part)));
  const how = `${spread(took)}s; of it ${failed}s until enough had failed, ${read}s until that was scraped and read, ${routed}s until Envoy had the route`;
  return [
    {
      what: "50% errors at 10% of 50/s, scraped every 1s: first bad answer to out of service",
      value: median(took),
      unit: "s",
      limit: 4,
      how,
    },
    { what: "bad answers by then", value: median(bad), unit: "", limit: 10, how: spread(bad) },
  ];
}

/** From the first bad answer, in milliseconds: until as many had failed as the verdict counts, until the verdict, until Envoy served stable alone. */
type Outage = { readonly bad: number; readonly told: number; readonly known: number; readonly took: number };

/** One release of a canary with 50% errors, judged as somebody has it who sets nothing. */
async function outage(
  bed: Bed,
  api: ApiServer,
  traffic: Traffic,
  metrics: object = { prometheus: bed.prometheus, interval: "1s" },
): Promise<Outage> {
  const before = traffic.counts().bad;
  const badAt: number[] = [];
  const noting = setInterval(() => {
    while (badAt.length < traffic.counts().bad - before) badAt.push(Date.now());
  }, 2);
  const config = {
    ...{
      namespace,
      service: "shop",
      stable: { deployment: "shop-v1", subset: "v1" },
      canary: { deployment: "shop-v2", subset: "v2" },
    },
    ...{ image: "registry.test/shop:v2-err50", stages: "10:5m" },
    ...{ metrics, promotion: { model: "swap", drain: "1s" } },
  };
  const { ended } = startProgram(bed, { config });
  await waitFor(async () => (await envoyWeights(bed, host)).v2 === 10, "the canary's share in Envoy", 60_000, 10);
  while ((await envoyWeights(bed, host)).v1 !== 100) await sleep(5);
  const out = Date.now();
  const { code, said } = await ended;
  clearInterval(noting);
  const verdict = (await journalOf(api, namespace, "shop"))?.log.find(({ reason }) => reason.kind === "gate-failed");
  const [, failed] =
    /of the canary's requests failed \(([\d,]+) of [\d,]+\)/.exec(verdict ? say(verdict.reason) : "") ?? [];
  const [first] = badAt;
  const enough = badAt[Number(failed?.replaceAll(",", "")) - 1] ?? badAt.at(-1); // the last may be counted before its caller has it
  if (code !== 1 || verdict === undefined || first === undefined || enough === undefined)
    throw new Error(`the canary was not rolled back for its errors:\n${said}`);
  return { bad: badAt.length, told: enough - first, known: verdict.at - first, took: out - first };
}

/** One release of a canary with 20% errors: milliseconds from the decision to the first look at which Envoy had no canary any more. */
async function fromVerdictToEnvoy(bed: Bed, api: ApiServer): Promise<number> {
  const config = {
    ...{
      namespace,
      service: "shop",
      stable: { deployment: "shop-v1", subset: "v1" },
      canary: { deployment: "shop-v2", subset: "v2" },
    },
    ...{
      image: "registry.test/shop:v2-err20",
      stages: "50:1m",
      gates: [{ errors: { atMost: "5%", minRequests: 20 } }],
    },
    ...{ metrics: { prometheus: bed.prometheus, interval: "1s" }, promotion: { model: "swap", drain: "1s" } },
  };
  const { ended } = startProgram(bed, { config });
  await waitFor(async () => (await envoyWeights(bed, host)).v2 === 50, "the canary's share in Envoy", 60_000, 10);
  while ((await envoyWeights(bed, host)).v1 !== 100) await sleep(5);
  const at = Date.now();
  const { code, said } = await ended;
  const verdict = (await journalOf(api, namespace, "shop"))?.log.find(
    ({ reason }) => reason.kind === "gate-failed" && reason.verdict.figures.of === "errors",
  );
  if (code !== 1 || verdict === undefined) throw new Error(`the canary was not rolled back for its errors:\n${said}`);
  return at - verdict.at;
}
