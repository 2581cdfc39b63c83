import { setFlagsFromString } from "node:v8";
import packageJson from "../package.json" with { type: "json" };
import { addToCommandFile, makeCommandFile } from "./adapters/actions/command-file.ts";
import { outputs } from "./adapters/actions/outputs.ts";
import { annotation, mask } from "./adapters/actions/workflow-command.ts";
import { mebibyte, readText } from "./adapters/files/read-text.ts";
import { isEvent, readContext } from "./adapters/github/context.ts";
import { endCompilation } from "./adapters/node/end-compilation.ts";
import { environmentProxy } from "./adapters/node/environment-proxy.ts";
import { nodePrograms } from "./adapters/node/node-programs.ts";
import { nodeWorld } from "./adapters/node/node-world.ts";
import { frameOn } from "./adapters/terminal/frame.ts";
import { log } from "./adapters/terminal/log.ts";
import { progress } from "./adapters/terminal/progress.ts";
import { screenOn } from "./adapters/terminal/screen.ts";
import { asksForJson, helpText, inputsFromJson, parseArguments } from "./cli/arguments.ts";
import type { ExitCode } from "./commands/session.ts";
import { changesSomething } from "./config/commands.ts";
import { loadConfig } from "./config/load.ts";
import { RefusedError, ToldError, tell } from "./lib/errors.ts";
import { inert } from "./lib/lines.ts";
import { createRedaction } from "./lib/redaction.ts";
import { createCensor } from "./reporting/censor.ts";
import { answerSummary, refusalSummary } from "./words/answer-summary.ts";

// A release waits most of the time: V8 would rather grow its heap than collect it, and runners are small (120 MB become
// 90).
setFlagsFromString("--optimize-for-size");

// It has every secret in it, and what is run from here (a plugin of the kubeconfig) has no business with it.
const { ISTIO_CANARY_INPUTS: givenInputs, ...env } = process.env;
delete process.env.ISTIO_CANARY_INPUTS;
const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
if (!isEvent(env.GITHUB_EVENT_PATH)) delete process.env.GITHUB_EVENT_PATH;
const { context } = await import("@actions/github"); // it reads the environment now
const github = readContext(context, env);
for (const file of [github.outputFile, github.summaryFile]) if (file !== undefined) makeCommandFile(file);
const redaction = createRedaction((secret) => github.actions && stderr.writeAsItIs(mask(secret)));
const censor = createCensor(redaction);
const stdout = screenOn(process.stdout, redaction.redact);
const stderr = screenOn(process.stderr, redaction.redact);
const stop = new AbortController();
const insist = new AbortController();

const world = nodeWorld(environmentProxy(env));

/** Reads what is asked for, does it, and gives the exit code. */
async function main(): Promise<ExitCode> {
  const inputs = givenInputs === undefined ? undefined : inputsFromJson(givenInputs);
  const asked = parseArguments(process.argv.slice(2), inputs);
  if (asked.want === "run") task = { command: asked.inputs.command ?? "", inSummary: asked.inputs.summary !== "false" };
  if (asked.want === "command") return printUsage();
  if (asked.want === "help") return print(helpText(asked.command));
  if (asked.want === "version") return print(packageJson.version);

  const config = await loadConfig({
    inputs: asked.inputs,
    env,
    readFile: (path) => readText(path, mebibyte, { clock: world.clock, stop: stop.signal }),
    registerSecret: redaction.register,
    redact: redaction.redact,
  });
  const { command, namespace, service, reporting } = config;
  const isTold = changesSomething(command);
  const screen = config.json ? stderr : stdout; // a program reads what is on standard output then
  const verbose = config.verbose || env.RUNNER_DEBUG === "1";
  const voice =
    process.stdout.isTTY && !github.actions
      ? progress({
          screen,
          clock: world.clock,
          verbose,
          coloured: isColoured(env),
          stop: isTold ? stop.signal : undefined,
        })
      : log({ screen, actions: github.actions, annotates: github.actions && config.reporting.annotations, verbose });
  task = { command, inSummary: reporting.summary };
  function tellAnswer(text: string): ExitCode {
    if (!isTold) summarise(answerSummary(command, [namespace, service].filter(Boolean).join("/"), censor.text(text)));
    return print(text);
  }
  const secrets = { censor, registerSecret: redaction.register };
  const surroundings = {
    ...world,
    ...secrets,
    programs: nodePrograms(process.env),
    env,
    github,
    voice,
    stop: stop.signal,
    insist: insist.signal,
    print: tellAnswer,
    answer,
    underWay: process.stderr.isTTY && !github.actions ? underWay : undefined,
  };
  // Loaded only now: help, and what a configuration has wrong, need no command and no cluster.
  const { dispatch } = await import("./dispatch.ts");
  // Nothing is to be given back then, and a long calculation hears no listener.
  if (!isTold) for (const signal of signals) process.removeAllListeners(signal);
  return dispatch(config, surroundings);
}

