import assert from "node:assert/strict";
import test from "node:test";
import { type JsonSchema, jsonSchema } from "../../scripts/generate/json-schema.ts";
import { inputs } from "../../src/config/inputs.ts";
import { parseDuration } from "../../src/lib/duration.ts";

const maps = inputs.filter(({ type }) => type === "map").map(({ path }) => path);

/** Every key of the file that is no mapping with keys of its own, unless an input gives it whole; lists not entered. */
function leaves(schema: JsonSchema, path: readonly string[] = []): readonly string[] {
  const below = [schema, ...(schema.anyOf ?? [])].flatMap(({ properties }) =>
    Object.entries(properties ?? {}).flatMap(([key, value]) =>
      typeof value === "boolean" ? [] : leaves(value, [...path, key]),
    ),
  );
  return below.length > 0 && path[0] !== "routes" && !maps.includes(path.join(".")) ? below : [path.join(".")];
}

test("everything in the file is an input as well, and every input has its place there", () => {
  const places = inputs.flatMap(({ path }) => path ?? []);
  // The word for a clone stands where a mapping with manifests may stand; what is written as YAML is said as a whole.
  const wholes = inputs.flatMap(({ type, path }) => (type === "yaml" && path !== undefined ? [path] : []));
  const said = leaves(jsonSchema()).map((leaf) => wholes.find((whole) => leaf.startsWith(`${whole}.`)) ?? leaf);
  assert.deepEqual([...new Set([...said, "canary.from"])].sort(), places.toSorted());
});

test("only what cannot be in the file has no place in it", () => {
  assert.deepEqual(
    inputs.filter(({ path }) => path === undefined).map(({ name }) => name),
    ["command", "config", "set", "github-token", "output", "route", "host", "files", "watch", "json", "verbose"],
  );
});

test("names are in kebab-case, different, and each is described by whole sentences", () => {
  assert.equal(new Set(inputs.map(({ name }) => name)).size, inputs.length);
  for (const { name, description } of inputs) {
    assert.match(name, /^[a-z]+(-[a-z]+)*$/);
    assert.match(description, /^[A-Z].*\.$/s, name);
  }
});

test("nothing that the file can say has a preset in action.yml, for it would win over the file", () => {
  assert.deepEqual(
    inputs.filter(({ actionDefault, path }) => actionDefault !== undefined && path !== undefined),
    [],
  );
});

test("defaults are what their types say", () => {
  for (const { name, type, default: standard } of inputs) {
    if (standard === undefined) continue;
    if (type === "boolean") assert.match(standard, /^(true|false)$/, name);
    if (type === "number") assert.match(standard, /^\d+$/, name);
    if (type === "duration") assert.ok(parseDuration(standard), name);
  }
});
