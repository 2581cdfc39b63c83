import assert from "node:assert/strict";
import test from "node:test";
import { type Arguments, asksForJson, helpText, inputsFromJson, parseArguments } from "../../src/cli/arguments.ts";
import { type Command, commands as rows } from "../../src/config/commands.ts";
import { inputs } from "../../src/config/inputs.ts";
import { ConfigError } from "../../src/config/issue.ts";

const commands = rows.map(({ name }) => name);

const run = (command: Command, given: Readonly<Record<string, string>> = {}): Arguments => ({
  want: "run",
  inputs: { ...given, command },
});

const good: readonly (readonly [line: string, expected: Arguments])[] = [
  ["", { want: "command" }],
  ["--config rel.yaml", { want: "command" }],
  ["release", run("release")],
  ["rollback", run("rollback")],
  ["release --config x --image=a:b", run("release", { config: "x", image: "a:b" })],
  ["plan --json --config x", run("plan", { json: "true", config: "x" })],
  ["--json=false --comment false plan", run("plan", { json: "false", comment: "false" })],
  ["release --canary-labels a=b --canary-labels c=d", run("release", { "canary-labels": "a=b\nc=d" })],
  ["release --stages=-", run("release", { stages: "-" })],
  ["replay", run("replay")],
  ["replay old/report.json", run("replay", { report: "old/report.json" })],
  ["replay --json report.json", run("replay", { json: "true", report: "report.json" })],
  ["replay --report report.json", run("replay", { report: "report.json" })],
  [
    "rehearse --rehearse-rate 50 --rehearse-errors 1%",
    run("rehearse", { "rehearse-rate": "50", "rehearse-errors": "1%" }),
  ],
  ["--help", { want: "help", command: undefined }],
  ["verify -h", { want: "help", command: "verify" }],
  ["nonsense --help --foo", { want: "help", command: undefined }],
  ["help", { want: "help", command: undefined }],
  ["help verify", { want: "help", command: "verify" }],
  ["--version", { want: "version" }],
  ["version", { want: "version" }],
  ["plan -o json --config x", run("plan", { json: "true", config: "x" })],
  ["report report.json -o page.html", run("report", { report: "report.json", output: "page.html" })],
  ["status -w", run("status", { watch: "true" })],
  ["release --no-comment --no-summary", run("release", { comment: "false", summary: "false" })],
  ["release --set a.b=1 --set c=[2]", run("release", { set: "a.b=1\nc=[2]" })],
  ["status -n shop --service reviews", run("status", { namespace: "shop", service: "reviews" })],
];

for (const [line, expected] of good) {
  test(`the command line is read: istio-canary ${line}`, () => {
    assert.deepEqual(parseArguments(line.split(" ").filter(Boolean)), expected);
  });
}

const bad: readonly (readonly [line: string, ...lines: readonly string[]])[] = [
  [
    "relase",
    'unknown command "relase"; did you mean "release"? Known: init, release, plan, rehearse, status, verify, rollback, undo, promote, settle, replay, report',
  ],
  ["release --keep-old 30", "30: stands behind --keep-old, which takes a value only with =: --keep-old=30"],
  ["release now", "now: is neither a flag nor the value of one"],
  ["replay a.json b.json", "b.json: is neither a flag nor the value of one"],
  ["replay a.json --report b.json", "--report: was given more than once"],
  ["--cnfig x", `unknown flag "--cnfig"; did you mean "--config"? istio-canary COMMAND --help lists the flags`],
  ["plan --cnfig x", `unknown flag "--cnfig"; did you mean "--config"? istio-canary plan --help lists the flags`],
  ["plan -x", `unknown flag "-x". istio-canary plan --help lists the flags`],
  ["plan --no-config", `unknown flag "--no-config"; did you mean "--config"? istio-canary plan --help lists the flags`],
  ["release --dry-run", 'unknown flag "--dry-run"; istio-canary plan says what a release would do'],
  ["--config", "--config: needs a value"],
  ["--config --json", "--config: needs a value; if --json=true is meant, write --config=--json=true"],
  ["--kubeconfig ---secret", "--kubeconfig: needs a value; if what follows it is meant, write --kubeconfig= and that"],
  ["--image a --image b", "--image: was given more than once"],
  ["--command plan", `unknown flag "--command"; did you mean "--comment"? istio-canary COMMAND --help lists the flags`],
];

