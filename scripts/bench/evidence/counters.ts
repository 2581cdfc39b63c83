import { advance, counted, emptyMeter } from "../../../src/adapters/prometheus/meter.ts";
import type { Counter, Snapshot } from "../../../src/adapters/prometheus/snapshot.ts";
import type { Poll } from "../../../src/evidence/poll.ts";
import type { Attribution } from "../../../src/evidence/tally.ts";
import type { Instant, Millis } from "../../../src/lib/duration.ts";
import type { Chance } from "../../../src/rehearsal/chance.ts";
import type { Release } from "./world.ts";

const interval: Millis = 15_000;

type Pod = { readonly name: string; readonly origin: Attribution; ok: number; failed: number };

/**
 * The same release seen through raw counters and counted by the product: three pods of stable and two of the canary,
 * whose series of failures appear with the first failure, and which restart from zero now and then.
 */
export function throughCounters(release: Release, restartsPerRelease: number, next: Chance): Release {
  const pods: readonly Pod[] = [
    ...["s-1", "s-2", "s-3"].map((name) => newPod(name, "stable")),
    ...["c-1", "c-2"].map((name) => newPod(name, "canary")),
  ];
  for (const pod of pods) if (pod.origin === "stable") pod.ok = 1_000_000;
  const scrape = (at: Instant): Snapshot => ({
    at,
    asked: at,
    requests: pods.flatMap((pod) => countersOf(pod, at)),
    buckets: [],
  });
  let meter = advance(emptyMeter(interval), scrape(0));
  const polls = release.polls.map((poll, index): Poll => {
    for (const pod of pods) if (next() < restartsPerRelease / release.polls.length) [pod.ok, pod.failed] = [0, 0];
    serve(pods, "stable", poll.stable, next);
    serve(pods, "canary", poll.canary, next);
    const snapshot = scrape((index + 1) * interval);
    const { stable, canary } = counted(meter, snapshot);
    meter = advance(meter, snapshot);
    return { ...poll, stable, canary };
  });
  return { ...release, polls };
}

const newPod = (name: string, origin: Attribution): Pod => ({ name, origin, ok: 0, failed: 0 });

/** Each request goes to one pod of its version; large counts are dealt in equal parts. */
function serve(pods: readonly Pod[], origin: Attribution, { requests, errors }: Poll["stable"], next: Chance): void {
  const own = pods.filter((pod) => pod.origin === origin);
  const [ok, failed] = [deal(requests - errors, own.length, next), deal(errors, own.length, next)];
  for (const [index, pod] of own.entries()) {
    pod.ok += ok[index] ?? 0;
    pod.failed += failed[index] ?? 0;
  }
}

function deal(count: number, parts: number, next: Chance): readonly number[] {
  const dealt = Array<number>(parts).fill(Math.floor(count / parts));
  for (let left = count % parts; left > 0; left--) {
    const one = Math.floor(next() * parts);
    dealt[one] = (dealt[one] ?? 0) + 1;
  }
  return dealt;
}

/** A series exists once it has counted something, and a scrape shows every series that exists. */
function countersOf({ name, origin, ok, failed }: Pod, scraped: Instant): readonly Counter[] {
  const counter = (isFailure: boolean, value: number): readonly Counter[] =>
    value === 0
      ? []
      : [{ series: `${name} ${isFailure ? 500 : 200}`, process: name, origin, failed: isFailure, value, scraped }];
  return [...counter(false, ok), ...counter(true, failed)];
}
