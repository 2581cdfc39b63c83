import { block, code, folded } from "../lib/markdown.ts";
import type { Account } from "../release/account.ts";

/** What programs of the user's printed in the newest stage that had some, folded, as Markdown. Undefined without any. */
export function programOutputs({ stages }: Account): string | undefined {
  const { outputs } = stages.findLast((stage) => stage.outputs !== undefined) ?? {};
  if (!outputs) return undefined;
  const parts = Object.entries(outputs).map(([gate, output]) => `${code(gate)}:\n\n${block(output, "text")}`);
  return folded("What the programs of gates printed last", parts.join("\n\n"));
}
