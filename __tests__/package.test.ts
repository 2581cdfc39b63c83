import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import test from "node:test";

type Packed = readonly [{ readonly files: readonly { readonly path: string; readonly mode: number }[] }];

test("the package has the command, its licences and what people copy, and nothing else", () => {
  const said = execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], { encoding: "utf8" });
  const [{ files }] = JSON.parse(said) as Packed;
  const tops = new Set(files.map(({ path }) => path.replace(/^examples\/.*/, "examples")));
  assert.deepEqual([...tops].sort(), [
    "LICENSE",
    "README.md",
    "dist/index.js",
    "dist/licences.txt",
    "docs/schema.json",
    "examples",
    "package.json",
  ]);
});

test("its command is a program that a shell can start", () => {
  const { bin } = JSON.parse(readFileSync("package.json", "utf8")) as {
    readonly bin: Readonly<Record<string, string>>;
  };
  for (const path of Object.values(bin)) {
    assert.match(readFileSync(path, "utf8"), /^#!\/usr\/bin\/env node\n/);
    assert.equal(statSync(path).mode & 0o111, 0o111, "npm install -g would change it in a checkout");
  }
});

test("npx can take it from GitHub as it is: npm installs all that a build needs where a script has such a name", () => {
  const { scripts } = JSON.parse(readFileSync("package.json", "utf8")) as { readonly scripts: object };
  // https://github.com/npm/pacote/blob/main/lib/git.js, #prepareDir
  const prepared = ["build", "prepare", "prepack", "preinstall", "install", "postinstall"];
  assert.deepEqual(
    Object.keys(scripts).filter((name) => prepared.includes(name)),
    [],
  );
});

test("the image is made of what is committed, and starts the same file", () => {
  const dockerfile = readFileSync("Dockerfile", "utf8");
  assert.doesNotMatch(dockerfile, /npm|apk|apt|curl/);
  assert.match(dockerfile, /^ENTRYPOINT \["istio-canary"\]$/m);
  assert.match(dockerfile, /ln -s \/opt\/istio-canary\/dist\/index\.js \/usr\/local\/bin\/istio-canary/);
});
