import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { after } from "node:test";
import { runGate } from "../../../src/adapters/gates/run-gate.ts";
import { nodePrograms } from "../../../src/adapters/node/node-programs.ts";
import { nodeWorld } from "../../../src/adapters/node/node-world.ts";
import type { Redact } from "../../../src/lib/redaction.ts";
import type { Respondent } from "../../../src/ports/respondent.ts";
import type { RunGate } from "../../../src/release/gate.ts";
import type { Reading } from "../../../src/release/observation.ts";
import type { Recipe } from "../../../src/release/recipe.ts";
import { answerOf, inquiry, respondentContract } from "../../contracts/respondent.ts";
import { runs, until } from "../../support/process-in-file.ts";

const { clock } = nodeWorld();
const folder = mkdtempSync(join(tmpdir(), "istio-canary-gates-"));
after(() => rmSync(folder, { recursive: true, force: true }));

type Script = { readonly timeout?: number; readonly env?: Readonly<Record<string, string>>; readonly redact?: Redact };

function gatesOf(
  commands: Readonly<Record<string, readonly [string, ...string[]]>>,
  { timeout = 60_000, env = {}, redact = (text) => text }: Script = {},
): Respondent<RunGate> {
  const recipes = new Map(
    Object.entries(commands).map(([name, command]): [string, Recipe] => [name, { kind: "run", command, timeout }]),
  );
  const programs = nodePrograms({ PATH: process.env.PATH, ...env });
  return runGate({ clock, programs, redact, recipeOf: (name) => recipes.get(name) });
}

const gateOf = (name: string, limits: Partial<RunGate> = {}): RunGate => ({
  kind: "run",
  name,
  tolerate: 0,
  noData: "wait",
  ...limits,
});

const sh = (script: string): readonly [string, ...string[]] => ["sh", "-c", script];

const ran = (script: string, limits?: Partial<RunGate>, options?: Script): Promise<Reading> =>
  answerOf(gatesOf({ smoke: sh(script) }, options), gateOf("smoke", limits));

respondentContract("a program", async () => {
  const respondent = gatesOf({
    answered: sh("echo 0.5"),
    silent: sh(`echo $$ > ${join(folder, "silent")}; sleep 600`),
  });
  return {
    respondent,
    gate: (name) => gateOf(name, { atMost: 1 }),
    underWay: async () => (existsSync(join(folder, "silent")) && runs(join(folder, "silent")) ? 1 : 0),
    close: async () => respondent.end(),
  };
});

test("a program that ends with 0 needs no number where there are no limits", async () => {
  const { value, because, failure, output } = await ran("echo all is well");
  assert.deepEqual({ value, because, failure, output }, { ...none, output: "all is well" });
});

const none = { value: undefined, because: undefined, failure: undefined };

test("an exit code that is not 0 is a failure, whatever number was printed", async () => {
  const { failure, value } = await ran("echo 0.1; echo no >&2; exit 3", { atMost: 1 });
  assert.deepEqual([failure, value], [{ kind: "exit", code: 3 }, undefined]);
});

test("a signal from somebody else is a failure", async () => {
  assert.deepEqual((await ran("kill -SEGV $$")).failure, { kind: "signal", signal: "SIGSEGV" });
});

test("the number is the last line of standard output, however much there was before, and beside it", async () => {
  const { value, output = "" } = await ran(
    "yes 'x y z' | head -c 20000000; echo; echo '  -1.5e2 '; echo warning: old >&2",
    { atMost: 1 },
  );
  assert.equal(value, -150);
  assert.ok(output.length <= 4_000 && output.includes("warning: old"), `${output.length} characters`);
});

for (const [printed, shown] of [
  ["echo p95=12", "p95=12"],
  ["echo NaN", "NaN"],
  ["echo 1e999", "1e999"],
  ["true", "it printed none"],
])
  test(`what is no number is no data: ${shown}`, async () => {
    const { value, because, failure } = await ran(printed ?? "", { atMost: 1 });
    assert.deepEqual([value, failure], [undefined, undefined]);
    assert.ok(because?.endsWith(`its last line is no number: ${shown}`), because);
  });

test("a program that is not there is no data, with the system's word", async () => {
  const respondent = gatesOf({ smoke: ["/nowhere/smoke"] });
  const { because } = await answerOf(respondent, gateOf("smoke"));
  assert.match(because ?? "", /^\/nowhere\/smoke could not be started: .*ENOENT/);
});

test("at its time limit it is ended with what it began, and has failed", async () => {
  const child = join(folder, "child-of-limit");
  const { failure } = await ran(`sh -c 'echo $$ > ${child}; exec sleep 600' & wait`, {}, { timeout: 1_000 });
  assert.deepEqual(failure, { kind: "limit", after: 1_000 });
  await until(() => !runs(child));
});

