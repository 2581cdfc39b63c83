import type { Config } from "../config/config.ts";
import { DeniedError } from "../lib/errors.ts";
import { routeWord } from "../release/route-kind.ts";
import type { Target } from "../release/target.ts";
import { nextCommand } from "../words/next-command.ts";

/**
 * Throws where a journal is about other Deployments or routes than the configuration: it may have changed since, or
 * somebody who may edit ConfigMaps wants this job's account to write there. Whoever gives no configuration goes by the
 * journal.
 */
export function assertAsAsked({ release, namespace, service, asked }: Config, journaled: Target): void {
  if (!release) return;
  const other = things(journaled).filter((thing) => !things(release.target).includes(thing));
  if (other.length === 0) return;
  const withoutFile = nextCommand("rollback", {
    target: { namespace, service },
    asked: { ...asked, config: undefined },
  });
  throw new DeniedError(
    `${namespace}/${service}: the release in the journal is about ${other.join(" and ")}, of which the configuration says nothing`,
    {
      next: `Nothing was changed. If the configuration has changed since that release began, end it by what the journal says: ${withoutFile}. If it has not, somebody else wrote the journal: \`kubectl -n ${namespace} get configmap istio-canary-${service} -o yaml --show-managed-fields\` tells who.`,
    },
  );
}

/** After a swap the two Deployments have each other's role. */
const things = ({ namespace, stable, canary, routes }: Target): readonly string[] => [
  `Deployment ${namespace}/${stable.deployment}`,
  `Deployment ${namespace}/${canary.deployment}`,
  ...routes.map(routeWord),
];
