import type { Raw } from "../../istio/destination.ts";
import { listAt, objectAt } from "../../kubernetes/field.ts";
import type { Testers, TextMatch } from "../../release/testers.ts";
import { headersOf, isBecause, type Narrowed, narrowEach, narrowText } from "../weighted-rules/narrow.ts";
import type { RouteShape } from "../weighted-rules/route-shape.ts";
import { withoutPrefix } from "../weighted-rules/text-match.ts";

/** Blocks of a match are alternatives, and the conditions of one hold together. */
export const narrowedMatch: RouteShape["narrowed"] = (match, testers) => {
  const blocks = listAt(match).map((block) => objectAt(block));
  return narrowEach(blocks.length === 0 ? [{}] : blocks, testers, narrow);
};

function narrow(block: Raw, testers: Testers): Narrowed<Raw> {
  const { query = {}, method, callers } = testers;
  const ofQuery = Object.entries(query).map(([name, one]) => [name, withoutPrefix(one)] as const);
  const parts: Readonly<Record<string, Narrowed<unknown>>> = {
    headers: withTexts("header", objectAt(block, "headers"), headersOf(testers)),
    queryParams: withTexts("query parameter", objectAt(block, "queryParams"), new Map(ofQuery)),
    method: method === undefined ? block.method : narrowText("method", textMatchOf(block.method), { exact: method }),
    sourceLabels: callers ? withCallers(block, callers) : block.sourceLabels,
  };
  const narrowed: Record<string, unknown> = { ...block };
  for (const [field, part] of Object.entries(parts)) {
    if (part === "never" || isBecause(part)) return part;
    if (part !== undefined) narrowed[field] = part;
  }
  return narrowed;
}

/** Undefined where neither asks for any. Whoever asks that there is a header at all is content with each. */
function withTexts(what: string, asked: Raw, more: ReadonlyMap<string, TextMatch>): Narrowed<Raw | undefined> {
  if (more.size === 0) return Object.keys(asked).length === 0 ? undefined : asked;
  const all: Record<string, unknown> = { ...asked };
  for (const [name, match] of more) {
    const both = narrowText(`${what} ${name}`, textMatchOf(asked[name]), match);
    if (both === "never" || "because" in both) return both;
    all[name] = both;
  }
  return all;
}

/** Undefined: nothing is asked. */
function textMatchOf(asked: unknown): TextMatch | "other" | undefined {
  const { exact, prefix, regex, ...others } = objectAt(asked);
  if (Object.keys(others).length > 0) return "other";
  if (typeof exact === "string") return { exact };
  if (typeof prefix === "string") return { prefix };
  if (typeof regex === "string") return { regex };
  return undefined;
}

/** https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPMatchRequest: they count for sidecars only. */
function withCallers(block: Raw, callers: Readonly<Record<string, string>>): Narrowed<Raw> {
  if (listAt(block, "gateways").length > 0)
    return { because: "its match names gateways, beside which Istio does not look at the labels of callers" };
  const asked = objectAt(block, "sourceLabels");
  const isOther = Object.entries(callers).some(([name, value]) => (asked[name] ?? value) !== value);
  if (isOther) return "never";
  return { ...asked, ...callers };
}
