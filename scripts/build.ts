import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Metafile } from "esbuild";
import { bundle } from "./bundle.ts";

/** Bundles the program into dist/: what users run, built and committed. `--check` compares instead of writing. */
const check = process.argv.includes("--check");
const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
const { text, metafile } = await bundle(version);

/** The licences of what was bundled, as they ask for. */
function licences({ inputs }: Metafile): string {
  const names = new Set(
    Object.keys(inputs)
      .map((path) => path.match(/^node_modules\/((?:@[^/]+\/)?[^/]+)/)?.[1])
      .filter((name) => name !== undefined),
  );
  return [...names]
    .sort()
    .map((name) => licenceOf(name))
    .join("\n");
}

function licenceOf(name: string): string {
  const folder = join("node_modules", name);
  const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as {
    version: string;
    license?: string;
  };
  const text = ["LICENSE", "LICENSE.md", "LICENSE.txt", "license", "LICENSE-MIT.txt"]
    .map((file) => read(join(folder, file)))
    .find((found) => found !== undefined);
  return `${name} ${version} (${license ?? "see below"})\n\n${text?.trim() ?? ""}\n`;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

const files = new Map([
  ["dist/index.js", text],
  ["dist/licences.txt", licences(metafile)],
]);

const stale = [...files].filter(([path, text]) => read(path) !== text).map(([path]) => path);
if (!check) {
  mkdirSync("dist", { recursive: true });
  for (const [path, text] of files) writeFileSync(path, text, { flush: true });
}
if (check && stale.length > 0) {
  console.error(`dist is stale: ${stale.join(", ")}. Run npm run build and commit the result.`);
  process.exit(1);
}
