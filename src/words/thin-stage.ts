import { formatDuration, type Millis } from "../lib/duration.ts";
import { count, number } from "../lib/numbers.ts";
import type { Traffic } from "../rehearsal/detection.ts";
import type { ThinStage } from "../rehearsal/soundness.ts";

/** Why a good release would be held at a stage, and what would let it pass. */
export function thinStageSentence({ weight, deadline, takes, requests, enough }: ThinStage, { rate }: Traffic): string {
  const held = `A good version would be held at ${weight}%`;
  if (takes === undefined || requests === undefined)
    return `${held}: stable itself fails so often that no version can be shown to be sound.`;
  const why = `it takes about ${count(requests)} of its requests to show that it is surely not broken, which at ${number(rate)} requests per second takes ${minutes(takes)}, and the stage ends after ${formatDuration(deadline)}`;
  return `${held}: ${why}; let it last longer (deadline: ${Math.ceil(takes / minute)}m)${enough === undefined ? "" : ` or begin with ${enough}%`}.`;
}

const minute: Millis = 60_000;

/** Rounded up, so that what is advised is enough. */
const minutes = (time: Millis): string => formatDuration(Math.ceil(time / minute) * minute);
