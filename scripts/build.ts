import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build, type Metafile, type Plugin } from "esbuild";

/**
 * Bundles the program into dist/: what users run, built and committed. `--check` compares instead of writing.
 * The output is the same in every folder, so a check can rebuild it.
 */
const check = process.argv.includes("--check");
const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };

/**
 * @kubernetes/client-node is marked free of side effects while bundling: only its KubeConfig is used, and without
 * the mark some 700 generated models come along (17 MB).
 */
const lean: Plugin = {
  name: "lean",
  setup(bundle) {
    bundle.onResolve({ filter: /^@kubernetes\/client-node$/ }, async ({ path, resolveDir, kind, pluginData }) => {
      if (pluginData === "lean") return undefined;
      return { ...(await bundle.resolve(path, { resolveDir, kind, pluginData: "lean" })), sideEffects: false };
    });
  },
};

/** Runs before anything that a Node below 22.19 would stumble over (@kubernetes/client-node 2 crashes at import). */
const banner = `import{createRequire as __createRequire}from"node:module";const require=__createRequire(import.meta.url);
{const[major,minor]=process.versions.node.split(".").map(Number);if(major<22||major===22&&minor<19){console.error("Istio Canary needs Node 22.19 or newer, this is "+process.version+".");process.exit(2)}}`;

const { outputFiles, metafile } = await build({
  entryPoints: ["src/main.ts"],
  outfile: "dist/index.js",
  bundle: true,
  write: false,
  metafile: true,
  platform: "node",
  target: "node22",
  format: "esm",
  minify: true,
  legalComments: "none",
  charset: "utf8",
  logLevel: "warning",
  define: { "process.env.ISTIO_CANARY_VERSION": JSON.stringify(version) },
  banner: { js: banner },
  plugins: [lean],
});

/** The licences of what was bundled, as they ask for. */
function licences({ inputs }: Metafile): string {
  const names = new Set(Object.keys(inputs).map((path) => path.match(/^node_modules\/((?:@[^/]+\/)?[^/]+)/)?.[1]).filter((name) => name !== undefined));
  return [...names].sort().map((name) => licenceOf(name)).join("\n");
}

function licenceOf(name: string): string {
  const folder = join("node_modules", name);
  const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { version: string; license?: string };
  const text = ["LICENSE", "LICENSE.md", "LICENSE.txt", "license", "LICENSE-MIT.txt"].map((file) => read(join(folder, file))).find((found) => found !== undefined);
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
  ["dist/index.js", outputFiles[0]?.text ?? ""],
  ["dist/licences.txt", licences(metafile)],
]);

const stale = [...files].filter(([path, text]) => read(path) !== text).map(([path]) => path);
if (!check) for (const [path, text] of files) writeFileSync(path, text, { flush: true });
else if (stale.length > 0) {
  console.error(`dist is stale: ${stale.join(", ")}. Run npm run build and commit the result.`);
  process.exit(1);
}
