import type { Raw } from "../../istio/destination.ts";
import { objectAt, textAt } from "../../kubernetes/field.ts";
import type { CookieFields } from "../weighted-rules/route-shape.ts";

const name = "Set-Cookie";

/** https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPRouteDestination */
const path = ["headers", "response", "add"] as const;

/** Beside the headers that a destination adds to its answers already, of which each name stands once. */
export const responseCookie: CookieFields = {
  field: "headers",
  with: (destination, cookie) => put(destination, path, { ...objectAt(destination, ...path), [name]: cookie }),
  without(destination, isOurs) {
    const { [name]: cookie, ...others } = objectAt(destination, ...path);
    if (typeof cookie !== "string" || !isOurs(cookie)) return destination;
    return put(destination, path, others);
  },
  whyNot(destination) {
    const taken = Object.keys(objectAt(destination, ...path)).some((one) => one.toLowerCase() === name.toLowerCase());
    if (taken)
      return `a destination sets ${textAt(destination, ...path, name) ?? name} already, and a header is added once`;
    return undefined;
  },
};

/** Mappings that are left empty go. */
function put(object: Raw, [key, ...rest]: readonly string[], value: Raw): Raw {
  if (key === undefined) return value;
  const inner = put(objectAt(object, key), rest, value);
  if (Object.keys(inner).length > 0) return { ...object, [key]: inner };
  return Object.fromEntries(Object.entries(object).filter(([one]) => one !== key));
}
