import type { Millis } from "../lib/duration.ts";

/** What is filled in where a URL has it in braces. */
export const urlNames = [
  ...(["namespace", "service", "stable", "canary"] as const),
  ...(["from", "to", "fromSeconds", "toSeconds"] as const),
];

export type UrlName = (typeof urlNames)[number];

/**
 * What a gate of the user's asks: as the job was told, and kept nowhere. Headers may be secrets, and a journal is
 * written by whoever may write a ConfigMap.
 */
export type Recipe =
  | {
      readonly kind: "json";
      /** `urlNames` in braces are filled in. */
      readonly url: string;
      /** Where the number stands in the answer: names and positions, the last one being -1. */
      readonly path: readonly (string | number)[];
      readonly headers: Readonly<Record<string, string>>;
      /** Sent as JSON, by POST. Missing: GET. */
      readonly body?: Readonly<Record<string, unknown>> | undefined;
      readonly timeout: Millis;
    }
  | {
      readonly kind: "run";
      /** The program and its arguments. No shell reads them. */
      readonly command: readonly [string, ...string[]];
      /** Then its process group is ended. */
      readonly timeout: Millis;
    };
