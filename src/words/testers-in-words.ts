import type { Testers, TextMatch } from "../release/testers.ts";

/** How testers are known: `header x-canary: yes`. */
export const testersInWords = (testers: readonly Testers[]): string => testers.map(oneInWords).join("; or ");

function oneInWords({ headers, cookies, query, method, callers }: Testers): string {
  const words = [
    ...textsInWords("header", ": ", headers),
    ...textsInWords("cookie", "=", cookies),
    ...textsInWords("query", "=", query),
    ...[method].flatMap((name) => (name === undefined ? [] : `method ${name}`)),
    ...Object.entries(callers ?? {}).map(([name, value]) => `from pods labelled ${name}=${value}`),
  ];
  return words.join(" and ");
}

const textsInWords = (what: string, between: string, texts: Testers["headers"] = {}): readonly string[] =>
  Object.entries(texts).map(([name, match]) => `${what} ${name}${between}${textInWords(match)}`);

function textInWords(match: TextMatch): string {
  if ("exact" in match) return match.exact;
  if ("prefix" in match) return `${match.prefix}…`;
  return `/${match.regex}/`;
}
