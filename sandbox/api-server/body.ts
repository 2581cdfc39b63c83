import { load } from "js-yaml";
import { isObject, type SentObject } from "./object.ts";
import { badRequest, unsupportedMediaType } from "./status.ts";

/** Undefined is what no JSON gives. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function parseObject(text: string, kind: string): SentObject {
  const value = parseJson(text);
  if (isObject(value)) return value;
  const because = value === undefined ? "unexpected end of JSON input" : "json: cannot unmarshal array into Go value";
  throw badRequest(
    `the object provided is unrecognized (must be of type ${kind}): couldn't get version/kind; json parse error: ${because} (${text.slice(0, 100) || "<empty>"})`,
  );
}

export function parsePatch(text: string): unknown {
  const value = parseJson(text);
  if (value === undefined) throw badRequest("error decoding patch: unexpected end of JSON input");
  return value;
}

/** Applies are YAML, of which JSON is a part. */
export function parseApply(text: string): SentObject {
  const value = parseYaml(text);
  if (!isObject(value)) throw badRequest("error decoding YAML: an object is expected");
  return value;
}

function parseYaml(text: string): unknown {
  try {
    return load(text);
  } catch (error) {
    throw badRequest(
      `error decoding YAML: error converting YAML to JSON: yaml: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

const bodyTypes = ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"];

/** The object in a create's or an update's body. */
export function parseBody(body: string, contentType: string, kind: string): SentObject {
  if (!bodyTypes.includes(contentType)) throw unsupportedMediaType(bodyTypes);
  return contentType === "application/yaml" ? parseApply(body) : parseObject(body, kind);
}
