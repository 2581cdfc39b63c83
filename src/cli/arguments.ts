import { parseArgs } from "node:util";
import { type Command, type CommandRow, commandNamed, commands } from "../config/commands.ts";
import { describeInput, type Input, type InputType, inputs } from "../config/inputs.ts";
import { ConfigError, type ConfigIssue, isMapping } from "../config/issue.ts";
import { unheardOf, unknown } from "../config/nearest.ts";
import type { Given } from "../config/overlay.ts";
import { jsonIn } from "../lib/json.ts";

/** What somebody typed. `inputs` holds the command as well: it is all that loadConfig reads. */
export type Arguments =
  | { readonly want: "run"; readonly inputs: Given }
  | { readonly want: "help"; readonly command: Command | undefined }
  /** Nobody said what is to be done: a release is nothing that begins because somebody looked what this is. */
  | { readonly want: "command" }
  | { readonly want: "version" };

/** The command is the first word of the line and no flag. */
const flags = inputs.filter(({ name }) => name !== "command");

const isKnown = (name: string): boolean =>
  ["help", "h", "version"].includes(name) || flags.some((input) => input.name === name);

/**
 * Reads `release --config canary.yaml --image …`. `--name value` and `--name=value` are the same, and so are `--json`
 * and `--json=true`. The line wins over the action's inputs. Only the action has a usual command: it releases.
 */
