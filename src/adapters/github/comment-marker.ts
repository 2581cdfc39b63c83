import { clip, code, link, plain } from "../../lib/markdown.ts";
import type { Account } from "../../release/account.ts";
import { knownImage } from "../../release/known-image.ts";
import type { Target } from "../../release/target.ts";
import { headlineOf } from "../../words/headline.ts";
import type { Notice } from "../../words/notice.ts";
import { dateOf } from "../../words/timestamp.ts";

/** What the comments of one service in one environment begin with. Nobody sees it. */
export function markerOf(environment: string, { namespace, service }: Pick<Target, "namespace" | "service">): string {
  // leaves no `>`, so nothing can end the HTML comment
  const [where, space, name] = [environment, namespace, service].map(encodeURIComponent);
  return `<!-- istio-canary environment=${where} namespace=${space} service=${name} -->`;
}

/** A release as a comment remembers it. */
export type PastReport = { readonly startedAt: number /** Markdown. */; readonly line: string };

/** What becomes of this release in the list of earlier ones. */
export function resultLine(account: Account): string {
  const { mark, words } = headlineOf(account);
  const known = knownImage(account);
  const image = known === undefined ? "" : `, ${code(clip(known, 200))}`;
  const run = account.run.url === undefined ? "" : ` (${link("run", account.run.url)})`;
  return `${mark} ${dateOf(account.startedAt)}: ${plain(words)}${image}${run}`;
}

/** Hidden as well: the next release reads it there and moves it to the earlier ones. */
export const stamp = (startedAt: number, line: string): string =>
  `<!-- release ${startedAt} ${encodeURIComponent(line.toWellFormed())} -->`;

/** How what a comment shows stood when it was written, by the release's clock. Hidden as well. */
export type Showing = { readonly at: number; readonly of: "open" | "over" | "notice" };

export const standingStamp = ({ at, of }: Showing): string => `<!-- as of ${at} ${of} -->`;

/**
 * Whether a notice may take the place of what a comment shows: nothing of a release that goes on or waits, and nothing
 * newer. docs/decisions/0037-one-comment-and-one-deployment.md
 */
export function givesWay(body: string, { at, journal }: Pick<Notice, "at" | "journal">): boolean {
  const [, time, of] = /^<!-- as of (\d+) (open|over|notice) -->$/m.exec(body) ?? [];
  if (time === undefined) return true;
  if (Number(time) > at) return false;
  if (of !== "open") return true;
  return journal !== undefined && journal.open !== readReports(body)[0]?.startedAt;
}

/** The releases that a comment remembers, newest first. */
export function readReports(body: string): readonly PastReport[] {
  return [...body.matchAll(/^<!-- release (\d+) (\S+) -->$/gm)].flatMap(([, startedAt, line]) => {
    try {
      return [{ startedAt: Number(startedAt), line: decodeURIComponent(line ?? "") }];
    } catch {
      return []; // somebody edited it by hand
    }
  });
}
