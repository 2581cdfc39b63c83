import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import test from "node:test";
import { neighboursOf } from "../scripts/bars/measure.ts";
import { parseSource } from "../scripts/source.ts";

/** Which folders of `src` each folder may import. A folder may always import itself. */
const pure = ["release", "evidence", "kubernetes", "istio", "init", "words", "lib"];
const adapter = ["ports", "world", "reporting", "adapters/kubernetes", ...pure];
const rule: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  evidence: ["lib"],
  release: ["evidence", "lib"],
  kubernetes: ["lib"],
  istio: ["kubernetes", "lib"],
  init: ["istio", "kubernetes", "lib"],
  words: ["release", "evidence", "rehearsal", "init", "lib"],
  rehearsal: ["release", "evidence", "lib"],
  world: ["lib"],
  ports: ["world", "release", "evidence", "istio", "kubernetes", "lib"],
  routes: ["ports", "release", "kubernetes", "lib"],
  reporting: ["ports", "world", "release", "evidence", "words", "lib"],
  engine: ["ports", "world", "release", "evidence", "lib"],
  config: ["release", "evidence", "rehearsal", "init", "istio", "lib"],
  cli: ["config", "lib"],
  commands: [
    "engine",
    "ports",
    "world",
    "release",
    "evidence",
    "rehearsal",
    "init",
    "kubernetes",
    "words",
    "config/config",
    "lib",
  ],
  preflight: [...adapter, "routes"],
  "adapters/kubernetes": adapter,
  "adapters/weighted-rules": adapter,
  "adapters/gateway-route": [...adapter, "adapters/weighted-rules"],
  "adapters/virtual-service": [...adapter, "adapters/weighted-rules"],
  "adapters/deployment": adapter,
  "adapters/prometheus": adapter,
  "adapters/proxies": adapter,
  "adapters/gates": adapter,
  "adapters/actions": adapter,
  "adapters/webhooks": adapter,
  "adapters/github": adapter,
  "adapters/terminal": [...adapter, "adapters/actions"], // a runner's log is written by its commands
  "adapters/files": adapter,
  "adapters/node": ["world", "lib"],
};

/** The entry and the composition root know everything. */
const free = ["src/entry.ts", "src/main.ts", "src/dispatch.ts", "src/compose.ts"];

const files = globSync("src/**/*.ts").sort();
const sources = files.map((file) => parseSource(file, readFileSync(file, "utf8")));
const { typesTwice, cycles } = neighboursOf(sources);

/** Adapters have a folder each, and know nothing of one another. */
function folderOf(file: string): string {
  const [, folder = "", inner = ""] = file.split("/");
  return folder === "adapters" ? `${folder}/${inner}` : folder;
}

test("every folder imports only what the dependency rule allows", () => {
  const broken = sources
    .filter(({ path }) => !free.includes(path))
    .flatMap(({ path, imports }) => imports.map((to) => ({ from: path, to })))
    .filter(({ from, to }) => {
      const allowed = [
        folderOf(from),
        ...(rule[folderOf(from)] ?? assert.fail(`${from}: the rule does not know this folder`)),
      ];
      return !allowed.some((name) => to.startsWith(`src/${name}/`) || to === `src/${name}.ts`);
    });
  assert.deepEqual(
    broken.map(({ from, to }) => `${from} imports ${to}`),
    [],
  );
});

test("no files import each other, not for types either", () => {
  assert.deepEqual(cycles, []);
});

test("a type's name means one thing", () => {
  assert.deepEqual(typesTwice, []);
});

test("release/ and evidence/ are pure: no clock, no randomness, no environment, nothing asynchronous", () => {
  const impure = /\basync\b|\bawait\b|\bPromise\b|\bDate\b|Math\.random|\bprocess\.|\bfetch\(/;
  const found = files
    .filter((file) => ["release", "evidence"].includes(folderOf(file)))
    .flatMap((file) =>
      code(file).flatMap((line, index) => (impure.test(line) ? [`${file}:${index + 1}: ${line.trim()}`] : [])),
    );
  assert.deepEqual(found, []);
});

test("release/ and evidence/ make no sentences, and no code reads one", () => {
  // Reasons and verdicts are data; words/ says them. An error's message is for whoever mends a defect.
  const isSentence = (line: string): boolean =>
    [...line.matchAll(/"([^"]*)"|`([^`]*)`/g)].some(([, text, template]) =>
      /[a-z]+ [a-z]+/i.test(text ?? template ?? ""),
    );
  const said = files
    .filter((file) => ["release", "evidence"].includes(folderOf(file)))
    .flatMap((file) => linesLike(file, (line) => isSentence(line) && !line.includes("Error(")));
  assert.deepEqual(said, []);

  const words = String.raw`(?:\.because\b|\bsay\([^()]*\)|[sS]entence\([^()]*\))`;
  const searched = String.raw`${words}\s*\??\.(?:includes|startsWith|endsWith|match|search|indexOf)\b`;
  const compared = String.raw`${words}\s*[!=]==(?!\s*undefined)|[!=]==\s*[\w.?]*${words}`;
  const reading = new RegExp(`${searched}|${compared}`);
  assert.deepEqual(
    files.flatMap((file) => linesLike(file, (line) => reading.test(line))),
    [],
  );
});

/** The lines of a file, without its comments, that are like this. */
const linesLike = (file: string, is: (line: string) => boolean): readonly string[] =>
  withoutComments(readFileSync(file, "utf8"))
    .split("\n")
    .flatMap((line) => (is(line) ? [`${file}: ${line.trim()}`] : []));

