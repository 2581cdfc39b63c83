import { statSync } from "node:fs";
import type { Figure } from "./figure.ts";

export async function size(): Promise<readonly Figure[]> {
  return [{ what: "dist/index.js", value: statSync("dist/index.js").size / 1e6, unit: "MB", limit: 2.5 }];
}