/** What the job is asked to do, as far as it is known. */
let task = { command: "", inSummary: true };

function summarise(markdown: string): void {
  if (github.actions && github.summaryFile !== undefined && task.inSummary)
    addToCommandFile(github.summaryFile, markdown);
}

/** https://no-color.org, and terminals that know no colours. */
const isColoured = ({ NO_COLOR, TERM }: typeof env): boolean => !NO_COLOR && TERM !== "dumb";

function print(text: string): ExitCode {
  stdout.write(`${censor.text(text)}\n`);
  return 0;
}

const passing = frameOn(stderr, isColoured(env));

function underWay(text: string | undefined): void {
  if (text === undefined) passing.wipe();
  else passing.draw([{ text, tone: "dim" }]);
}

function answer(value: object): void {
  stdout.writeAsItIs(`${censor.json(value)}\n`);
}

/** What there is to choose from, and nothing was done. */
function printUsage(): ExitCode {
  stderr.write(`${helpText()}\nNo command was given, so nothing was done.\n`);
  return 2;
}

/**
 * Says what went wrong, to people and to the action's second step, which has nothing to do after a refusal. Whether all is
 * as it should be only whoever has read the cluster says.
 */
function fail(thrown: unknown): ExitCode {
  const error = stop.signal.aborted && thrown === stop.signal.reason ? cancelled() : thrown;
  const refused = error instanceof RefusedError;
  const text = censor.text(
    error instanceof ToldError
      ? tell(error)
      : `A defect of Istio Canary: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
  );
  const screen = asksForJson(process.argv.slice(2), givenInputs) ? stderr : stdout; // the runner reads both
  if (github.actions) screen.write(annotation("error", "Istio Canary", text));
  stderr.write(`${text}\n`);
  if (refused) summarise(refusalSummary(task.command, text));
  if (github.outputFile !== undefined) tellOutputs(text, refused);
  if (refused) return 2;
  return 3;
}

/** Whoever only looks lets the signal's reason through; an engine that has begun something ends it by itself. */
const cancelled = (): RefusedError => new RefusedError(`${String(stop.signal.reason)}, before anything was changed.`);

function tellOutputs(because: string, refused: boolean): void {
  const written = outputs("", (error) => stderr.write(`An output could not be written: ${censor.text(tell(error))}\n`));
  written.set("outcome", "failed");
  written.set("because", inert(because));
  if (refused) written.set("refused", "true");
}

/**
 * The runner sends SIGINT, 7.5s later SIGTERM, 2.5s later SIGKILL. The first asks to go back, which is never
 * interrupted; the next one ends what does not get anywhere.
 */
for (const signal of signals)
  process.on(signal, () => (stop.signal.aborted ? insist : stop).abort("the job was cancelled"));

/** A defect in a report must not leave a release half-way; one anywhere else gives the traffic back. */
process.on("unhandledRejection", (error) =>
  stderr.write(`A defect of Istio Canary was survived: ${censor.text(tell(error))}\n`),
);
process.on("uncaughtException", (error) => {
  stderr.write(`${censor.text(error.stack ?? error.message)}\n`);
  stop.abort(`Istio Canary has a defect (${error.message})`);
});

process.exitCode = await main().catch(fail);
// From here on a signal ends the process: whoever reads may have stopped reading, and all that is left is to be read.
for (const signal of signals) process.removeAllListeners(signal);
await Promise.all([stdout.written(), stderr.written(), endCompilation(world.clock)]);
// What is still open (a kept-alive connection, a report that hangs) must not keep the job running.
process.exit();
