import { type Kind, kindName, resourceName } from "./kind.ts";
import type { JsonObject } from "./object.ts";

export type Cause = { readonly reason: string; readonly message: string; readonly field: string };

/** An answer that is not a success: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/ */
export class ApiError extends Error {
  readonly code: number;
  readonly body: JsonObject;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    code: number,
    reason: string,
    message: string,
    details?: JsonObject,
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
    this.code = code;
    this.headers = headers;
    this.body = {
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      message,
      ...(reason === "" ? {} : { reason }),
      ...(details === undefined ? {} : { details }),
      code,
    };
  }
}

const group = (kind: Kind): JsonObject => (kind.group === "" ? {} : { group: kind.group });
const named = (name: string): JsonObject => (name === "" ? {} : { name });
const about = (kind: Kind, name: string): JsonObject => ({ ...named(name), ...group(kind), kind: kind.plural });

export const badRequest = (message: string): ApiError => new ApiError(400, "BadRequest", message);

export const notFound = (kind: Kind, name: string): ApiError =>
  new ApiError(404, "NotFound", `${resourceName(kind)} "${name}" not found`, about(kind, name));

export const alreadyExists = (kind: Kind, name: string): ApiError =>
  new ApiError(409, "AlreadyExists", `${resourceName(kind)} "${name}" already exists`, about(kind, name));

export const modified = "the object has been modified; please apply your changes to the latest version and try again";

export const conflict = (kind: Kind, name: string, because: string): ApiError =>
  new ApiError(
    409,
    "Conflict",
    `Operation cannot be fulfilled on ${resourceName(kind)} "${name}": ${because}`,
    about(kind, name),
  );

/** A precondition of a delete names the kind, not the resource. */
export const preconditionFailed = (kind: Kind, name: string, because: string): ApiError =>
  new ApiError(409, "Conflict", `Operation cannot be fulfilled on ${kindName(kind)} "${name}": ${because}`, {
    ...named(name),
    ...group(kind),
    kind: kind.kind,
  });

export function invalid(
  kind: Kind,
  name: string,
  causes: readonly Cause[],
  shown: "kind" | "resource" = "kind",
): ApiError {
  const all = causes.map(({ field, message }) => `${field}: ${message}`).join(", ");
  const subject = shown === "kind" ? kindName(kind) : resourceName(kind);
  const message = `${subject} "${name}" is invalid: ${causes.length > 1 ? `[${all}]` : all}`;
  return new ApiError(422, "Invalid", message, {
    ...named(name),
    ...group(kind),
    kind: shown === "kind" ? kind.kind : kind.plural,
    causes,
  });
}

/** Options in the query that the server does not take. */
export function invalidOptions(options: string, field: string, reason: string, message: string): ApiError {
  const causes = [{ reason, message, field }];
  return new ApiError(422, "Invalid", `${options}.meta.k8s.io "" is invalid: ${field}: ${message}`, {
    group: "meta.k8s.io",
    kind: options,
    causes,
  });
}

/** What the real server says when a JSON patch does not apply, for whichever reason. */
export const patchRefused = (): ApiError =>
  new ApiError(422, "Invalid", "the server rejected our request due to an error in our request", {});

export const unsupportedMediaType = (accepted: readonly string[]): ApiError =>
  new ApiError(
    415,
    "UnsupportedMediaType",
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(", ")}`,
  );

/** A content type that is no kind of patch at all. */
export const unknownPatchType = (): ApiError =>
  new ApiError(415, "UnsupportedMediaType", "415: Unsupported Media Type", {});

export const methodNotAllowed = (): ApiError =>
  new ApiError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {});

/** A validating webhook said no. The code is the webhook's; istiod leaves it to the API server, which takes 400. */
export const denied = (webhook: string, because: string, code = 400): ApiError =>
  new ApiError(code, "", `admission webhook "${webhook}" denied the request: ${because}`);

export function forbidden(kind: Kind, name: string, because: string): ApiError {
  return new ApiError(
    403,
    "Forbidden",
    `${resourceName(kind)} ${name === "" ? "" : `"${name}" `}is forbidden: ${because}`,
    about(kind, name),
  );
}

export const unauthorized = (): ApiError => new ApiError(401, "Unauthorized", "Unauthorized");
