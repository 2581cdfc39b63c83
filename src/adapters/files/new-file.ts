import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";

/** Writes a file that is not there yet, with the folders on its way; throws where one is there. */
export function writeNew(file: string, text: string): void {
  mkdirSync(dirname(resolve(file)), { recursive: true });
  writeFileSync(file, text, { flag: "wx" });
}
