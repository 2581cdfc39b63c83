import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Bundle, bundle } from "./bundle.ts";

/** Bundles the program into dist/: what users run, built and committed. `--check` compares instead of writing. */
const check = process.argv.includes("--check");
const { code, licences } = check ? await buildElsewhere() : await bundle();
const files = new Map([
  ["dist/index.js", `#!/usr/bin/env node\n${code}`], // the command of package.json's bin
  ["dist/licences.txt", licences],
]);

/** In a folder of another name and depth than usual: the output is to be the same in each. */
async function buildElsewhere(): Promise<Bundle> {
  const outer = mkdtempSync(join(tmpdir(), "istio-canary-check-"));
  try {
    mkdirSync(join(outer, "deeper"));
    return await bundle(undefined, join(outer, "deeper"));
  } finally {
    rmSync(outer, { recursive: true });
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

/** npm makes a command executable where it installs it; in a checkout that would be a change. */
const isCommand = (): boolean => (statSync("dist/index.js").mode & 0o111) === 0o111;

const stale = [...files].filter(([path, text]) => read(path) !== text).map(([path]) => path);
if (!check) {
  mkdirSync("dist", { recursive: true });
  for (const [path, text] of files) writeFileSync(path, text, { flush: true });
  chmodSync("dist/index.js", 0o755);
}
if (check && stale.length === 0 && !isCommand()) stale.push("dist/index.js (its mode)");
if (check && stale.length > 0) {
  console.error(`dist is stale: ${stale.join(", ")}. Run npm run bundle and commit the result.`);
  process.exit(1);
}