export function parseArguments(typed: readonly string[], action?: Given): Arguments {
  const argv = written(typed);
  const { tokens } = parseArgs({
    args: argv.map((argument, index) => completed(argument, argv[index + 1])),
    options: {
      ...Object.fromEntries(flags.map(({ name }) => [name, { type: "string" as const }])),
      namespace: { type: "string", short: "n" }, // as kubectl has it
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
    token.kind === "positional" && !strange.includes(token.index - 1)
      ? [{ value: token.value, behind: yesOrNoFlag(argv[token.index - 1]) }]
      : [],
  );
  const [first] = words;
  const row = commandNamed(first?.value);

  if (first?.value === "help") return { want: "help", command: commandNamed(words[1]?.value)?.name };
  if (options.some(({ name }) => name === "help" || name === "h")) return { want: "help", command: row?.name };
  if (first?.value === "version" || options.some(({ name }) => name === "version")) return { want: "version" };

  const texts = options.map(({ name, value }) => ({ name, value }));
  const strays = words.slice(1);
  const [argument] = strays;
  if (row?.argument !== undefined && argument !== undefined) {
    texts.push({ name: row.argument, value: argument.value });
    strays.shift();
  }

  const flagsWrong = options.flatMap((option) => flagIssues(option, row));
  const issues = [
    ...wordIssues(first?.value, row, strays),
    ...flagsWrong,
    ...repeated(texts),
    ...notOfAction(action ?? {}),
  ];
  if (issues.length > 0) throw new ConfigError(issues);
  if (!row && !action) return { want: "command" };
  const command = row?.name ?? (action?.command || "release");
  const inputs: { [name: string]: string } = { ...action, command };
  // A workflow passes the image of its own commit to every command, and that is what is to be undone.
  if (command === "undo") delete inputs.image;
  for (const [name, given] of Map.groupBy(texts, ({ name }) => name))
    inputs[name] = given.map(({ value }) => value).join("\n");
  return { want: "run", inputs };
}

/** What fingers know from other programs, as it is called here: `-w`, `-o json`, `-o page.html`, `--no-comment`. */
const written = (argv: readonly string[]): readonly string[] =>
  argv.flatMap((argument, index) => {
    if (argument === "-w") return ["--watch=true"];
    if (argument === "-o") return argv[index + 1] === "json" ? ["--json=true"] : ["--output"];
    if (argument === "json" && argv[index - 1] === "-o") return [];
    const off = argument.replace(/^--no-/, "--");
    if (off !== argument && yesOrNoFlag(off) !== undefined) return [`${off}=false`];
    return [argument];
  });

/** A boolean flag without a value means true. */
function completed(argument: string, next: string | undefined): string {
  if (yesOrNoFlag(argument) === undefined || next === "true" || next === "false") return argument;
  return `${argument}=true`;
}

const yesOrNoFlag = (argument: string | undefined): string | undefined =>
  flags.some(({ name, type }) => type === "boolean" && argument === `--${name}`) ? argument : undefined;

/** A word that nothing asked for, and the flag that stands before it and takes none: `--keep-old 30`. */
type Stray = { readonly value: string; readonly behind: string | undefined };

const strayInWords = (value: string, behind: string | undefined): string =>
  behind === undefined
    ? "is neither a flag nor the value of one"
    : `stands behind ${behind}, which takes a value only with =: ${behind}=${value}`;

function wordIssues(
  first: string | undefined,
  row: CommandRow | undefined,
  strays: readonly Stray[],
): readonly ConfigIssue[] {
  const names = commands.map(({ name }) => name);
  if (first !== undefined && !row) return [{ path: "", problem: unknown("command", first, names) }];
  return strays.map(({ value, behind }) => ({ path: value, problem: strayInWords(value, behind) }));
}

type Flag = {
  readonly name: string;
  readonly rawName: string;
  readonly value: string | undefined;
  readonly inlineValue: boolean | undefined;
};

function flagIssues({ name, rawName, value, inlineValue }: Flag, row: CommandRow | undefined): readonly ConfigIssue[] {
  const input = flags.find((input) => input.name === name);
  if (!input) {
    if (name === "dry-run")
      return [{ path: "", problem: `unknown flag "${rawName}"; istio-canary plan says what a release would do` }];
    const known = flags.map(({ name }) => `--${name}`);
    const help = `istio-canary ${row?.name ?? "COMMAND"} --help lists the flags`;
    return [{ path: "", problem: `${unheardOf("flag", rawName, known)} ${help}` }];
  }
  if (value === undefined) return [{ path: `--${name}`, problem: "needs a value" }];
  if (!value.startsWith("-") || inlineValue === true) return [];
  // A kubeconfig begins with `---`, and it is not to be read in a log.
  const meant =
    input.secret === undefined
      ? `if ${value} is meant, write --${name}=${value}`
      : `if what follows it is meant, write --${name}= and that`;
  return [{ path: `--${name}`, problem: `needs a value; ${meant}` }];
}

const mayRepeat: readonly InputType[] = ["list", "map", "settings"];

/** A list or a map may be given one by one; for all else the second value would silently win. */
function repeated(texts: readonly { readonly name: string }[]): readonly ConfigIssue[] {
  const issues: ConfigIssue[] = [];
  for (const [name, given] of Map.groupBy(texts, ({ name }) => name)) {
    const input = flags.find((input) => input.name === name);
    const once = input !== undefined && !mayRepeat.includes(input.type);
    if (once && given.length > 1) issues.push({ path: `--${name}`, problem: "was given more than once" });
  }
  return issues;
}

/** The runner only warns of an input that action.yml does not have, and passes it on. */
const notOfAction = (action: Given): readonly ConfigIssue[] =>
  inputs
    .filter(({ name, inAction }) => !inAction && (action[name] ?? "").trim() !== "")
    .map(({ name, path }) => ({ path: "inputs", problem: `${name} is no input of the action; ${insteadOf(path)}` }));

const insteadOf = (path: string | undefined): string =>
  path === undefined
    ? "it is for the command line alone"
    : `write ${path} in the file, or the line ${path}=… under set`;

/** Whether a program reads standard output. It is asked also when the rest of what was typed cannot be understood. */
export function asksForJson(typed: readonly string[], inputs: string | undefined): boolean {
  const argv = written(typed);
  const index = argv.findLastIndex((argument) => /^--json(=|$)/.test(argument));
  if (index >= 0) return argv[index] === "--json" ? argv[index + 1] !== "false" : argv[index] === "--json=true";
  const parsed = jsonIn(inputs ?? "");
  return isMapping(parsed) && String(parsed.json) === "true";
}

/** The inputs as the action passes them: one variable with the JSON of all of them. */
export function inputsFromJson(text: string): Given {
  const parsed = jsonIn(text);
  if (!isMapping(parsed))
    throw new ConfigError([
      { path: "ISTIO_CANARY_INPUTS", problem: "expected the JSON of the action's inputs, a mapping of texts" },
    ]);
  return Object.fromEntries(
    Object.entries(parsed).map(([name, value]) => [name, typeof value === "string" ? value : JSON.stringify(value)]),
  );
}

/** What `--help` prints: all commands, or one command with its flags. */
export const helpText = (command?: Command): string => {
  const row = commandNamed(command);
  return (row ? helpOf(row) : helpOfAll()).join("\n");
};

const helpOfAll = (): readonly string[] => [
  "istio-canary COMMAND [--name value ...]",
  "",
  "Releases a new version of a service on Istio by moving the weights of your own VirtualService.",
  "",
  "Commands:",
  ...columns(commands.map(({ name, purpose }) => [name, purpose])),
  "",
  "istio-canary COMMAND --help lists the command's flags, istio-canary --version says which version this is.",
  "",
];

function helpOf({ name, purpose, argument, exits }: CommandRow): readonly string[] {
  const form = argument === undefined ? "" : `[${argument.toUpperCase()}] `;
  const own = flags.filter(({ commands }) => commands.includes(name));
  const left = Math.max(...own.map((input) => flagForm(input).length)) + 4;
  const listed = helpGroups.flatMap(({ title, sections }) => {
    const rows = own.filter((input) => sections.includes(sectionOf(input)));
    return rows.length === 0
      ? []
      : [
          `${title}:`,
          ...columns(
            rows.map((input) => [flagForm(input), describeInput(input)]),
            left,
          ),
          "",
        ];
  });
  return [
    `istio-canary ${name} ${form}[--name value ...]`,
    "",
    ...wrap(purpose, width),
    "",
    ...listed,
    ...wrap(`Exit codes: ${exits}.`.replace(/\.\.$/, "."), width),
    "",
  ];
}

/** Flags in the order in which somebody thinks of them, by the section of the file that they stand in. */
const helpGroups: readonly { readonly title: string; readonly sections: readonly string[] }[] = [
  {
    title: "What is released",
    sections: ["", "namespace", "service", "stable", "canary", "variables", "image", "routes", "firstDeploy"],
  },
  {
    title: "Stages and gates",
    sections: [
      "stages",
      "testers",
      "affinity",
      "gates",
      "evidence",
      "promotion",
      "deadlines",
      "meshDelay",
      "confirm",
      "drift",
    ],
  },
  { title: "Metrics", sections: ["metrics"] },
  { title: "Counting the split", sections: ["verify"] },
  { title: "Rehearsing", sections: ["rehearse"] },
  { title: "Cluster", sections: ["cluster"] },
  { title: "Reports", sections: ["reporting", "output"] },
];

const sectionOf = ({ name, path }: Input): string => {
  if (path !== undefined) return path.split(".")[0] ?? "";
  if (["config", "set"].includes(name)) return "";
  return "output";
};

const values: Readonly<Record<Input["type"], string>> = {
  text: " TEXT",
  boolean: "",
  number: " N",
  duration: " TIME",
  list: " LIST",
  map: " NAME=VALUE",
  yaml: " TEXT",
  settings: " PATH=VALUE",
};
const flagForm = ({ name, type }: Input): string => `${name === "namespace" ? "-n, " : ""}--${name}${values[type]}`;

const width = 80;

type HelpRow = readonly [name: string, text: string];

const widest = (rows: readonly HelpRow[]): number => Math.max(...rows.map(([name]) => name.length)) + 4;

/** Two columns, the second one wrapped. */
function columns(rows: readonly HelpRow[], left = widest(rows)): readonly string[] {
  return rows.flatMap(([name, text]) =>
    wrap(text, width - left).map((line, index) => `${(index === 0 ? `  ${name}` : "").padEnd(left)}${line}`),
  );
}

const wrap = (text: string, width: number): readonly string[] =>
  text.match(new RegExp(`\\S.{0,${width - 1}}(?= |$)`, "g")) ?? [];
