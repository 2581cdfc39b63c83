import { block, clip, code, folded, plain } from "../lib/markdown.ts";
import { count, plural } from "../lib/numbers.ts";
import type { Account } from "../release/account.ts";
import type { KeptLog, KeptLogs } from "../release/kept-logs.ts";

const shownLines = 10;
const longestLine = 300;

/** What the canary's pods said before they went, folded, as Markdown: ten lines of the first that is in trouble. */
export function keptLogsPart({ logs: kept }: Account): string | undefined {
  const [first] = kept?.logs ?? [];
  if (!kept || !first) return undefined;
  const lines = first.lines.slice(-shownLines).map((line) => clip(line, longestLine));
  const parts = [`${whose(first)}:`, block(lines.join("\n"), "text"), plain(restOfLogs(kept).join(" "))];
  return folded(`The canary's last words: ${code(first.pod)}`, parts.join("\n\n"));
}

/** Where the rest is, and what is nowhere, in sentences. */
export function restOfLogs({ logs, left, folder, unwritten = 0, because }: KeptLogs): readonly string[] {
  const told: string[] = [];
  const pods = new Set(logs.map(({ pod }) => pod)).size - unwritten;
  if (folder !== undefined && pods > 0)
    told.push(`The last lines of ${count(pods)} ${plural(pods, "pod")} of the canary are in ${folder}/.`);
  if (left > 0) told.push(`Those of ${count(left)} more ${plural(left, "pod")} are not kept.`);
  if (because !== undefined) told.push(`Not all could be read: ${clip(because, longestLine)}.`);
  return told;
}

const whose = ({ container, previous }: KeptLog): string =>
  `Container ${code(container)}${previous ? ", before its last restart" : ""}`;
