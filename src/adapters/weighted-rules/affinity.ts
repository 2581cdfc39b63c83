import { isDeepStrictEqual } from "node:util";
import type { Raw } from "../../istio/destination.ts";
import type { Affinity } from "../../release/plan.ts";
import type { Role } from "../../release/target.ts";
import type { Testers } from "../../release/testers.ts";
import type { CookieFields, RouteShape } from "./route-shape.ts";

/** What the cookie of a version says, in one release and in no other. */
const wordOf = ({ release }: Affinity, role: Role): string => `${release}-${role}`;

/** Those who have a version's cookie. */
export const keptOn = (affinity: Affinity, role: Role): readonly Testers[] => [
  { cookies: { [affinity.cookie]: { exact: wordOf(affinity, role) } } },
];

/** For as long as the browser is open, for the whole site, and for no script. */
const cookieOf = (affinity: Affinity, role: Role): string =>
  `${affinity.cookie}=${wordOf(affinity, role)}; Path=/; HttpOnly; SameSite=Lax`;

/** What becomes of a destination's cookie. `before`: the destination as the release found it. */
type Keeping = { readonly affinity?: Affinity | undefined; readonly was?: Affinity | undefined; readonly before: Raw };

/** A destination whose answers set its version's cookie, or, where nobody is kept any more, set none of the release. */
export function withCookie(
  { cookies }: Pick<RouteShape, "cookies">,
  destination: Raw,
  role: Role,
  { affinity, was, before }: Keeping,
): Raw {
  if (!cookies || !was) return destination;
  const bare = withoutCookie(cookies, destination, role, was, before);
  return affinity ? cookies.with(bare, cookieOf(affinity, role)) : bare;
}

/** What nobody has changed since comes back as it stood, with whatever was empty in it. */
function withoutCookie(cookies: CookieFields, destination: Raw, role: Role, was: Affinity, before: Raw): Raw {
  const { field } = cookies;
  const { [field]: now, ...rest } = destination;
  if (!isDeepStrictEqual(cookies.with(before, cookieOf(was, role))[field], now))
    return cookies.without(destination, (cookie) => cookie.startsWith(`${was.cookie}=${was.release}-`));
  return Object.hasOwn(before, field) ? { ...destination, [field]: before[field] } : rest;
}