for (const [line, ...lines] of bad) {
  test(`the command line is refused: istio-canary ${line}`, () => {
    assert.throws(
      () => parseArguments(line.split(" ")),
      (error) => {
        assert.ok(error instanceof ConfigError);
        assert.deepEqual(error.message.split("\n"), lines);
        return true;
      },
    );
  });
}

test("an input that only the command line has is refused with the line to write instead", () => {
  assert.throws(
    () => parseArguments([], { drain: "5s", json: "true", namespace: "shop", "keep-old": "" }),
    (error) => {
      assert.ok(error instanceof ConfigError);
      assert.deepEqual(error.message.split("\n"), [
        "inputs: drain is no input of the action; write promotion.drain in the file, or the line promotion.drain=… under set",
        "inputs: json is no input of the action; it is for the command line alone",
      ]);
      return true;
    },
  );
});

test("the action's inputs are read from their JSON", () => {
  assert.deepEqual(inputsFromJson('{"image":"a:b","json":true,"verify-requests":5,"stages":""}'), {
    image: "a:b",
    json: "true",
    "verify-requests": "5",
    stages: "",
  });
});

test("the command line wins over the action's inputs: the second step settles what the first one was asked to do", () => {
  const action = { command: "plan", config: "x", image: "a:b" };
  assert.deepEqual(parseArguments([], action), run("plan", { config: "x", image: "a:b" }));
  assert.deepEqual(parseArguments(["settle", "--image", "c:d"], action), run("settle", { config: "x", image: "c:d" }));
  assert.deepEqual(parseArguments([], { command: "" }), run("release"));
});

test("an undo takes no image from the action's inputs: a workflow passes that of its own commit to every command", () => {
  const action = { command: "undo", config: "x", image: "a:b" };
  assert.deepEqual(parseArguments([], action), run("undo", { config: "x" }));
  assert.deepEqual(parseArguments(["undo"], { ...action, command: "release" }), run("undo", { config: "x" }));
  assert.deepEqual(parseArguments(["undo", "--image", "c:d"], action), run("undo", { config: "x", image: "c:d" }));
});

test("JSON that is no mapping is refused in words", () => {
  for (const text of ["", "[]", "null", "{"]) {
    assert.throws(() => inputsFromJson(text), {
      name: "ConfigError",
      message: "ISTIO_CANARY_INPUTS: expected the JSON of the action's inputs, a mapping of texts",
    });
  }
});

test("the help names every command, and a command's help every flag that it reads, in lines that fit", () => {
  for (const command of commands) {
    assert.match(helpText(), new RegExp(`^  ${command}  `, "m"));
    const text = helpText(command);
    for (const { name, commands: readers } of inputs) {
      const listed = new RegExp(`^  (-n, )?--${name}( |$)`, "m").test(text);
      assert.equal(listed, name !== "command" && readers.includes(command), `${command} --${name}`);
    }
    assert.match(text, /^Exit codes: 0/m);
    for (const line of text.split("\n")) assert.ok(line.length <= 80, line);
  }
});

test("the help says the whole description, whatever its lines", () => {
  const words = helpText("release").replaceAll(/\s+/g, " ");
  for (const { name, description, commands: readers } of inputs) {
    if (name !== "command" && readers.includes("release")) assert.ok(words.includes(description), name);
  }
});

const readers: readonly (readonly [line: string, inputs: string | undefined, json: boolean])[] = [
  ["plan --json", undefined, true],
  ["plan --json --nonsense", undefined, true],
  ["--json true --stages", undefined, true],
  ["--json=true plan", undefined, true],
  ["--json=false plan", '{"json":"true"}', false],
  ["plan --json false", '{"json":"true"}', false],
  ["plan", '{"json":"true"}', true],
  ["plan", '{"json":true}', true],
  ["plan", '{"json":"false"}', false],
  ["plan --jsonnet", "[]", false],
  ["plan", '{"json":"true"', false],
  ["plan", undefined, false],
];

for (const [line, inputs, json] of readers)
  test(`a program ${json ? "reads" : "does not read"} what ${line} prints with the inputs ${inputs}`, () =>
    assert.equal(asksForJson(line.split(" "), inputs), json));
