import type { IstioCode } from "../istio/istio-code.ts";

/** Something that was noticed before a release. */
export type Finding = {
  /** `refuse`: the release does not start. `warn`: it starts, and people are told. `note`: good to know. */
  readonly level: "refuse" | "warn" | "note";
  /** What and where: "VirtualService shop/reviews: route \"primary\" sends no request to subset v1". */
  readonly what: string;
  /** What to do about it. */
  readonly next?: string | undefined;
  /** What Istio's own analysis calls it, where it has a name for it. */
  readonly code?: IstioCode | undefined;
  /** It says that this was not there, or could not be looked at; where only a part of a world is known it may be there. */
  readonly unseen?: string | undefined;
  /** The canary has requests, which a release that is under way would explain. */
  readonly canaryServes?: true | undefined;
};

/** Looks, changes nothing, and gives every finding at once. */
export interface Preflight {
  inspect(): Promise<readonly Finding[]>;
}

export const refuse = (what: string, next: string): Finding => ({ level: "refuse", what, next });
export const warn = (what: string, next: string): Finding => ({ level: "warn", what, next });
export const note = (what: string, next?: string): Finding => ({ level: "note", what, next });

/** With the code by which Istio's analysis tells the same; the sentence has it already. */
export const coded = (code: IstioCode, finding: Finding): Finding => ({ ...finding, code });

/** With what was not to be seen, and may be elsewhere. */
export const unseen = (what: string, finding: Finding): Finding => ({ ...finding, unseen: what });

/** The same sentence is told once. */
export const toldOnce = <F extends Pick<Finding, "what">>(findings: readonly F[]): readonly F[] => [
  ...new Map(findings.map((finding) => [finding.what, finding])).values(),
];
