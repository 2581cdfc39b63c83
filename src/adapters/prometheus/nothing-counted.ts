import type { LabelNames } from "../../istio/istio-metrics.ts";
import type { Finding } from "../../ports/preflight.ts";
import { type Sample, samplesOf, valuesOf } from "./answered.ts";
import type { Ask } from "./instant-query.ts";
import { missingFrom, tellMissing } from "./missing-labels.ts";
import type { PrometheusOptions } from "./prometheus-options.ts";
import { seriesSelectors } from "./series-selectors.ts";

/**
 * Why Prometheus has no request of stable at all: by the service's own, then by anybody's. `level` says how much that
 * matters.
 */
export async function nothingCounted(
  options: PrometheusOptions,
  level: Finding["level"],
  ask: Ask,
): Promise<readonly Finding[]> {
  const { labels, requests, target } = options;
  const { ofService, unserved } = seriesSelectors(target, "source", options);
  const called = samplesOf(
    await ask(`count by (${labels.workload}, ${labels.namespace}) (${ofService} unless ${unserved})`),
  );
  if (called.length > 0) {
    const missing = missingFrom(called, labels).filter(isIdentity);
    if (missing.length === 0) return [namedOtherwise(called, options, level)];
    const place = { where: `of the service ${target.service} in ${requests}`, selector: ofService, labels, level };
    return tellMissing(missing, place, ask);
  }
  const missing = await missingEverywhere(options, ask);
  if (missing.length === 0) return [silent(options)];
  return tellMissing(missing, { where: `in ${requests}`, selector: requests, labels, level }, ask);
}

/** Those of the labels by which stable is found that no series has, of whichever service. */
async function missingEverywhere(
  { labels, requests }: PrometheusOptions,
  ask: Ask,
): Promise<ReturnType<typeof missingFrom>> {
  const one = samplesOf(await ask(`topk(1, ${requests})`));
  if (one.length === 0) return [];
  const doubtful = missingFrom(one, labels).filter((use) => isIdentity(use) || use.meaning === "service");
  const none = await Promise.all(
    doubtful.map(async ({ meaning }) => isNone(await ask(`count(${requests}{${labels[meaning]}!=""})`))),
  );
  return doubtful.filter((_, index) => none[index]);
}

const isIdentity = ({ meaning }: { readonly meaning: keyof LabelNames }): boolean =>
  meaning === "workload" || meaning === "namespace";

const isNone = (answer: Awaited<ReturnType<Ask>>): boolean => !("because" in answer) && samplesOf(answer).length === 0;

function namedOtherwise(
  called: readonly Sample[],
  { labels, target }: PrometheusOptions,
  level: Finding["level"],
): Finding {
  const { deployment } = target.stable;
  const own = called.filter((sample) => sample.labels[labels.workload] === deployment);
  const tell = (of: string, label: string, expected: string, samples: readonly Sample[]): Finding => ({
    level,
    what: `Prometheus has requests of ${of}, but none with ${label}=${expected} (found: ${valuesOf(samples, label).join(", ")})`,
    next: `Check the name of stable's Deployment and its namespace, and that no Telemetry resource or relabelling changes ${label}.`,
  });
  return own.length > 0
    ? tell(`Deployment ${deployment}`, labels.namespace, target.namespace, own)
    : tell(`the service ${target.service}`, labels.workload, deployment, called);
}

/** A service that nobody calls at the moment is no mistake, but gates on its requests will have nothing to say. */
const silent = ({ requests, target }: PrometheusOptions): Finding => ({
  level: "warn",
  what: `Prometheus has no request of ${target.namespace}/${target.stable.deployment} in ${requests}`,
  next: "Without requests, gates that count them have no data. Check that requests pass a proxy that Prometheus scrapes.",
});
