import { spawn } from "node:child_process";
import { cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";

/** A program in one file, and the licences of what is in it. */
export type Bundle = { readonly code: string; readonly licences: string };

/**
 * TypeScript emits JavaScript, and ncc makes one file of it, in a folder that holds nothing else: what comes out names no
 * folder of this machine, and is the same in each. ncc stands in it, too: modules are numbered by the way from the folder
 * to them, which leads through ncc's own loaders.
 */
export async function bundle(entry = "src/entry.ts", place = tmpdir()): Promise<Bundle> {
  const folder = realpathSync(mkdtempSync(join(place, "istio-canary-build-")));
  try {
    writeFileSync(join(folder, "package.json"), readFileSync("package.json"));
    await emit(entry, folder);
    loadEagerly(folder);
    copyPackages(folder);
    leaveOut(folder);
    cpSync("node_modules/@vercel/ncc", join(folder, "ncc"), { recursive: true });
    await run(join(folder, "ncc/dist/ncc/cli.js"), nccOptions(entry), folder);
    const read = (name: string): string => readFileSync(join(folder, "out", name), "utf8");
    return { code: read("index.js"), licences: read("licences.txt") };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The sources that the entry reaches. What their types are, another check says. */
async function emit(entry: string, folder: string): Promise<void> {
  const root = process.cwd();
  const options = {
    extends: join(root, "tsconfig.json"),
    files: [join(root, entry)],
    include: [],
    compilerOptions: {
      noEmit: false,
      noCheck: true,
      removeComments: true, // whoever reads code reads src
      rewriteRelativeImportExtensions: true,
      rootDir: root,
      outDir: folder,
      typeRoots: [join(root, "node_modules/@types")],
    },
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(options));
  await run(join(root, "node_modules/typescript/bin/tsc"), ["-p", folder], root);
}

/** A module that is loaded when it is needed stands in the one file, too: webpack would make a second one of it. */
function loadEagerly(folder: string): void {
  for (const file of globSync(join(folder, "src/**/*.js")))
    writeFileSync(file, readFileSync(file, "utf8").replaceAll(" import(", ' import(/* webpackMode: "eager" */ '));
}

type Lock = { readonly packages: Readonly<Record<string, { readonly dev?: boolean; readonly optional?: boolean }>> };

/** Copies: in a link ncc would see through to the folder behind it. */
function copyPackages(folder: string): void {
  const { packages } = JSON.parse(readFileSync("package-lock.json", "utf8")) as Lock;
  for (const [path, { dev, optional }] of Object.entries(packages)) {
    if (path === "" || dev || optional || unused.test(path)) continue;
    cpSync(path, join(folder, path), { recursive: true, filter: (file) => isNeeded(file, path) });
  }
}

const unused = /node_modules\/(@types\/|undici)/;

const isNeeded = (file: string, path: string): boolean =>
  !file.slice(path.length).includes("/node_modules") && ![".ts", ".map"].includes(extname(file));

/** ncc takes all that is imported. What nobody here uses, and every start would load, is left out of the copy. */
function leaveOut(folder: string): void {
  const put = (file: string, text: string): void => writeFileSync(join(folder, "node_modules", file), text);
  // Of @kubernetes/client-node one class is used. Its index, and that of the 700 generated models, import everything.
  put("@kubernetes/client-node/dist/index.js", 'export { KubeConfig } from "./config.js";');
  put(
    "@kubernetes/client-node/dist/gen/index.js",
    'export { createConfiguration } from "./configuration.js";\nexport { ServerConfiguration } from "./servers.js";',
  );
  // Of @actions/core the token of OpenID Connect would bring an HTTP client along, of @actions/github the context Octokit.
  for (const name of ["@actions/core", "@actions/github"]) {
    const manifest = JSON.parse(readFileSync(`node_modules/${name}/package.json`, "utf8")) as object;
    put(`${name}/package.json`, JSON.stringify({ ...manifest, sideEffects: false }));
  }
  // Of ws the client is used.
  put("ws/wrapper.mjs", 'export { default as WebSocket } from "./lib/websocket.js";');
  // Both could speak HTTP through undici; they are asked for credentials and for requests, which Node's own client sends.
  mkdirSync(join(folder, "node_modules/undici"));
  put("undici/package.json", '{ "name": "undici", "type": "module", "main": "index.js" }');
  put("undici/LICENSE", readFileSync("node_modules/undici/LICENSE", "utf8"));
  put("undici/index.js", "export class Agent {}\nexport class ProxyAgent {}\nexport const fetch = undefined;");
}

const nccOptions = (entry: string): readonly string[] => [
  "build",
  entry.replace(/\.ts$/, ".js"),
  ...["--out", "out", "--target", "es2023", "--license", "licences.txt", "--no-cache", "--quiet"],
];

function run(program: string, args: readonly string[], cwd: string): Promise<void> {
  const child = spawn(process.execPath, [program, ...args], { cwd, stdio: "inherit" });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => (code === 0 ? resolve() : reject(new Error(`${program} ended with ${code}`))));
  });
}
