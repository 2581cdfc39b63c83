/**
 * The program's first lines. Nothing may be imported before them: an older Node stumbles over what
 * @kubernetes/client-node 2 does at import.
 */
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 19)) {
  console.error(
    `Istio Canary needs Node 22.19 or newer, this is ${process.version}. Install Node 24; in a checkout, \`npm ci\` and \`node scripts/run.mjs dist/index.js …\` will do.`,
  );
  process.exit(2);
}
// Eager: in the same file, which is read only now.
await import("./main.ts");
