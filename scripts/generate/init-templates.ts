import { readFileSync } from "node:fs";

/**
 * What `init` writes of what the pages have: how a job logs in, of docs/setup.md, the account of docs/rbac.yaml, and the
 * workflow of examples/. The program is one file and reads none of them where it runs.
 */
export function initTemplates(): Readonly<Record<"access" | "login" | "workflow", string>> {
  return {
    login: blockWith("kubectl create token", readFileSync("docs/setup.md", "utf8")),
    access: withoutHead(readFileSync("docs/rbac.yaml", "utf8")),
    workflow: withoutHead(readFileSync("examples/workflows/clone.yml", "utf8")),
  };
}

/** The comment at the top speaks of the file where it stands. */
const withoutHead = (text: string): string => text.replace(/^(#.*\n)+/, "");

function blockWith(words: string, page: string): string {
  const blocks = [...page.matchAll(/```sh\n(.*?)```/gs)].map(([, text = ""]) => text);
  return blocks.find((text) => text.includes(words)) ?? "";
}
