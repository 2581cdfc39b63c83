import { parseArgs } from "node:util";
import type { Command } from "../config/config.ts";
import { commands, describeInput, type Input, inputs } from "../config/inputs.ts";
import { ConfigError, type ConfigIssue, isMapping } from "../config/issue.ts";
import { unknown } from "../config/nearest.ts";
import type { Given } from "../config/overlay.ts";

/** What somebody typed. `inputs` holds the command as well: it is all that loadConfig reads. */
export type Arguments =
  | { readonly want: "run"; readonly inputs: Given }
  | { readonly want: "help"; readonly command?: Command }
  | { readonly want: "version" };

/** The command is the first word of the line and no flag. */
const flags = inputs.filter(({ name }) => name !== "command");

const isKnown = (name: string): boolean =>
  ["help", "h", "version"].includes(name) || flags.some((input) => input.name === name);

/** Reads `release --config canary.yaml --image …`. `--name value` and `--name=value` are the same, and so are `--json` and `--json=true`. The line wins over the action's inputs. */
export function parseArguments(argv: readonly string[], action: Given = {}): Arguments {
  const { tokens } = parseArgs({
    args: argv.map((argument, index) => completed(argument, argv[index + 1])),
    options: {
      ...Object.fromEntries(flags.map(({ name }) => [name, { type: "string" as const }])),
      help: { type: "boolean", short: "h" },
      version: { type: "boolean" },
    },
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const options = tokens.filter((token) => token.kind === "option");
  // What follows an unknown flag is most likely its value, and not one more mistake.
  const strange = options.filter(({ name }) => !isKnown(name)).map(({ index }) => index);
  const words = tokens.flatMap((token) =>
    token.kind === "positional" && !strange.includes(token.index - 1) ? [token.value] : [],
  );
  const command = commands.find((name) => name === words[0]);

  if (options.some(({ name }) => name === "help" || name === "h"))
    return { want: "help", ...(command ? { command } : {}) };
  if (options.some(({ name }) => name === "version")) return { want: "version" };

  const report = command === "replay" ? words[1] : undefined;
  const issues = [
    ...wordIssues(words, command, report),
    ...options.flatMap(flagIssues),
    ...repeated([...options.map(({ name }) => name), ...(report === undefined ? [] : ["report"])]),
  ];
  if (issues.length > 0) throw new ConfigError(issues);
  const given = Map.groupBy(options, ({ name }) => name);
  const texts = [...given].map(([name, tokens]) => [name, tokens.map(({ value }) => value).join("\n")]);
  return {
    want: "run",
    inputs: {
      ...action,
      ...Object.fromEntries(texts),
      ...(report === undefined ? {} : { report }),
      command: command ?? (action.command || "release"),
    },
  };
}

/** A boolean flag without a value means true. */
function completed(argument: string, next: string | undefined): string {
  const input = flags.find(({ name }) => argument === `--${name}`);
  return input?.type === "boolean" && next !== "true" && next !== "false" ? `${argument}=true` : argument;
}

/** The second word is a report where that is what the command is about: `replay canary-report.json`. */
function wordIssues(
  [first, ...others]: readonly string[],
  command: Command | undefined,
  report: string | undefined,
): readonly ConfigIssue[] {
  if (first !== undefined && !command) return [{ path: "", problem: unknown("command", first, commands) }];
  return others
    .slice(report === undefined ? 0 : 1)
    .map((word) => ({ path: word, problem: "is neither a flag nor the value of one" }));
}

type Option = { readonly name: string; readonly value: string | undefined; readonly inlineValue: boolean | undefined };

function flagIssues({ name, value, inlineValue }: Option): readonly ConfigIssue[] {
  if (!flags.some((input) => input.name === name))
    return [
      {
        path: "",
        problem: unknown(
          "flag",
          `--${name}`,
          flags.map(({ name }) => `--${name}`),
        ),
      },
    ];
  if (value === undefined) return [{ path: `--${name}`, problem: "needs a value" }];
  return value.startsWith("-") && inlineValue !== true
    ? [{ path: `--${name}`, problem: `needs a value; if ${value} is meant, write --${name}=${value}` }]
    : [];
}

/** A list or a map may be given one by one; for all else the second value would silently win. */
const repeated = (names: readonly string[]): readonly ConfigIssue[] =>
  [...new Set(names.filter((name, index) => names.indexOf(name) !== index))].flatMap((name) => {
    const input = flags.find((input) => input.name === name);
    return input === undefined || input.type === "list" || input.type === "map"
      ? []
      : [{ path: `--${name}`, problem: "was given more than once" }];
  });

/** The inputs as the action passes them: one variable with the JSON of all of them. */
export function inputsFromJson(text: string): Given {
  const parsed = parseJson(text);
  if (!isMapping(parsed))
    throw new ConfigError([
      { path: "ISTIO_CANARY_INPUTS", problem: "expected the JSON of the action's inputs, a mapping of texts" },
    ]);
  return Object.fromEntries(
    Object.entries(parsed).map(([name, value]) => [name, typeof value === "string" ? value : JSON.stringify(value)]),
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const purposes: Readonly<Record<Command, string>> = {
  release: "Release a new version: deploy the canary, move the weights, promote or roll back.",
  plan: "Say what a release would do, run every check, and change nothing.",
  rehearse: "Play the plan through thousands of times: how often is it right, and how fast?",
  status: "Say where a release is.",
  verify: "Count how traffic really splits now.",
  rollback: "Give all traffic back to stable, whatever the release is doing.",
  promote: "Go on with a release that waits for approval, or is held.",
  settle: "Leave nothing half-way: roll back, or finish a promotion. The action's second step.",
  replay: "Judge a release again from its report, without a cluster, and say whether every verdict agrees.",
};

/** What `--help` prints: all commands, or one command with its flags. */
export function helpText(command?: Command): string {
  if (command === undefined) {
    return [
      "istio-canary [COMMAND] [--name value ...]",
      "",
      "Releases a new version of a service on Istio by moving the weights of your own VirtualService.",
      "",
      "Commands (without one: release):",
      ...columns(commands.map((name) => [name, purposes[name]])),
      "",
      "istio-canary COMMAND --help lists the command's flags, istio-canary --version says which version this is.",
      "",
    ].join("\n");
  }
  const own = flags.filter((input) => input.commands.includes(command));
  return [
    `istio-canary ${command} ${command === "replay" ? "[REPORT] " : ""}[--name value ...]`,
    "",
    purposes[command],
    "",
    "Flags:",
    ...columns(own.map((input) => [flagForm(input), describeInput(input)])),
    "",
  ].join("\n");
}

const values: Readonly<Record<Input["type"], string>> = {
  text: " TEXT",
  boolean: "",
  number: " N",
  duration: " TIME",
  list: " LIST",
  map: " NAME=VALUE",
  yaml: " TEXT",
};
const flagForm = ({ name, type }: Input): string => `--${name}${values[type]}`;

const width = 100;

/** Two columns, the second one wrapped. */
function columns(rows: readonly (readonly [string, string])[]): readonly string[] {
  const left = Math.max(...rows.map(([name]) => name.length)) + 4;
  return rows.flatMap(([name, text]) =>
    wrap(text, width - left).map((line, index) => `${(index === 0 ? `  ${name}` : "").padEnd(left)}${line}`),
  );
}

const wrap = (text: string, width: number): readonly string[] =>
  text.match(new RegExp(`\\S.{0,${width - 1}}(?= |$)`, "g")) ?? [];
