import { readdirSync, statSync } from "node:fs";
import type { Figure } from "./figure.ts";

/** Everything that a workflow downloads with the action, and of it the program. */
export async function size(): Promise<readonly Figure[]> {
  const megabytes = (name: string): number => statSync(`dist/${name}`).size / 1e6;
  const all = readdirSync("dist").map(megabytes);
  return [
    { what: "dist", value: all.reduce((sum, one) => sum + one, 0), unit: "MB", limit: 3.2 },
    { what: "dist/index.js", value: megabytes("index.js"), unit: "MB" },
  ];
}
