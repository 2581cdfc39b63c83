import { acceptanceOf } from "../../istio/route-parent.ts";
import type { KubernetesObject } from "../../kubernetes/object.ts";
import type { Millis } from "../../lib/duration.ts";
import { DeniedError, UnreachableError } from "../../lib/errors.ts";
import { someOf } from "../../lib/some-of.ts";
import type { Clock } from "../../world/clock.ts";
import { objectWord } from "../weighted-rules/describe.ts";
import type { RouteStore } from "../weighted-rules/read-routes.ts";

/** How long a controller may take to look at a route. Istio's takes a moment; a busy one some seconds. */
const patience: Millis = 10_000;
const pause: Millis = 250;

/**
 * Resolves when every controller that has taken the route up has accepted the version that was written: before, the
 * weights are nobody's. Rejects with DeniedError where one does not, and with UnreachableError where one does not look.
 */
export const followedBy =
  ({ client, resource, shape }: RouteStore, clock: Clock) =>
  async (written: KubernetesObject, superseded: AbortSignal): Promise<void> => {
    const { namespace = "", name } = written.metadata;
    const word = objectWord(shape, { namespace, name });
    const until = clock.now() + patience;
    let route: KubernetesObject | undefined = written;
    while (route && !superseded.aborted) {
      const { refused, behind } = acceptanceOf(route);
      if (refused.length > 0)
        throw new DeniedError(`${word} is not followed as it was written (${someOf(refused)}).`, {
          next: `Look at what its parents say: kubectl -n ${namespace} get ${resource.plural}.${resource.group} ${name} -o yaml.`,
        });
      if (behind.length === 0) return;
      if (clock.now() >= until)
        throw new UnreachableError(
          `${word} was written, and after ${patience / 1_000}s its weights were not accepted for ${someOf(behind)}.`,
          { next: "See whether its controller (istiod) works." },
        );
      await clock.sleepUntil(clock.now() + pause);
      route = await client.get(resource, namespace, name);
    }
  };
