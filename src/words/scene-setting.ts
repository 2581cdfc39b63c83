import type { ClusterName } from "../release/account.ts";
import type { Target } from "../release/target.ts";

/* What somebody checks first: whether this is the cluster that is meant, and which version is which. */

export const clusterInWords = ({ context, host }: ClusterName): string => `Cluster ${context} (${host})`;

/** Whoever reads the configuration beside it would believe in a mistake. */
export const exchangedInWords = ({ stable, canary }: Target): string =>
  `The last release made ${stable.deployment} the stable version: this one goes to ${canary.deployment} (the file's roles are exchanged).`;