const withoutComments = (text: string): string =>
  text.replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, " ")).replace(/\/\/[^\n]*/g, "");

test("nothing is exported by default, and files have the words of the glossary for names", () => {
  assert.deepEqual(
    files.filter((file) => /^export default/m.test(readFileSync(file, "utf8"))),
    [],
  );
  assert.deepEqual(
    files.filter((file) => /util|helper|manager|handler|common/i.test(file)),
    [],
  );
});

test("one folder reads the clock, sets timers, opens sockets and asks for chance: everybody else is given a World", () => {
  const clock =
    /\bDate\.now\b|\bnew Date\(\)|\bperformance\b|\bset(Timeout|Interval|Immediate)\b|\bAbortSignal\.timeout\b/;
  const network = /\bfetch\(/;
  const chance = /\bMath\.random\b|\brandom(UUID|Bytes|Int)\b|\bgetRandomValues\b/;
  const modules = /from "(node:)?(https?|http2|net|tls|dgram|dns|timers|perf_hooks)(\/[a-z]+)?"/;
  const found = files
    .filter((file) => folderOf(file) !== "adapters/node")
    .flatMap((file) =>
      [
        ...code(file).filter((line) => [clock, network, chance].some((asks) => asks.test(line))),
        ...readFileSync(file, "utf8")
          .split("\n")
          .filter((line) => modules.test(line)),
      ].map((line) => `${file}: ${line.trim()}`),
    );
  assert.deepEqual(found, []);
});

test("what leaves the program leaves it in few places, which the censor stands before", () => {
  const leaving =
    /\bprocess\.(stdout|stderr)\b|\bconsole\.|\b(setOutput|addRaw)\(|\b(writeFile|appendFile|createWriteStream|rename)(Sync)?\(/;
  const leavers = files.filter((file) => code(file).some((line) => leaving.test(line)));
  assert.deepEqual(leavers, [
    "src/adapters/actions/command-file.ts",
    "src/adapters/actions/job-summary.ts",
    "src/adapters/actions/outputs.ts",
    "src/adapters/actions/workflow-command.ts",
    "src/adapters/files/new-file.ts",
    "src/adapters/files/report-file.ts",
    "src/entry.ts",
    "src/main.ts",
  ]);
  // Reporters, journals and warnings are made in one place, and each goes through the censor there.
  const maker = /\bfunction (\w+)\((?:[^()]|\([^()]*\))*\): (?:Reporter|Outputs|Journal|Warnings) \{/g;
  const makers = sources.flatMap(({ text }) => [...text.matchAll(maker)].map(([, name = ""]) => name));
  assert.ok(makers.length >= 7, JSON.stringify(makers));
  const callOf = new RegExp(`\\b(${makers.join("|")})\\(`);
  const made = files.filter((file) => code(file).some((line) => callOf.test(line) && !/\bfunction\b/.test(line)));
  assert.deepEqual(made, ["src/compose.ts", "src/main.ts"]);
  const composed = code("src/compose.ts").join("\n");
  for (const censored of [
    "censor.reporter(tee(",
    "censor.journal(configMapJournal(",
    "createWarnings(censor,",
    "tellNotice(notice, sinks, world)",
  ])
    assert.ok(composed.includes(censored), censored);
});

test("a text of several lines is made of lines, so that nothing from outside makes one", () => {
  const folders = ["words", "commands", "config", "preflight", "engine"];
  const markdown = [
    "report",
    "report-heading",
    "who-serves",
    "answer-summary",
    "stage-table",
    "advice",
    "evidence-part",
    "kept-logs-part",
    "plan-report",
    "notice",
    "page/report-page",
    "page/time-chart",
  ].map((name) => `src/words/${name}.ts`);
  const joined = files
    .filter((file) => folders.includes(folderOf(file)) && !markdown.includes(file))
    .flatMap((file) => linesLike(file, (line) => line.includes('join("\\n")')));
  assert.deepEqual(joined, [
    'src/config/secrets.ts: Object.fromEntries(Object.entries(mapping).map(([name, value]) => [name, textsIn(value).join("\\n")]));',
    'src/config/values.ts: ? issue.keys.map((key) => unknown("key", key, known, beside)).join("\\n")',
  ]);
});

test("one file reads the environment", () => {
  const readers = files.filter((file) => code(file).some((line) => /process\.env\b/.test(line)));
  assert.deepEqual(readers, ["src/main.ts"]);
});

/** The lines of a file with comments and strings blanked, so that prose about a clock is not one. */
const code = (file: string): readonly string[] =>
  withoutComments(readFileSync(file, "utf8"))
    .replace(/"(?:[^"\\\n]|\\.)*"/g, '""')
    .split("\n");

test("numbers and units have one spelling, the one that the configuration takes: 25%, 2m47s, 100ms", () => {
  const apart = /[\d}] (?:%|(?:ms|s|m|h)\b(?!'))/;
  const read = [
    ...files,
    ...globSync(["*.md", "docs/**/*.md", "examples/**/*.y*ml", "__tests__/golden/**/*.{md,txt}"]),
  ];
  assert.deepEqual(
    read.flatMap((file) =>
      readFileSync(file, "utf8")
        .split("\n")
        .flatMap((line) => (apart.test(line) ? [`${file}: ${line.trim()}`] : [])),
    ),
    [],
  );
});
