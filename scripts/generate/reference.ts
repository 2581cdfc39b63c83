import { commands as all, service } from "../../src/config/commands.ts";
import { describeInput, type Input, inputs } from "../../src/config/inputs.ts";
import type { JsonSchema } from "./json-schema.ts";

/** docs/configuration.md: what can be written in the YAML file, and the inputs of the same names. */
export function reference(schema: JsonSchema, example: string): string {
  return [
    ...introduction(example),
    "## The file",
    "",
    ...tables(schema, ""),
    "",
    "## Inputs and flags",
    "",
    "Those in bold are inputs of the action, too.",
    "",
    inputTable(),
    "",
  ].join("\n");
}

/** The commands that find the rest in the journal. */
const serviceAlone = listed(
  all.filter(({ inCluster, needs }) => inCluster && String(needs) === String(service)).map(({ name }) => `\`${name}\``),
);

const introduction = (example: string): readonly string[] => [
  "# Configuration",
  "",
  "<!-- Made by scripts/generate.ts from src/config/schema.ts and src/config/inputs.ts; do not edit. -->",
  "",
  "A release is described by one YAML file (input `config`), by inputs, or by both, and what is said beside the file wins. The action has twenty inputs;",
  "everything else stands in the file, or in lines of the input `set`: `evidence.warmUp=1m`. On the command line each has a flag as well",
  "(`--stages '10:2m, 50:5m, 100'`, `--drain 5s`), and `--set` may be given several times. Every problem is reported at once, with its place and the value",
  "found, before anything is touched; the exit code is 2 then.",
  "",
  "```yaml",
  example.trim(),
  "```",
  "",
  "* Times have units: `500ms`, `90s`, `1m30s`, `2h`.",
  "* Shares are percentages, `1%`, or ratios below 1, `0.01`.",
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the page explains it.
  "* `${NAME}` in any value of the file is filled from the environment; a variable that is not set is an error. What is filled in stays text. `$${NAME}` stays `${NAME}`. In manifests only the names under `variables` are filled; every other `${NAME}` stays to the letter, and `plan` lists both. Inputs are taken as they are, since the workflow has filled them.",
  "* A stage in short is a weight and a time: `10:2m, 50:5m, 100`. `100` without a time means all traffic, then promote.",
  "* Editors check the file with the first line `# yaml-language-server: $schema=` and the path or URL of [schema.json](schema.json).",
  `* ${serviceAlone} need the namespace and the service only: problems elsewhere in the file are warnings for them.`,
  "",
];

function inputTable(): string {
  const rows = inputs.map((input) => [
    input.inAction ? `**\`${input.name}\`**` : `\`${input.name}\``,
    cell(describeInput(input)),
    input.path === undefined ? "" : `\`${input.path}\``,
    commandsOf(input),
  ]);
  return table(["Input", "Meaning", "In the file", "Commands"], rows);
}

/** For docs/commands.md. */
export const commandTable = (): string =>
  table(
    ["Command", "What it does", "Exit codes"],
    all.map(({ name, does, exits }) => [`\`${name}\``, does, exits]),
  );

/** Few exceptions are shorter to name than the rule. */
function commandsOf({ commands }: Input): string {
  const others = all.map(({ name }) => name).filter((name) => !commands.includes(name));
  if (others.length === 0) return "all";
  return others.length <= 2 ? `all but ${others.join(" and ")}` : commands.join(", ");
}

/** A table for a mapping, then one for each mapping in it. */
function tables(schema: JsonSchema, path: string): readonly string[] {
  const keys = Object.entries(schema.properties ?? {}).flatMap(([key, value]) =>
    typeof value === "boolean" ? [] : [{ key, value, path: path === "" ? key : `${path}.${key}` }],
  );
  const rows = keys.map(({ key, value, path }) => [
    `\`${key}\``,
    cell(`${value.description ?? ""}${defaultOf(value)}`),
    cell(formOf(value)),
    inputOf(path),
  ]);
  return [table(["Key", "Meaning", "Value", "Input"], rows), ...keys.flatMap(({ value, path }) => parts(value, path))];
}

function parts(schema: JsonSchema, path: string): readonly string[] {
  // The gates of a stage are the gates of all stages: one description is enough.
  if (path === "stages[].gates") return [];
  return mappings(schema, path).flatMap((found) => [
    "",
    `### \`${found.path}\``,
    "",
    ...(found.description === undefined ? [] : [found.description, ""]),
    ...tables(found.schema, found.path),
  ]);
}

type Mapping = { readonly path: string; readonly schema: JsonSchema; readonly description?: string | undefined };

/** The mappings that may stand somewhere, whatever short forms and lists there are besides. */
function mappings(schema: JsonSchema, path: string): readonly Mapping[] {
  const { items, anyOf = [], properties } = schema;
  if (properties) return [unwrapped(schema, path)];
  const inList =
    items !== undefined && typeof items === "object" && !Array.isArray(items) ? mappings(items, `${path}[]`) : [];
  const forms = [...anyOf.flatMap((form) => mappings(form, path)), ...inList];
  return forms
    .filter(
      ({ path }, index) => !forms.slice(index + 1).some((other) => other.path === path || other.path === `${path}[]`),
    )
    .map((form) => ({ ...form, schema: together(form, forms) }));
}

/** Mappings of several shapes in one place are told in one table. */
function together({ path, schema }: Mapping, forms: readonly Mapping[]): JsonSchema {
  const shapes = forms.filter((other) => other.path === path).map((other) => other.schema.properties ?? {});
  return { ...schema, properties: Object.assign({}, ...shapes) as NonNullable<JsonSchema["properties"]> };
}

/** A mapping with a single mapping in it, as gates are, is described as that one: `gates[].errors`. */
function unwrapped(schema: JsonSchema, path: string): Mapping {
  const [[key, only] = [], ...others] = Object.entries(schema.properties ?? {});
  if (key === undefined || typeof only !== "object" || !only.properties || others.length > 0)
    return { path: key === "query" ? `${path}.query` : path, schema };
  return { path: `${path}.${key}`, schema: only, description: only.description };
}

const inputOf = (path: string): string => {
  const input = inputs.find((input) => input.path === path);
  return input ? `\`${input.name}\`` : "";
};

function defaultOf({ default: standard }: JsonSchema): string {
  if (standard === undefined || (typeof standard === "object" && Object.keys(standard ?? {}).length === 0)) return "";
  return ` Default: \`${String(standard)}\`.`;
}

const formOf = (schema: JsonSchema): string =>
  schema.title ?? (schema.properties ? "a mapping" : schema.type === "array" ? "a list" : "");

const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("\n", " ");

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");

function listed(words: readonly string[]): string {
  return `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}
