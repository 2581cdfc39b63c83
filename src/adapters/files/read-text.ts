import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { resolve } from "node:path";
import type { Millis } from "../../lib/duration.ts";
import type { Clock } from "../../world/clock.ts";

/** No configuration, manifest or kubeconfig is as large: an API server takes no larger object. */
export const mebibyte = 1_048_576;

/** Who writes into a pipe may take his time, and be waited for no longer than this. */
export type Waiting = { readonly clock: Clock; readonly stop: AbortSignal; readonly longest?: Millis | undefined };

/**
 * Reads a file as text, and no more than `most` bytes: it may be a disk image, or have no end at all. Of pipes only those
 * that were handed to the process are read (`<(…)` of a shell, standard input), and waited for without being deaf.
 */
export async function readText(path: string, most: number, waiting: Waiting): Promise<string> {
  const { clock, stop, longest = 10_000 } = waiting;
  const patience = AbortSignal.any([stop, clock.deadline(clock.now() + longest)]);
  const file = await open(resolve(path), constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if ((await file.stat()).isFIFO() && !isHandedOver(path)) throw new Error(namedPipe);
    const bytes = Buffer.alloc(most + 1);
    let size = 0;
    for (let part: number | undefined = 1; part !== 0 && size <= most; size += part ?? 0) {
      part = await file.read(bytes, size, bytes.length - size).then(({ bytesRead }) => bytesRead, unlessEmpty);
      stop.throwIfAborted();
      if (patience.aborted) throw new Error(`it gave no end within ${longest / 1_000}s`);
      if (part === undefined) await clock.sleepUntil(clock.now() + pause, patience);
    }
    if (size > most) throw new Error(`it has more than ${most.toLocaleString("en")} bytes, and no more are read`);
    return bytes.toString("utf8", 0, size);
  } finally {
    await file.close();
  }
}

const namedPipe = "it is a named pipe, from which nothing may ever come: give the path of a file";

/** Between two looks into a pipe in which nothing is yet. */
const pause: Millis = 20;

/** What a shell or whoever started the process has opened for it. */
export const isHandedOver = (path: string): boolean => /^\/(dev\/(stdin$|fd\/)|proc\/[^/]+\/fd\/)/.test(path);

/** Nothing has come yet. */
function unlessEmpty(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "EAGAIN") throw error;
}
