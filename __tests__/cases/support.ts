import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { request } from "undici";
import { type Sandbox, startSandbox } from "../../sandbox/sandbox.ts";
import { hostIn } from "../../sandbox/shop.ts";
import { type Counts, startTraffic, type Traffic } from "../../sandbox/traffic.ts";
import { applyWorld, parseWorld } from "../../sandbox/world.ts";
import { type CommandEnd, runCommand } from "../../simulator/command.ts";
import { nodeWorld } from "../../src/adapters/node/node-world.ts";
import { log } from "../../src/adapters/terminal/log.ts";
import { parseArguments } from "../../src/cli/arguments.ts";
import { loadConfig } from "../../src/config/load.ts";
import { isInCluster } from "../../src/dispatch.ts";
import { RefusedError, tell } from "../../src/lib/errors.ts";

/** A request that somebody sends at the end, and looks which version answers. */
export type Probe = {
  readonly host: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
};

/** `case.json`, where a case has one. */
type CaseFile = {
  /** Whom the customers call. */
  readonly host?: string;
  readonly rate?: number;
  readonly probes?: readonly Probe[];
  readonly env?: Readonly<Record<string, string>>;
  readonly becomesReady?: number;
};

export type CaseOptions = {
  /** Instead of command.txt: `plan`, `release`, `release then release --config second.yaml`. */
  readonly command?: string;
  /** What somebody changes in a file of the case, by its name: the way out that a refusal names. */
  readonly change?: Readonly<Record<string, (text: string) => string>>;
  readonly env?: Readonly<Record<string, string>>;
  /** Instead of case.json's. */
  readonly probes?: readonly Probe[];
  /** Done to the world once it is up, before the command. */
  readonly before?: (sandbox: Sandbox) => void | Promise<void>;
};

export type CaseRun = {
  /** Of each command, in their order; the first that does not end with 0 is the last. */
  readonly ends: readonly CommandEnd[];
  /** Of the last. */
  readonly exit: CommandEnd["exit"];
  /** What all of them said, the reasons of refusals included. */
  readonly said: string;
  /** What the customers saw while the commands ran; nobody calls during a plan. */
  readonly traffic: Counts;
  /** What the probes were answered in the end: `v2`, or the status of an answer by no version. */
  readonly probes: readonly string[];
  /** What the API server did not take of the world. */
  readonly notTaken: readonly string[];
  readonly sandbox: Sandbox;
};

const worlds = join(import.meta.dirname, "worlds");

/** Runs a case of `worlds/` in a world of its own, in this process, until its commands have ended. */
export async function runCase(t: TestContext, name: string, options: CaseOptions = {}): Promise<CaseRun> {
  const folder = folderOf(name, options.change ?? {});
  const { host = hostIn("shop"), rate = 50, probes = [], becomesReady = 50, env = {} }: CaseFile = folder.settings;
  const sandbox = await startSandbox({
    objects: [],
    scrapeInterval: 400,
    podTimes: { becomesReady, crashes: 50, pullBackOff: 50, restartBackOff: 200 },
  });
  let traffic: Traffic | undefined;
  t.after(async () => {
    await traffic?.stop();
    await sandbox.close();
  });
  const notTaken = [
    ...(await take(sandbox, folder.read("world.yaml"))),
    ...(await take(sandbox, folder.find("after.yaml"))),
  ];
  await options.before?.(sandbox);

  const commands = (options.command ?? folder.read("command.txt")).trim().split(" then ");
  const isLookedAtOnly = commands.every((command) => command.startsWith("plan"));
  traffic = startTraffic({ url: sandbox.gateway.url, host, rate: isLookedAtOnly ? 0 : rate });
  const said: string[] = [];
  const ends = await runAll(commands, (command) =>
    runOne(command, { sandbox, folder, env: { ...env, ...options.env }, say: (text) => void said.push(text) }),
  );
  await sandbox.gateway.refresh();
  const seen = await traffic.lap();
  const answers = await Promise.all((options.probes ?? probes).map((probe) => ask(sandbox, probe)));
  const { exit } = ends.at(-1) ?? assert.fail("no command ran");
  return { ends, exit, said: said.join("\n"), traffic: seen, probes: answers, notTaken, sandbox };
}

