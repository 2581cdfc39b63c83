import { dump } from "js-yaml";
import type { ProposedFile } from "./proposal.ts";

/** Where editors find what the configuration may say. */
const schema =
  "# yaml-language-server: $schema=https://raw.githubusercontent.com/OWNER/istio-canary/v1/docs/schema.json";

/** A file as it is written: why it is there, then its objects. */
export function fileText({ path, objects, text }: ProposedFile, why: string): string {
  const head = path.endsWith("canary.yaml") && path.startsWith(".github") ? [schema] : [];
  const documents = objects.map((object) => dump(object, { noRefs: true }));
  return [...head, ...asComment(why), text ?? documents.join("---\n")].join("\n");
}

const width = 110;

const asComment = (why: string): readonly string[] =>
  (why.match(new RegExp(`\\S.{0,${width - 1}}(?=\\s|$)`, "g")) ?? []).map((line) => `# ${line}`);
