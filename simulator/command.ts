import type { ExitCode } from "../src/commands/session.ts";
import { compose, type Surroundings } from "../src/compose.ts";
import type { CommandInCluster } from "../src/config/commands.ts";
import type { Config } from "../src/config/config.ts";
import { loadConfig } from "../src/config/load.ts";
import { commandsInCluster } from "../src/dispatch.ts";
import { RefusedError, ToldError, tell } from "../src/lib/errors.ts";
import { createRedaction } from "../src/lib/redaction.ts";
import type { Account } from "../src/release/account.ts";
import { createCensor } from "../src/reporting/censor.ts";
import type { World } from "../src/world/world.ts";
import { manifest } from "./shop.ts";

/** How a command ended: what the job that ran it has of it. */
export type CommandEnd = {
  readonly exit: ExitCode;
  /** The action's output: whether it said that nothing of the release is left half-way. */
  readonly settled: boolean | undefined;
  /** What was told last of the release. */
  readonly account: Account | undefined;
  /** What it said when it got no further. */
  readonly error: string | undefined;
  /** The error is none that is told: the program is wrong. */
  readonly defect: boolean;
};

export type CommandOptions = {
  readonly command: CommandInCluster;
  readonly config: Config;
  readonly world: World;
  readonly stop: AbortSignal;
  readonly github: Surroundings["github"];
  readonly env: Surroundings["env"];
  readonly say: (text: string) => void;
  /** What a gate of the user's runs. Default: nothing is. */
  readonly programs?: Surroundings["programs"] | undefined;
  /** Who tells of it. Default: warnings alone are said. */
  readonly voice?: Surroundings["voice"];
};

/** A kubeconfig is YAML, and so is JSON; of several lines, or it would be a path. */
const kubeconfig = JSON.stringify(
  {
    clusters: [{ name: "simulated", cluster: { server: "https://kubernetes.simulated" } }],
    contexts: [{ name: "simulated", context: { cluster: "simulated", user: "simulated" } }],
    users: [{ name: "simulated", user: {} }],
    "current-context": "simulated",
  },
  undefined,
  1,
);

const quiet = (say: CommandOptions["say"]): Surroundings["voice"] => ({
  warn: (message) => say(`warning: ${message}`),
  report: () => {},
  flush: async () => {},
});

/** Where no gate runs one. */
const noPrograms: Surroundings["programs"] = {
  start() {
    throw new Error("nothing is run in a simulation");
  },
};

const loaded = new Map<string, Promise<Config>>();

/** The configuration that a file makes, which is the same for each release that has it. No report is written. */
export function configOf(file: string): Promise<Config> {
  const known = loaded.get(file);
  if (known) return known;
  const config = load(file);
  loaded.set(file, config);
  return config;
}

async function load(file: string): Promise<Config> {
  const config = await loadConfig({
    inputs: { kubeconfig, config: "release.yaml" },
    env: {},
    readFile: async (path) => (path === "release.yaml" ? file : manifest),
    registerSecret: () => {},
  });
  return { ...config, reporting: { ...config.reporting, report: "" } };
}

/** What `main` does with a configuration: a command in its world, to its exit code. */
export async function runCommand({
  command,
  config,
  world,
  stop,
  github,
  env,
  say,
  programs = noPrograms,
  voice = quiet(say),
}: CommandOptions): Promise<CommandEnd> {
  let account: Account | undefined;
  let settled: boolean | undefined;
  const told = (newest: Account): void => {
    account = newest;
    if (newest.settled !== undefined) settled = newest.settled;
  };
  const redaction = createRedaction();
  const secrets = { censor: createCensor(redaction), registerSecret: redaction.register };
  const answer = (value: object): void => say(JSON.stringify(value));
  const surroundings = { ...world, ...secrets, env, github, voice, stop, print: say, answer, programs };
  try {
    const session = compose({ ...config, command }, surroundings);
    const { reporter, messages } = session;
    const exit = await commandsInCluster[command]({
      ...session,
      reporter: {
        report(newest) {
          told(newest);
          reporter.report(newest);
        },
        flush: (limit) => reporter.flush(limit),
      },
      messages: {
        ...messages,
        nothingLeft() {
          settled = true;
          messages.nothingLeft();
        },
      },
    });
    return { exit, settled, account, error: undefined, defect: false };
  } catch (error) {
    const cancelled = stop.aborted && error === stop.reason;
    const refused = cancelled || error instanceof RefusedError;
    const text = cancelled ? String(error) : tell(error);
    const defect = !(cancelled || error instanceof ToldError);
    return { exit: refused ? 2 : 3, settled, account, error: text, defect };
  }
}
