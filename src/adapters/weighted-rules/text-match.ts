import type { TextMatch } from "../../release/testers.ts";

/** What both ask of one text: that, nothing that could be (`never`), or what no single condition says. */
export type BothTexts = TextMatch | "never" | "unsayable";

/** A proxy's conditions on one text are one: two of them have to be said in one, or cannot be. */
export function bothOf(one: TextMatch, other: TextMatch): BothTexts {
  if ("exact" in one) return meets(one.exact, other, one);
  if ("exact" in other) return meets(other.exact, one, other);
  if ("regex" in one || "regex" in other)
    return "regex" in one && "regex" in other && one.regex === other.regex ? one : "unsayable";
  if (one.prefix.startsWith(other.prefix)) return one;
  if (other.prefix.startsWith(one.prefix)) return other;
  return "never";
}

function meets(text: string, match: TextMatch, exact: TextMatch): BothTexts {
  if ("exact" in match) return text === match.exact ? exact : "never";
  if ("prefix" in match) return text.startsWith(match.prefix) ? exact : "never";
  try {
    if (new RegExp(`^(?:${match.regex})$`).test(text)) return exact;
    return "never";
  } catch {
    return "unsayable"; // RE2 has a few forms that this program's engine has not
  }
}

/** A regular expression that fits a text as it stands, whatever signs it has. */
export const literally = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** Where there are no prefixes, or none that every version of Istio knows. */
export const withoutPrefix = (match: TextMatch): TextMatch =>
  "prefix" in match ? { regex: `${literally(match.prefix)}.*` } : match;

/** The header in which all cookies are. Envoy asks for a full match. */
export function cookieMatch(name: string, match: TextMatch): TextMatch {
  const value = (): string => {
    if ("exact" in match) return literally(match.exact);
    if ("prefix" in match) return `${literally(match.prefix)}[^;]*`;
    return `(?:${match.regex})`;
  };
  return { regex: `(?:.*;\\s*)?${literally(name)}=${value()}(?:;.*)?` };
}
