import type { Raw } from "../../istio/destination.ts";
import { listAt, objectAt, textAt } from "../../kubernetes/field.ts";
import type { CookieFields } from "../weighted-rules/route-shape.ts";

const type = "ResponseHeaderModifier";
const field = "responseHeaderModifier";

/** https://gateway-api.sigs.k8s.io/reference/spec/#httpheaderfilter: a backend has one such filter at most. */
export const responseCookie: CookieFields = {
  field: "filters",
  with(backend, value) {
    const entry = { name: "Set-Cookie", value };
    const filters = listAt(backend, "filters");
    if (!filters.some(isOne)) return { ...backend, filters: [...filters, { type, [field]: { add: [entry] } }] };
    const grown = (filter: unknown): Raw => {
      const own = objectAt(filter, field);
      return { ...objectAt(filter), [field]: { ...own, add: [...listAt(own, "add"), entry] } };
    };
    return { ...backend, filters: filters.map((filter) => (isOne(filter) ? grown(filter) : filter)) };
  },
  without(backend, isOurs) {
    const isCookie = (entry: unknown): boolean =>
      textAt(entry, "name") === "Set-Cookie" && isOurs(textAt(entry, "value") ?? "");
    const filters = listAt(backend, "filters");
    if (!filters.some((filter) => listAt(filter, field, "add").some(isCookie))) return backend;
    const left = filters.flatMap((filter) => {
      if (!isOne(filter)) return [filter];
      const { add: _, ...rest } = objectAt(filter, field);
      const add = listAt(filter, field, "add").filter((entry) => !isCookie(entry));
      const own = add.length > 0 ? { ...rest, add } : rest;
      return Object.keys(own).length > 0 ? [{ ...objectAt(filter), [field]: own }] : [];
    });
    if (left.length > 0) return { ...backend, filters: left };
    const { filters: __, ...bare } = backend;
    return bare;
  },
  whyNot(backend) {
    const names = listAt(backend, "filters").flatMap((filter) =>
      listAt(filter, field, "add").map((one) => textAt(one, "name")),
    );
    if (!names.some((one) => one?.toLowerCase() === "set-cookie")) return undefined;
    return "a backend adds Set-Cookie already, and a header is added once";
  },
};

const isOne = (filter: unknown): boolean => textAt(filter, "type") === type;
