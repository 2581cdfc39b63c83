// run.mjs FILE [ARG ...]: runs a TypeScript file with a Node that can, the project's own where the machine's is too old.
// Plain JavaScript, because it has to start on any Node.
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { constants } from "node:os";

/** The first release that strips types without a flag and that @kubernetes/client-node 2 starts on. */
const [needMajor, needMinor] = [22, 19];
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);

function ownNode() {
  const name = `node-${process.platform}-${process.arch}`;
  try {
    return createRequire(import.meta.url).resolve(`${name}/bin/node`);
  } catch {
    console.error(
      `Node ${process.version} is too old: ${needMajor}.${needMinor} or newer is needed, and the package ${name} is not installed. Run npm ci, or install Node 24.`,
    );
    process.exit(2);
  }
}

const node = major > needMajor || (major === needMajor && minor >= needMinor) ? process.execPath : ownNode();
const child = spawn(node, ["--disable-warning=ExperimentalWarning", ...process.argv.slice(2)], { stdio: "inherit" });
child.once("exit", (status, signal) => process.exit(status ?? 128 + constants.signals[signal ?? "SIGTERM"]));
// The child may have something to put in order before it ends. A terminal sends Ctrl-C to both of us; elsewhere whoever
// signals knows this process only.
process.on("SIGINT", () => process.stdin.isTTY || child.kill("SIGINT"));
for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
