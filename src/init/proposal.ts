import type { KubernetesObject } from "../kubernetes/object.ts";

/** Why a file is there, as data; words/init-text.ts says it. */
export type FileReason =
  | { readonly kind: "subsets"; readonly host: string; readonly names: readonly string[]; readonly isNew: boolean }
  | { readonly kind: "route"; readonly stable: string; readonly canary: string }
  | { readonly kind: "unpinned-route"; readonly word: string; readonly rules: readonly string[]; readonly to: string }
  | { readonly kind: "route-host"; readonly word: string; readonly host: string }
  | { readonly kind: "gateway"; readonly host: string; readonly secret: string; readonly namespace: string }
  | { readonly kind: "redirect"; readonly host: string }
  | { readonly kind: "backends"; readonly service: string; readonly names: readonly string[] }
  | { readonly kind: "ports"; readonly service: string; readonly ports: readonly number[] }
  | { readonly kind: "waypoint"; readonly service: string; readonly isNew: boolean }
  | { readonly kind: "pod-label"; readonly deployment: string; readonly label: string }
  | { readonly kind: "canary-deployment"; readonly stable: string; readonly label: string }
  | { readonly kind: "access" }
  | { readonly kind: "configuration" }
  | { readonly kind: "workflow" };

/** Something that was found, for which there is no file. */
export type InitNote =
  | { readonly kind: "versions"; readonly stable: string; readonly canary: string; readonly made: boolean }
  | {
      readonly kind: "both-serve";
      readonly stable: string;
      readonly canary: string;
      readonly others: readonly string[];
    }
  | { readonly kind: "others-serve"; readonly words: readonly string[] }
  | { readonly kind: "releasable"; readonly words: readonly string[] }
  | { readonly kind: "several-places"; readonly word: string; readonly files: readonly string[] }
  | { readonly kind: "no-image"; readonly deployment: string }
  | { readonly kind: "no-proxies" };

/** One file that is to be reviewed. */
export type ProposedFile = {
  readonly path: string;
  readonly whys: readonly FileReason[];
  /** How it gets into the cluster, if it does. */
  readonly use: "apply" | "patch" | "repository";
  readonly objects: readonly object[];
  /** The user's own files in which the object stands that this is a changed copy of. */
  readonly replaces?: readonly string[];
  /** Text that is there already: it is not made of objects. */
  readonly text?: string;
};

/** The user's own object that a file has changed, or one that was not there. */
export type ObjectChange = { readonly object: KubernetesObject; readonly whys: readonly FileReason[] };

export type Proposal = {
  readonly files: readonly ProposedFile[];
  /** The image that a plan can be tried with: the one that runs. */
  readonly image: string;
  readonly notes: readonly InitNote[];
  /** The world as it is once they are applied. */
  readonly objects: readonly KubernetesObject[];
};

/** Why nothing can be proposed. */
export type Unready =
  | { readonly kind: "no-service"; readonly services: readonly string[] }
  | { readonly kind: "no-selector" }
  | { readonly kind: "no-deployment"; readonly others: readonly string[]; readonly selector: string }
  | { readonly kind: "unknown-deployment"; readonly name: string; readonly known: readonly string[] }
  | { readonly kind: "routed-elsewhere"; readonly word: string; readonly hosts: readonly string[] }
  | { readonly kind: "other-family"; readonly words: readonly string[] }
  | { readonly kind: "no-gateway-api" };
