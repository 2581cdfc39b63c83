import type { Raw } from "../../istio/destination.ts";
import { listAt, objectAt, textAt } from "../../kubernetes/field.ts";
import type { RouteKind } from "../../release/route-kind.ts";
import type { Testers, TextMatch } from "../../release/testers.ts";
import { headersOf, type Narrowed, narrowEach, narrowText } from "../weighted-rules/narrow.ts";
import type { RouteShape } from "../weighted-rules/route-shape.ts";
import { withoutPrefix } from "../weighted-rules/text-match.ts";

/** An HTTPRoute's match has this path where it says none: https://gateway-api.sigs.k8s.io/reference/spec/#httproutematch */
const everyPath = { path: { type: "PathPrefix", value: "/" } };

export const narrowedMatches =
  (kind: RouteKind): RouteShape["narrowed"] =>
  (matches, testers) => {
    const [callers, byQuery] = [testers.some((one) => one.callers), testers.some((one) => one.query ?? one.method)];
    if (callers) return { because: `${kind}s cannot ask who calls (testers.callers); VirtualServices can` };
    if (byQuery && kind === "GRPCRoute")
      return { because: "gRPC has neither a query nor a method of HTTP that a GRPCRoute could ask for" };
    const usual = kind === "HTTPRoute" ? everyPath : {};
    const blocks = listAt(matches).map((match) => ({ ...usual, ...objectAt(match) }));
    return narrowEach(blocks.length === 0 ? [usual] : blocks, testers, narrow);
  };

function narrow(block: Raw, testers: Testers): Narrowed<Raw> {
  const { query = {}, method } = testers;
  if (method !== undefined && (textAt(block, "method") ?? method) !== method) return "never";
  const headers = withTexts("header", listAt(block, "headers"), [...headersOf(testers)]);
  const queryParams = withTexts("query parameter", listAt(block, "queryParams"), Object.entries(query));
  if (!Array.isArray(headers)) return headers;
  if (!Array.isArray(queryParams)) return queryParams;
  const narrowed: { [field: string]: unknown } = { ...block };
  if (method !== undefined) narrowed.method = method;
  if (headers.length > 0) narrowed.headers = headers;
  if (queryParams.length > 0) narrowed.queryParams = queryParams;
  return narrowed;
}

function withTexts(
  what: string,
  asked: readonly unknown[],
  more: readonly (readonly [string, TextMatch])[],
): unknown[] | Exclude<Narrowed<never>, never> {
  const all = [...asked];
  for (const [name, match] of more) {
    // Of several entries with one name the first counts; names of headers have no case.
    const at = all.findIndex((one) => textAt(one, "name")?.toLowerCase() === name.toLowerCase());
    const both = narrowText(`${what} ${name}`, at < 0 ? undefined : textMatchOf(all[at]), withoutPrefix(match));
    if (both === "never" || "because" in both) return both;
    all.splice(at < 0 ? all.length : at, at < 0 ? 0 : 1, entryOf(name, both));
  }
  return all;
}

const textMatchOf = (entry: unknown): TextMatch | "other" => {
  const value = textAt(entry, "value") ?? "";
  const type = textAt(entry, "type") ?? "Exact";
  if (type === "Exact") return { exact: value };
  if (type === "RegularExpression") return { regex: value };
  return "other";
};

const entryOf = (name: string, match: TextMatch): Raw =>
  "exact" in match
    ? { type: "Exact", name, value: match.exact }
    : { type: "RegularExpression", name, value: "regex" in match ? match.regex : match.prefix };
