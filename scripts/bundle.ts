import { join } from "node:path";
import { build, type Metafile, type Plugin } from "esbuild";

/** Leaves out what nobody here uses and every start would compile. */
const lean: Plugin = {
  name: "lean",
  setup(bundle) {
    // Of @kubernetes/client-node only KubeConfig is used; its modules are not marked free of side effects, so some 700 generated models would come along (17 MB).
    bundle.onResolve({ filter: /^@kubernetes\/client-node$/ }, async ({ path, resolveDir, kind, pluginData }) => {
      if (pluginData === "lean") return undefined;
      return { ...(await bundle.resolve(path, { resolveDir, kind, pluginData: "lean" })), sideEffects: false };
    });
    // Joined here: two thousand questions to esbuild would take ten times as long as the rest.
    bundle.onResolve({ filter: /^\..*\.js$/ }, ({ path, importer, resolveDir }) =>
      importer.includes("/@kubernetes/client-node/") ? { path: join(resolveDir, path), sideEffects: false } : undefined,
    );
    // KubeConfig could speak through undici too; it is asked only for headers and certificates.
    bundle.onResolve({ filter: /^undici$/ }, ({ path }) => ({ path, namespace: "unused" }));
    // An import of node:http reads all its exports, and one of them (WebSocket) loads the whole of Node's own undici: 20 ms at each start.
    bundle.onResolve({ filter: /^(node:)?https?$/ }, ({ path }) => ({ path, namespace: "builtin" }));
    bundle.onLoad({ filter: /.*/, namespace: "builtin" }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule(${JSON.stringify(path)})`,
    }));
    bundle.onLoad({ filter: /.*/, namespace: "unused" }, () => ({
      contents: "module.exports = new Proxy({}, { get: () => class {} })",
    }));
  },
};

/** Runs before anything that a Node below 22.19 would stumble over (@kubernetes/client-node 2 crashes at import). */
const banner = `import{createRequire as __createRequire}from"node:module";const require=__createRequire(import.meta.url);
{const[major,minor]=process.versions.node.split(".").map(Number);if(major<22||major===22&&minor<19){console.error("Istio Canary needs Node 22.19 or newer, this is "+process.version+".");process.exit(2)}}`;

/** A program in one file, and what went into it. The output is the same in every folder. */
export async function bundle(
  version: string,
  entry = "src/main.ts",
): Promise<{ readonly text: string; readonly metafile: Metafile }> {
  const { outputFiles, metafile } = await build({
    entryPoints: [entry],
    outfile: "dist/index.js",
    bundle: true,
    write: false,
    metafile: true,
    platform: "node",
    target: "node22",
    format: "esm",
    minify: true,
    lineLimit: 240, // a stack trace shows the line of its error
    legalComments: "none",
    charset: "utf8",
    logLevel: "warning",
    define: { "process.env.ISTIO_CANARY_VERSION": JSON.stringify(version) },
    banner: { js: banner },
    plugins: [lean],
  });
  return { text: outputFiles[0]?.text ?? "", metafile };
}