type Folder = {
  readonly settings: CaseFile;
  /** The text of a file of the case, as somebody changed it. */
  readonly read: (file: string) => string;
  /** The same, empty where there is none. */
  readonly find: (file: string) => string;
};

function folderOf(name: string, change: NonNullable<CaseOptions["change"]>): Folder {
  const pathOf = (file: string): string => join(worlds, name, file);
  const read = (file: string): string => {
    const text = readFileSync(pathOf(file), "utf8");
    const changed = change[file]?.(text) ?? text;
    if (change[file]) assert.notEqual(changed, text, `the change of ${file} changes nothing`);
    return changed;
  };
  const find = (file: string): string => (existsSync(pathOf(file)) ? read(file) : "");
  return { settings: JSON.parse(find("case.json") || "{}"), read, find };
}

/** Applies objects, and waits for their pods; those that never come are part of some cases. */
async function take(sandbox: Sandbox, text: string): Promise<readonly string[]> {
  const refusals = applyWorld(sandbox.api, parseWorld(text));
  await sandbox.ready().catch(() => {});
  return refusals;
}

async function runAll(
  commands: readonly string[],
  run: (command: string) => Promise<CommandEnd>,
): Promise<readonly CommandEnd[]> {
  const ends: CommandEnd[] = [];
  for (const command of commands) {
    const end = await run(command);
    ends.push(end);
    if (end.exit !== 0) break;
  }
  return ends;
}

type Place = {
  readonly sandbox: Sandbox;
  readonly folder: Folder;
  readonly env: Readonly<Record<string, string>>;
  readonly say: (text: string) => void;
};

/** What `main` does with a line, where the inputs make a release short and no report is written. */
async function runOne(line: string, place: Place): Promise<CommandEnd> {
  try {
    return await runLine(line, place);
  } catch (error) {
    const text = tell(error);
    place.say(text);
    const refused = error instanceof RefusedError;
    return { exit: refused ? 2 : 3, settled: undefined, account: undefined, error: text, defect: !refused };
  }
}

/** What makes a release short, unless the line says otherwise. */
const quick = ["metrics.interval=400ms", "promotion.drain=100ms", "meshDelay=100ms"];

async function runLine(line: string, { sandbox, folder, env, say }: Place): Promise<CommandEnd> {
  const asked = parseArguments(line.split(" "), {
    config: "canary.yaml",
    kubeconfig: sandbox.api.kubeconfig(),
    prometheus: sandbox.prometheus.url,
    set: quick.filter((setting) => !line.includes(`--${setting.replace(/^.*\.|=.*$/g, "")}=`)).join("\n"),
  });
  if (asked.want !== "run") assert.fail(`${line}: no command`);
  const loaded = await loadConfig({
    inputs: asked.inputs,
    env,
    readFile: async (path) => (path.startsWith("/") ? readFile(path, "utf8") : folder.read(path)),
    registerSecret: () => {},
  });
  const config = { ...loaded, reporting: { ...loaded.reporting, report: "" } };
  const command = isInCluster(config.command) ? config.command : assert.fail(`${line}: needs no cluster`);
  const screen = { write: say, columns: undefined };
  const end = await runCommand({
    command,
    config,
    world: nodeWorld(),
    stop: new AbortController().signal,
    github: { actions: false, apiUrl: sandbox.github.url },
    env,
    say,
    voice: log({ screen, actions: false, verbose: false }),
  });
  if (end.error !== undefined) say(end.error);
  return end;
}

async function ask({ gateway }: Sandbox, { host, path, headers = {} }: Probe): Promise<string> {
  const { statusCode, body } = await request(`${gateway.url}${path}`, { headers: { host, ...headers } });
  const [, version] = /"version":"([^"]+)"/.exec(await body.text()) ?? [];
  return version ?? String(statusCode);
}
