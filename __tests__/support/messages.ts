import assert from "node:assert/strict";
import type { Messages } from "../../src/ports/messages.ts";

/** Keeps what is printed; nothing else is to be said. */
export function printedMessages(): Messages & { readonly printed: readonly string[] } {
  const printed: string[] = [];
  return {
    printed,
    print: (text) => void printed.push(text),
    answer: (value) => void printed.push(JSON.stringify(value)),
    warn: (warning) => assert.fail(`nothing is to be warned of: ${warning}`),
    warnings: () => [],
    nothingLeft: () => assert.fail("nothing is to be settled"),
    somethingLeft: () => assert.fail("nothing is to be settled"),
  };
}