test("who does not hear the first signal is ended by the second", async () => {
  const child = join(folder, "deaf");
  const respondent = gatesOf({ smoke: sh(`trap '' TERM; echo $$ > ${child}; while :; do sleep 1; done`) });
  await respondent.ask(gateOf("smoke"), inquiry(), new AbortController().signal);
  await until(() => existsSync(child) && runs(child));
  respondent.end();
  await until(() => !runs(child));
});

test("what a program leaves behind ends with it, and holds up no answer", async () => {
  const child = join(folder, "left-behind");
  const { failure } = await ran(`sh -c 'echo $$ > ${child}; exec sleep 600' & while [ ! -s ${child} ]; do :; done`);
  assert.equal(failure, undefined);
  await until(() => !runs(child));
});

test("it knows where the release is, by its environment alone", async () => {
  const { output } = await ran("env | grep ^CANARY_ | sort", {}, { env: { CANARY_WEIGHT: "somebody else's" } });
  assert.deepEqual(output?.split("\n"), [
    "CANARY_CANARY=reviews-v2",
    "CANARY_CANARY_HOST=reviews",
    "CANARY_CANARY_SUBSET=v2",
    "CANARY_GATE=smoke",
    "CANARY_IMAGE=",
    "CANARY_NAMESPACE=shop",
    "CANARY_SERVICE=reviews",
    "CANARY_STABLE=reviews-v1",
    "CANARY_STABLE_HOST=reviews",
    "CANARY_STABLE_SUBSET=v1",
    "CANARY_STAGE=first",
    "CANARY_WEIGHT=20",
  ]);
});

test("it is given a request that testers send", async () => {
  const testers = [
    {
      headers: { "x-canary": { prefix: "qa" } },
      cookies: { c: { exact: "1" } },
      query: { q: { exact: "a b" } },
      method: "POST",
    },
  ];
  const respondent = gatesOf({ smoke: sh('echo "$CANARY_TESTER_HEADERS|$CANARY_TESTER_QUERY|$CANARY_TESTER_METHOD"') });
  const { output } = await answerOf(respondent, gateOf("smoke"), { ...inquiry(), testers });
  assert.equal(output, "x-canary: qa\ncookie: c=1|q=a+b|POST");
});

test("no shell reads the words of a command", async () => {
  const respondent = gatesOf({ smoke: ["printf", "%s|", "$(id)", "a; b", "`c`"] });
  assert.equal((await answerOf(respondent, gateOf("smoke"))).output, "$(id)|a; b|`c`|");
});

test("what it prints is redacted before it is cut, and does nothing to a terminal or a runner", async () => {
  const { output = "" } = await ran(
    "printf '\\033[31mred\\033[0m ::set-output name=x::y\\n'; printf 's3cret'; head -c 3998 /dev/zero | tr '\\0' x",
    {},
    { redact: (text) => text.replaceAll("s3cret", "***") },
  );
  assert.ok(!output.includes("cret") && output.startsWith("…"), output.slice(0, 40));
  const { output: small = "" } = await ran("printf '\\033[31mred\\033[0m\\n::error::x\\n'");
  assert.ok(!small.includes("\u001b") && !/^::/m.test(small), JSON.stringify(small));
});

for (const [what, command, word] of [
  ["below a file", ["/etc/passwd/x"], "ENOTDIR"],
  ["with too long a word", ["echo", "x".repeat(200_000)], "E2BIG"],
  ["without a name", [""], ""],
  ["with NUL in a word", ["echo", "a\0b"], ""],
] as const satisfies readonly (readonly [string, readonly [string, ...string[]], string])[])
  test(`a program that cannot be spawned is no data either: ${what}`, async () => {
    const respondent = gatesOf({ smoke: command });
    const { because = "" } = await answerOf(respondent, gateOf("smoke"));
    assert.ok(because.includes("could not be started") && because.includes(word), because);
  });

test("a last line of nothing but beginnings of a terminal's commands is read once", async () => {
  const { because } = await ran("yes \"$(printf '\\033]')\" | head -n 30000 | tr -d '\\n'", { atMost: 50 });
  assert.match(because ?? "", /^its last line is no number: [\] ]+$/);
});

test("a number in colours is one", async () => {
  assert.equal((await ran("printf '\\033[1m42\\033[0m\\n'", { atMost: 50 })).value, 42);
});

const secret = "s3cret-of-twenty-four-ch";
const redact: Redact = (text) => text.replaceAll(secret, "***");

for (const [where, script] of [
  ["at its cut end", `printf '%090d${secret}%09d' 0 0; printf ' x'`],
  ["at its cut beginning", `printf '%0500d${secret}%090d' 0 0; printf ' x'`],
] as const)
  test(`a secret in a line that is no number is not shown in part, ${where}`, async () => {
    const { because = "" } = await ran(script, { atMost: 1 }, { redact });
    assert.match(because, /its last line is no number/);
    for (let from = 0; from + 4 <= secret.length; from++)
      assert.ok(!because.includes(secret.slice(from, from + 4)), because);
  });
