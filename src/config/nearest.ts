import { shortened } from "./issue.ts";

/** No known word is nearly as long, and a distance takes as much time as both words have letters. */
const longest = 100;

/** Names of an earlier day, of which some workflow or file still has one. */
const formerly: Readonly<Record<string, string>> = {
  settle: "meshDelay",
  atMost: "deadline",
  stable: "stable-deployment",
  canary: "canary-deployment",
};

/** The known word that somebody probably meant: at most two letters, or a third of the word, away. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  if (word.length > longest) return undefined;
  const name = word.replace(/^-+/, "");
  const today = Object.hasOwn(formerly, name) ? plain(formerly[name] ?? "") : undefined;
  const renamed = known.find((candidate) => plain(candidate) === today);
  if (renamed !== undefined) return renamed;
  const limit = Math.max(2, Math.floor(word.length / 3));
  const [best] = known
    .map((candidate) => ({ candidate, away: distance(plain(word), plain(candidate)) }))
    .sort((a, b) => a.away - b.away);
  if (best && best.away <= limit && best.away < best.candidate.length) return best.candidate;
  return undefined;
}

/** `unknown key "wieght"; did you mean "weight"?`, or `unknown key "x".` */
export function unheardOf(kind: string, word: string, known: readonly string[]): string {
  const meant = nearest(word, known);
  return `unknown ${kind} ${JSON.stringify(shortened(word))}${meant === undefined ? "." : `; did you mean ${JSON.stringify(meant)}?`}`;
}

/** `unknown key "wieght"; did you mean "weight"? Known: name, weight, …` */
export const unknown = (kind: string, word: string, known: readonly string[], beside: readonly string[] = []): string =>
  `${unheardOf(kind, word, known)} Known: ${[...new Set([...beside, ...known])].join(", ")}`;

/** keepOld, keep-old and keep_old are one word, written in the manner of different languages. */
const plain = (word: string): string => word.toLowerCase().replaceAll(/[-_]/g, "");

/** Levenshtein's distance, one row at a time. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...b].entries())
      next.push(Math.min((row[j] ?? 0) + (letter === other ? 0 : 1), (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    row = next;
  }
  return row[b.length] ?? 0;
}
