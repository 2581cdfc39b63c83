import { appendFileSync } from "node:fs";

/**
 * A runner makes the files that it reads back (GITHUB_OUTPUT, GITHUB_STEP_SUMMARY) before a step begins. Another CI may
 * only name them, and @actions/core writes to none that is not there. One that cannot be made is told by whoever
 * writes to it.
 */
export function makeCommandFile(path: string): void {
  try {
    appendFileSync(path, "");
  } catch {
    // told at the first write
  }
}

/** What is told there is told elsewhere, too: that it cannot be written changes nothing. */
export function addToCommandFile(path: string, text: string): void {
  try {
    appendFileSync(path, `${text}\n`);
  } catch {
    // the log has it
  }
}
