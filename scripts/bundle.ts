import { build, type Metafile, type Plugin } from "esbuild";

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

/** The program in one file, and what went into it. The output is the same in every folder. */
export async function bundle(version: string): Promise<{ readonly text: string; readonly metafile: Metafile }> {
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
  return { text: outputFiles[0]?.text ?? "", metafile };
}
