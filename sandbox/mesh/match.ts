import { fullMatch } from "../re2.ts";
import type { HttpRule, RequestMatch, StringMatch } from "./objects.ts";

/** The parts of a request that routes look at. */
export type Seen = {
  readonly method: string;
  /** With the query string. */
  readonly url: string;
  readonly authority: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
};

/** Where a request comes from: sidecars know the gateway `mesh`, gateways every other name. */
export type Side = "mesh" | "ingress";

export const servesSide = (gateways: readonly string[], side: Side): boolean =>
  gateways.some((gateway) => (gateway === "mesh") === (side === "mesh"));

/** Blocks of a match are alternatives, the conditions of one block hold together; a rule without blocks takes everything. */
export const matches = ({ match }: HttpRule, request: Seen, side: Side): boolean =>
  match.length === 0 || match.some((block) => blockMatches(block, request, side));

/** The client has no labels and no namespace here, so a block that asks for some never matches. */
function blockMatches(block: RequestMatch, { method, url, authority, headers }: Seen, side: Side): boolean {
  if (
    block.gateways
      ? !servesSide(block.gateways, side)
      : Object.keys(block.sourceLabels).length > 0 || block.sourceNamespace !== undefined
  )
    return false;
  const { pathname, searchParams } = new URL(url, "http://host");
  return (
    uriMatches(block, pathname) &&
    textMatches(block.method, method) &&
    textMatches(block.authority, authority) &&
    textMatches(block.scheme, "http") &&
    Object.entries(block.headers).every(
      ([name, wanted]) => headers[name] !== undefined && textMatches(wanted, headers[name]),
    ) &&
    Object.entries(block.withoutHeaders).every(
      ([name, unwanted]) => headers[name] === undefined || !textMatches(unwanted, headers[name]),
    ) &&
    Object.entries(block.queryParams).every(
      ([name, wanted]) => searchParams.has(name) && textMatches(wanted, searchParams.get(name) ?? ""),
    )
  );
}

/** The query string is no part of the path, and case can be ignored for exact and prefix only. */
function uriMatches({ uri, ignoreUriCase }: RequestMatch, path: string): boolean {
  if (!ignoreUriCase || uri?.regex !== undefined) return textMatches(uri, path);
  return textMatches({ exact: uri?.exact?.toLowerCase(), prefix: uri?.prefix?.toLowerCase() }, path.toLowerCase());
}

function textMatches(wanted: StringMatch | undefined, text: string): boolean {
  if (wanted?.exact !== undefined) return text === wanted.exact;
  if (wanted?.prefix !== undefined) return text.startsWith(wanted.prefix);
  if (wanted?.regex !== undefined) return fullMatch(wanted.regex).test(text);
  return true;
}

/** The path that the backend gets. A prefix match gives its prefix to be replaced, every other match the whole path. */
export function rewritten(rule: HttpRule, request: Seen, side: Side): string {
  const uri = rule.rewrite?.uri;
  if (uri === undefined) return request.url;
  const { pathname, search } = new URL(request.url, "http://host");
  const prefix = rule.match.find((block) => blockMatches(block, request, side))?.uri?.prefix;
  return `${prefix === undefined ? uri : uri + pathname.slice(prefix.length)}${search}`;
}
