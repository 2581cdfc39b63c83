import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { actionFile } from "./generate/action.ts";
import { answerSchemas } from "./generate/answer-schema.ts";
import { between } from "./generate/between.ts";
import { initTemplates } from "./generate/init-templates.ts";
import { jsonSchema, withReferences } from "./generate/json-schema.ts";
import { commandTable, reference } from "./generate/reference.ts";

/** Writes what is made from the schemas of the configuration and of answers, and from the tables of inputs and commands; `--check` says which files are stale instead. */
const schema = jsonSchema();
const files: { [path: string]: string } = {
  ...answerSchemas(),
  "action.yml": actionFile(),
  "docs/schema.json": `${JSON.stringify(withReferences(schema), null, 2)}\n`,
  "docs/configuration.md": reference(schema, readFileSync("examples/two-deployments.yaml", "utf8")),
};
if (existsSync("src/init/templates.json"))
  files["src/init/templates.json"] = `${JSON.stringify(initTemplates(), null, 2)}\n`;
if (existsSync("docs/commands.md"))
  files["docs/commands.md"] = between(readFileSync("docs/commands.md", "utf8"), "commands", commandTable());

const stale = Object.entries(files).filter(
  ([path, content]) => !existsSync(path) || readFileSync(path, "utf8") !== content,
);

if (process.argv.includes("--check")) {
  for (const [path] of stale) console.error(`${path} is stale; run: npm run generate`);
  process.exitCode = stale.length > 0 ? 1 : 0;
} else {
  for (const [path, content] of stale) {
    writeFileSync(path, content);
    console.log(`wrote ${path}`);
  }
}
