import type { ClusterName } from "../release/account.ts";
import type { ReleaseRecord } from "../release/release-record.ts";
import type { Target } from "../release/target.ts";
import { winnerOf } from "../release/transition.ts";

/* What somebody checks first: whether this is the cluster that is meant, and which version is which. */

export const clusterInWords = ({ context, host }: ClusterName): string =>
  host === "" ? `No cluster, but the files of ${context}` : `Cluster ${context} (${host})`;

/** The cluster in a word: the kubeconfig's name for it, else its host; "" where nobody said. */
export const clusterWord = (cluster: ClusterName | undefined): string => cluster?.context || cluster?.host || "";

/** An undo between two Deployments. Its roles are for its duration only: whoever reads them at its end is misled. */
export const isWayBack = ({ undoes, plan }: Pick<ReleaseRecord, "undoes" | "plan">): boolean =>
  undoes !== undefined && winnerOf(plan) === "canary";

/** Whoever reads the configuration beside it would believe in a mistake. */
export const exchangedInWords = ({ stable, canary }: Target): string =>
  `The last release made ${stable.deployment} the stable version: this one goes to ${canary.deployment} (the file's roles are exchanged).`;
