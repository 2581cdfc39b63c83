import type { LabelNames, MetricNames } from "../../istio/istio-metrics.ts";
import type { Finding } from "../../ports/preflight.ts";
import type { Target } from "../../release/target.ts";
import { type Ask, found, type Sample, valuesOf } from "./instant-query.ts";
import { missingFrom, tellMissing } from "./missing-labels.ts";
import { selectors } from "./selectors.ts";

type Options = MetricNames & { readonly target: Target };

/** Why Prometheus has no request of stable at all: by the service's own, then by anybody's. `level` says how much that matters. */
export async function nothingCounted(options: Options, level: Finding["level"], ask: Ask): Promise<readonly Finding[]> {
  const { labels, requests, target } = options;
  const { ofService, unserved } = selectors(target, "source", options);
  const called = found(
    await ask(`count by (${labels.workload}, ${labels.namespace}) (${ofService} unless ${unserved})`),
  );
  if (called.length > 0) {
    const missing = missingFrom(called, labels).filter(isIdentity);
    const place = { where: `of the service ${target.service} in ${requests}`, selector: ofService, labels, level };
    return missing.length > 0 ? tellMissing(missing, place, ask) : [namedOtherwise(called, options, level)];
  }
  const missing = await missingEverywhere(options, ask);
  return missing.length > 0
    ? tellMissing(missing, { where: `in ${requests}`, selector: requests, labels, level }, ask)
    : [silent(options)];
}

/** Those of the labels by which stable is found that no series has, of whichever service. */
async function missingEverywhere({ labels, requests }: Options, ask: Ask): Promise<ReturnType<typeof missingFrom>> {
  const one = found(await ask(`topk(1, ${requests})`));
  if (one.length === 0) return [];
  const doubtful = missingFrom(one, labels).filter((use) => isIdentity(use) || use.meaning === "service");
  const none = await Promise.all(
    doubtful.map(async ({ meaning }) => isNone(await ask(`count(${requests}{${labels[meaning]}!=""})`))),
  );
  return doubtful.filter((_, index) => none[index]);
}

const isIdentity = ({ meaning }: { readonly meaning: keyof LabelNames }): boolean =>
  meaning === "workload" || meaning === "namespace";

const isNone = (answer: Awaited<ReturnType<Ask>>): boolean => !("because" in answer) && found(answer).length === 0;

function namedOtherwise(called: readonly Sample[], { labels, target }: Options, level: Finding["level"]): Finding {
  const { deployment } = target.stable;
  const own = called.filter((sample) => sample.labels[labels.workload] === deployment);
  const [what, wanted, label] =
    own.length > 0
      ? [`of Deployment ${deployment}`, target.namespace, labels.namespace]
      : [`of the service ${target.service}`, deployment, labels.workload];
  return {
    level,
    what: `Prometheus has requests ${what}, but none with ${label}=${wanted} (found: ${valuesOf(own.length > 0 ? own : called, label).join(", ")})`,
    next: `Check the name of stable's Deployment and its namespace, and that no Telemetry resource or relabelling changes ${label}.`,
  };
}

/** A service that nobody calls at the moment is no mistake, but gates on its requests will have nothing to say. */
const silent = ({ requests, target }: Options): Finding => ({
  level: "warn",
  what: `Prometheus has no request of ${target.namespace}/${target.stable.deployment} in ${requests}`,
  next: "Without requests, gates that count them have no data. Check that requests pass a proxy that Prometheus scrapes.",
});
