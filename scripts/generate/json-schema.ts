import * as z from "zod/mini";
import { isMapping } from "../../src/config/issue.ts";
import { file, keyWords } from "../../src/config/schema.ts";
import { forms } from "../../src/config/values.ts";

export type JsonSchema = z.core.JSONSchema.BaseSchema;

/** The YAML file as a JSON schema: what each key means, what its value looks like (`title`), and what counts without it. */
export const jsonSchema = (): JsonSchema =>
  z.toJSONSchema(file, {
    io: "input",
    override: ({ zodSchema, jsonSchema }) => {
      const form = forms.get(zodSchema)?.form;
      const word = keyWords.get(zodSchema);
      if (form !== undefined) jsonSchema.title = form;
      if (word) jsonSchema.description = word.description;
      if (word?.standard !== undefined) Object.assign(jsonSchema, { default: word.standard });
    },
  });

const reference = "\\$\\{[A-Za-z_]";

/** The same for editors, who see the file before `${NAME}` is filled in: it may stand in every text, but in no key. */
export function withReferences(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withReferences);
  if (!isMapping(schema)) return schema;
  const below = Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [
      key,
      key === "default" || key === "propertyNames" ? value : withReferences(value),
    ]),
  );
  if (typeof below.pattern === "string") return { ...below, pattern: `${below.pattern}|${reference}` };
  if (!Array.isArray(below.enum)) return below;
  const { enum: words, type, ...others } = below;
  return {
    ...others,
    anyOf: [
      { type, enum: words },
      { type: "string", pattern: reference },
    ],
  };
}
