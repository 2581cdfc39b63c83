import type { Config } from "../src/config/config.ts";
import type { Millis } from "../src/lib/duration.ts";
import type { Chance } from "./chance.ts";
import type { CommandEnd } from "./command.ts";
import { type JobPlace, type JobWorld, type Running, startCommand } from "./jobs.ts";
import type { Scene } from "./scene.ts";
import { smokeTests } from "./smoke-test.ts";
import { untruthOf } from "./told.ts";

/** Everybody who runs commands: jobs, and people who see how those end. */
export interface Crew {
  run(place: JobPlace, command: Running["command"], config?: Config): void;
  /** What will still be done: a simulation is not over before. */
  later(delay: Millis, run: () => void): void;
  kill(running: Running): void;
  readonly alive: () => readonly Running[];
  readonly commands: () => number;
  /** Nobody runs anything any more, nor will, and the mesh has had time to learn of it all. */
  readonly isOver: () => boolean;
}

const second = 1_000;

/** A command that is not over by then never will be. */
const longest: Millis = 900 * second;

/** Those in which a release may stay. */
const settledPhases: ReadonlySet<string> = new Set(["succeeded", "rolled-back", "waiting"]);

/** Somebody on call gives up, and so does who decides. */
const mostCalls = 4;

export const shell = (name: string, skew: Millis = 0): JobPlace => ({
  name,
  runId: undefined,
  runner: name.replaceAll(" ", "-"),
  skew,
});

export function crewOf(scene: Scene, chance: Chance, usual: Config): Crew {
  const { scenario, timeline, watch, note, transportOf, ends, untruths } = scene;
  const alive = new Set<Running>();
  let [pending, calls, decisions, commands] = [0, 0, 0, 0];
  const overtaken = new Set<Running>();
  let over = false;
  let quiet: (() => void) | undefined;
  const processes = chance.stream("processes");
  const programsOf = smokeTests(scene.mesh);
  const nextProcess = (): number => commands;
  const world: JobWorld = { timeline, chance: processes, nextProcess, transportOf, programsOf, note, onEnd };

  function later(delay: Millis, run: () => void): void {
    pending++;
    timeline.after(delay, () => {
      pending--;
      run();
      rest();
    });
  }

  function rest(): void {
    quiet?.();
    if (alive.size > 0 || pending > 0) return;
    quiet = timeline.after(15 * second, () => {
      over = true;
    });
  }

  function run(place: JobPlace, command: Running["command"], config = usual): void {
    commands++;
    quiet?.();
    const running = startCommand(world, place, command, config);
    // Two who roll back by force take the release from each other: whoever saves last has it.
    if (command === "rollback")
      for (const other of alive) {
        overtaken.add(other);
        if (other.command === "rollback") overtaken.add(running);
      }
    alive.add(running);
    timeline.after(longest, () => {
      if (!alive.has(running)) return;
      watch.violate("the program ends", `${command} of ${place.name} still runs after ${longest / 60_000} minutes`);
      end(running);
      rest();
    });
  }

  function end(running: Running): void {
    running.process.kill();
    alive.delete(running);
  }

  function onEnd(running: Running, ended: CommandEnd): void {
    end(running);
    ends.push({ running, end: ended, overtaken: overtaken.has(running) });
    const untruth = alive.size === 0 ? untruthOf({ running, end: ended }, scene) : undefined;
    if (untruth !== undefined) untruths.push(untruth);
    if (ended.defect) watch.violate("no defect", ended.error ?? "");
    follow(running, ended);
    rest();
  }

  /** As the composite action does, and then whoever sees that a job is red, or waits. */
  function follow({ place, command }: Running, ended: CommandEnd | undefined): void {
    const isInAction = scenario.inAction && place.runId !== undefined;
    if (isInAction && command === "release" && ended?.settled !== true && ended?.exit !== 2) settle(place);
    else if (ended?.exit === 2 && !(command === "rollback" && isLeft())) return;
    else if (ended !== undefined && ended.settled !== false && watch.journal()?.state.phase === "waiting") decide();
    else if (ended === undefined || ended.exit > 1) call();
  }

  /** Nobody minds a release that is not over: whoever was refused by a hiccup tries once more. */
  function isLeft(): boolean {
    const phase = watch.journal()?.state.phase;
    return alive.size === 0 && phase !== undefined && !settledPhases.has(phase);
  }

  /** Until then nobody can do anything for the release. */
  function unwatched(delay: Millis, run: () => void): void {
    const resume = watch.excuseUntil();
    later(delay, () => {
      resume();
      run();
    });
  }

  const settle = (place: JobPlace): void => unwatched(chance.between(1, 4) * second, () => run(place, "settle"));

  function call(): void {
    if (calls++ < mostCalls)
      unwatched(chance.between(20, 60) * second, () => run(shell("somebody on call"), "rollback"));
  }

  function decide(): void {
    if (decisions++ < mostCalls)
      unwatched(chance.between(10, 40) * second, () =>
        run(shell("somebody who decides"), chance.happens(0.6) ? "promote" : "rollback"),
      );
  }

  return {
    run,
    later,
    kill(running) {
      end(running);
      follow(running, undefined);
    },
    alive: () => [...alive],
    commands: () => commands,
    isOver: () => over,
  };
}
