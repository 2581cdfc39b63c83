import type { CommandInCluster } from "../src/config/commands.ts";
import type { Config } from "../src/config/config.ts";
import type { Millis } from "../src/lib/duration.ts";
import type { Programs } from "../src/world/programs.ts";
import type { Transport } from "../src/world/transport.ts";
import type { Chance } from "./chance.ts";
import { type CommandEnd, runCommand } from "./command.ts";
import { pullRequest } from "./github.ts";
import { type SimulatedProcess, startProcess } from "./process.ts";
import type { Timeline } from "./timeline.ts";

/** A job of GitHub Actions, or somebody's shell: where commands run one after another. */
export type JobPlace = {
  readonly name: string;
  /** The run that it is a job of. Undefined: somebody's shell. */
  readonly runId: string | undefined;
  /** What tells it from another job of the same run. */
  readonly runner: string;
  readonly skew: Millis;
};

/** A command that runs. */
export type Running = {
  readonly place: JobPlace;
  readonly command: CommandInCluster;
  readonly process: SimulatedProcess;
  /** SIGINT. */
  interrupt(): void;
  readonly end: () => CommandEnd | undefined;
};

export type JobWorld = {
  readonly timeline: Timeline;
  readonly chance: Chance;
  /** Numbers them, so that each has its own chance. */
  readonly nextProcess: () => number;
  readonly transportOf: (process: SimulatedProcess) => Transport;
  /** What its gates run. */
  readonly programsOf?: (process: SimulatedProcess) => Programs;
  readonly note: (text: string) => void;
  readonly onEnd: (running: Running, end: CommandEnd) => void;
};

export function startCommand(world: JobWorld, place: JobPlace, command: CommandInCluster, config: Config): Running {
  const process = startProcess(world.timeline, place.skew);
  const stop = new AbortController();
  const chance = world.chance.stream(`process ${world.nextProcess()}`);
  let end: CommandEnd | undefined;
  const running: Running = {
    place,
    command,
    process,
    interrupt: () => process.deliver(() => stop.abort("the job was cancelled")),
    end: () => end,
  };
  const say = (text: string): void => world.note(`${place.name}: ${text}`);
  say(`begins ${command}`);
  process.deliver(() => {
    void runCommand({
      command,
      config,
      world: { clock: process.clock, transport: world.transportOf(process), random: chance.next },
      stop: stop.signal,
      github: contextOf(place),
      env: environmentOf(place),
      say,
      programs: world.programsOf?.(process),
    }).then((ended) => {
      end = ended;
      process.kill(); // what is still open does not keep it
      say(
        `${command} ends with ${ended.exit}${ended.settled === true ? ", settled" : ""}${ended.error === undefined ? "" : `: ${ended.error}`}`,
      );
      world.onEnd(running, ended);
    });
  });
  return running;
}

function contextOf({ runId, name }: JobPlace): Parameters<typeof runCommand>[0]["github"] {
  const here = { actions: false, apiUrl: "https://github.simulated" };
  if (runId === undefined) return { ...here, actor: name };
  return {
    ...here,
    repository: { owner: "acme", repo: "shop" },
    actor: name,
    runId,
    runUrl: `https://github.simulated/acme/shop/actions/runs/${runId}`,
    pullRequest,
  };
}

/** What a runner sets. */
const environmentOf = ({ runId, runner }: JobPlace): Readonly<Record<string, string>> =>
  runId === undefined
    ? { HOSTNAME: runner }
    : {
        HOSTNAME: runner,
        GITHUB_RUN_ID: runId,
        GITHUB_RUN_ATTEMPT: "1",
        GITHUB_JOB: "release",
        RUNNER_NAME: runner,
        RUNNER_TRACKING_ID: `github_${runner}`,
      };
