import { actionInputs, type Input, inputs as known } from "./inputs.ts";
import { at, isMapping, type Path, type Problem } from "./issue.ts";
import { unknown } from "./nearest.ts";
import { readSettings } from "./settings.ts";
import { isPlainlyYaml, readYaml } from "./yaml.ts";

export type Given = Readonly<Record<string, string>>;

/** A place of the document that came from an input, or from a line of `set`, by what it is called. */
export type Origin = { readonly path: Path; readonly said: string };

/** A document with the inputs laid over it. */
export type Overlaid = {
  readonly document: unknown;
  readonly origins: readonly Origin[];
  readonly problems: readonly Problem[];
};

/** What a value means that stands where a mapping may stand. */
const shortFor: Readonly<Record<string, string>> = { stable: "deployment", canary: "deployment", promotion: "model" };

/**
 * Inputs that were given: a workflow passes those that nobody set as empty text, and ends a text of several lines with
 * a line break.
 */
export const givenOnly = (inputs: Given): Given =>
  Object.fromEntries(
    Object.entries(inputs)
      .map(([name, value]) => [name, value.trim()] as const)
      .filter(([, value]) => value !== ""),
  );

export function overlay(document: unknown, given: Given): Overlaid {
  const origins: Origin[] = [];
  const problems: Problem[] = [];
  for (const name of Object.keys(given))
    if (!known.some((input) => input.name === name))
      problems.push({ path: [], place: "inputs", problem: unknown("input", name, namesInAction) });

  let whole = document;
  for (const input of known) {
    const text = given[input.name];
    if (text === undefined || input.path === undefined) continue;
    const path = input.path.split(".");
    const { value, problems: unreadable } = readInput(input, text);
    origins.push({ path, said: input.name });
    for (const problem of unreadable) problems.push({ place: input.name, ...problem, path });
    if (value !== undefined) whole = put(whole, path, value);
  }
  for (const { path, said, value, problems: unreadable } of readSettings(given.set ?? "")) {
    for (const problem of unreadable) problems.push({ place: said, ...problem, path });
    if (value === undefined) continue;
    const before = origins.find((origin) => origin.path.join(".") === path.join("."));
    if (before) problems.push({ path, place: said, problem: `says what ${before.said} says already` });
    origins.push({ path, said });
    whole = put(whole, path, value);
  }
  return { document: whole, origins, problems: [...problems, ...contradiction(given), ...doubtful(given)] };
}

const namesInAction = actionInputs.map(({ name }) => name);

function contradiction({ "canary-from": from, "canary-manifests": manifests }: Given): readonly Problem[] {
  if (manifests === undefined || from === undefined || from === "manifests") return [];
  return [
    {
      path: ["canary", "from"],
      place: "canary-from",
      problem: "expected manifests, or nothing, together with canary-manifests",
      found: { value: from },
    },
  ];
}

/** Booleans that have no place in the file are not read by its schema. */
const doubtful = (given: Given): readonly Problem[] =>
  known
    .filter(
      ({ name, path, type }) =>
        path === undefined && type === "boolean" && given[name] !== undefined && !/^(true|false)$/.test(given[name]),
    )
    .map(({ name }) => ({ path: [], place: name, problem: "expected true or false", found: { value: given[name] } }));

function readInput(input: Input, written: string): { readonly value?: unknown; readonly problems: readonly Problem[] } {
  if (input.type === "map") return mapOf(written);
  if (input.type === "yaml" && isPlainlyYaml(written)) return readYaml(written, input.name);
  return { value: written, problems: [] };
}

/** `name: value` or `name=value`, one a line. Values are kept as they are: a token may hold anything. */
function mapOf(written: string): { readonly value: unknown; readonly problems: readonly Problem[] } {
  const lines = written
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  const mapping: { [name: string]: string } = {};
  const problems: Problem[] = [];
  for (const [index, line] of lines.entries()) {
    const [, name, value = ""] = /^([^:=\s]+)\s*[:=]\s*(.*)$/.exec(line) ?? [];
    if (name !== undefined) mapping[name] = value;
    else if (problems.length === 0)
      problems.push({
        path: [],
        problem: `expected one name and value a line, such as name=value; line ${index + 1} is none`,
      });
  }
  return { value: mapping, problems };
}

/** A copy of the document with a value at a path. A short form on the way is written out first. */
function put(document: unknown, [key, ...rest]: readonly string[], value: unknown, above = ""): unknown {
  if (key === undefined) return value;
  const mapping = writtenOut(document, above);
  return { ...mapping, [key]: put(at(mapping, [key]), rest, value, key) };
}

function writtenOut(document: unknown, above: string): Readonly<Record<string, unknown>> {
  if (isMapping(document)) return document;
  const key = Object.hasOwn(shortFor, above) ? shortFor[above] : undefined;
  if (typeof document === "string" && key !== undefined) return { [key]: document };
  return {};
}
