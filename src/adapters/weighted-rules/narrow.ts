import type { Raw } from "../../istio/destination.ts";
import type { Testers, TextMatch } from "../../release/testers.ts";
import { bothOf, cookieMatch } from "./text-match.ts";

/** One condition that asks what two did: that, nothing that could be, or why it cannot be said. */
export type Narrowed<T> = T | "never" | { readonly because: string };

export const isBecause = (value: unknown): value is { readonly because: string } =>
  typeof value === "object" && value !== null && "because" in value;

/** Every block of a match, each with all that each of the testers is known by. */
export function narrowEach(
  blocks: readonly Raw[],
  testers: readonly Testers[],
  narrow: (block: Raw, testers: Testers) => Narrowed<Raw>,
): { readonly match: readonly Raw[] } | { readonly because: string } {
  const all = testers.flatMap((one) => blocks.map((block) => narrow(block, one)));
  const unsaid = all.find(isBecause);
  if (unsaid) return unsaid;
  const match = all.filter((one): one is Raw => one !== "never" && !isBecause(one));
  if (match.length > 0) return { match };
  return { because: "none of the requests that it takes is a tester's" };
}

/** The headers by which testers are known. Names of headers have no case, and cookies are one header. */
export function headersOf({ headers = {}, cookies = {} }: Testers): ReadonlyMap<string, TextMatch> {
  const all = Object.entries(headers).map(([name, match]) => [name.toLowerCase(), match] as const);
  const ofCookies = Object.entries(cookies).map(([name, match]) => ["cookie", cookieMatch(name, match)] as const);
  return new Map([...all, ...ofCookies]);
}

/** `asked`: what is asked of a text already; undefined for nothing, "other" for what this program does not know. */
export function narrowText(
  what: string,
  asked: TextMatch | "other" | undefined,
  match: TextMatch,
): Narrowed<TextMatch> {
  if (asked === undefined) return match;
  const both = asked === "other" ? "unsayable" : bothOf(asked, match);
  if (both === "unsayable") return { because: `it asks for the ${what} itself, and no condition asks for both` };
  return both;
}
