import { answer } from "./answer.ts";
import { administrator, authorize, reviewAccess, type User, withBoundRules } from "./authorization.ts";
import { parseObject } from "./body.ts";
import { discover } from "./discovery.ts";
import { kindNamed } from "./kind.ts";
import type { SentObject } from "./object.ts";
import type { Objects } from "./objects.ts";
import { type Destination, locate, parsePassed } from "./pass-on.ts";
import { podLog } from "./pod-log.ts";
import { type ForwardedPort, parseForward } from "./port-forward.ts";
import { parseObjectRequest, parseWriteOptions } from "./route.ts";
import { ApiError, badRequest, unauthorized } from "./status.ts";
import type { Store } from "./store.ts";

/** A request as it came, by whatever transport. */
export type ApiRequest = {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: string;
};

export type Reply = {
  readonly status: number;
  /** A text, or what is written as JSON. */
  readonly body: unknown;
  readonly warnings?: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
  /** Somebody else is to answer. */
  readonly passTo?: Destination;
  /** The connection goes on to a port of this pod. */
  readonly forwardTo?: ForwardedPort & Destination;
};

export interface Responder {
  /** Does what is asked, at once. */
  to(request: ApiRequest): Reply;
  /** Whose request it is; undefined when the token is nobody's. */
  userOf(request: ApiRequest): User | undefined;
}

type Parts = {
  readonly store: Store;
  readonly objects: Objects;
  /** By their bearer token. */
  readonly users: ReadonlyMap<string, User>;
};

/** What an API server answers, without its network. */
export function createResponder({ store, objects, users }: Parts): Responder {
  function respond({ method, path, headers, body }: ApiRequest, user: User): Reply {
    const url = new URL(path, "https://localhost");
    const discovered = method === "GET" ? discover(url.pathname) : undefined;
    if (discovered !== undefined) return { status: 200, body: discovered };
    if (method === "POST" && url.pathname === "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews")
      return { status: 201, body: reviewed(user, parseObject(body, "SelfSubjectAccessReview")) };
    const passed = parsePassed(method, path);
    if (passed !== undefined) {
      authorize(user, { ...passed, version: "v1", subresource: "proxy" });
      return { status: 200, body: "", passTo: locate(store, passed) };
    }
    const forwarded = parseForward(path);
    if (forwarded !== undefined) return forward(forwarded, headers, user);
    const parsed = parseObjectRequest(method, url.pathname);
    if (parsed === undefined) return { status: 404, body: "404 page not found\n" };
    authorize(user, parsed);
    const contentType = textOf(headers["content-type"], "application/json").split(";")[0]?.trim() ?? "";
    const options = parseWriteOptions(method, url.searchParams, textOf(headers["user-agent"], ""));
    return answer({ store, objects, podLog }, { request: parsed, query: url.searchParams, contentType, body, options });
  }

  /** A WebSocket is a GET, and newer servers ask for what other ways of forwarding need as well. */
  function forward(asked: ForwardedPort, { upgrade }: ApiRequest["headers"], user: User): Reply {
    const { namespace, name, port } = asked;
    const pod = { kind: kindNamed("pods"), namespace, name: `${name}:${port}`, path: "" };
    for (const verb of ["get", "create"] as const)
      authorize(user, { ...pod, name, verb, version: "v1", subresource: "portforward" });
    if (upgrade === undefined) throw badRequest("Upgrade request required");
    return { status: 101, body: "", forwardTo: { ...asked, ...locate(store, { ...pod, verb: "get" }) } };
  }

  /** The administrator may act as somebody else: https://kubernetes.io/docs/reference/access-authn-authz/user-impersonation/ */
  function userOf({ headers }: ApiRequest): User | undefined {
    const user = users.get(textOf(headers.authorization, "").replace(/^Bearer /, ""));
    const other = user === administrator ? headers["impersonate-user"] : undefined;
    if (user === undefined || (user === administrator && typeof other !== "string")) return user;
    return withBoundRules(typeof other === "string" ? { user: other, rules: [] } : user, store);
  }

  return { userOf, to: (request) => attempt(() => respond(request, userOf(request) ?? refuseUnknown())) };
}

const textOf = (header: string | readonly string[] | undefined, otherwise: string): string =>
  typeof header === "string" ? header : otherwise;

function refuseUnknown(): never {
  throw unauthorized();
}

function attempt(run: () => Reply): Reply {
  try {
    return run();
  } catch (error) {
    const told =
      error instanceof ApiError
        ? error
        : new ApiError(
            500,
            "InternalError",
            `Internal error occurred in the sandbox: ${error instanceof Error ? error.stack : String(error)}`,
          );
    return { status: told.code, body: told.body, headers: told.headers };
  }
}

const reviewed = (user: User, review: SentObject): unknown => ({
  kind: "SelfSubjectAccessReview",
  apiVersion: "authorization.k8s.io/v1",
  metadata: {},
  spec: review.spec,
  status: reviewAccess(user, review),
});
