import type { KubernetesObject, Resource } from "../../kubernetes/object.ts";
import type { Millis } from "../../lib/duration.ts";
import { DeniedError } from "../../lib/errors.ts";
import type { Clock } from "../../world/clock.ts";
import { type KubernetesClient, KubernetesError, type PatchOperation } from "./kubernetes-client.ts";

/** How one or more objects are brought to where they should be, while others may write them, too. */
export type Edit<T> = {
  /** What is there now. */
  readonly read: () => Promise<T>;
  /** The write that is missing, under tests of what was read; undefined when nothing is left to write. */
  readonly plan: (current: T) => Write | undefined | Promise<Write | undefined>;
  /** Made sure of between reading and writing. */
  readonly fence?: (() => Promise<void>) | undefined;
  /** Goes on until a reading shows that nothing is left to write. Otherwise a write that was accepted is enough. */
  readonly proven?: boolean | undefined;
  /** The error for a write that the API server will not accept, however often. Default: the API server's own. */
  readonly refused?: ((error: KubernetesError, current: T) => unknown) | undefined;
  /**
   * The error when somebody else writes it, too: after `maxWrites` that were accepted, or after `maxOvertaken` that were
   * not, with the last error of those. Default: that one.
   */
  readonly contested?: ((error: KubernetesError | undefined, current: T) => unknown) | undefined;
};

export type Write = {
  /** What is written, to be compared with the write before it. */
  readonly body: unknown;
  readonly send: () => Promise<unknown>;
};

export const maxWrites = 5;
/** Somebody who was faster often has other business in the same object, as a release of another service has. */
export const maxOvertaken = 20;

/**
 * Reads, plans and writes; when somebody else was faster, reads and plans again after a pause, a few times. Gives what
 * was read last. Rejects with KubernetesError or what `refused` and `contested` make of it, and with what `read` and
 * `plan` reject with.
 */
export async function edit<T>(
  clock: Clock,
  { read, plan, fence, proven = false, refused = (error) => error, contested = lastError }: Edit<T>,
): Promise<T> {
  let rejected: { readonly body: string; readonly error: KubernetesError } | undefined;
  for (let [accepted, overtaken] = [0, 0]; ; ) {
    const current = await read();
    const write = await plan(current);
    if (!write) return current;
    const body = JSON.stringify(write.body);
    // Nothing that the write tests has changed since it was refused, so it is the write that is wrong.
    if (rejected?.error.status === 422 && rejected.body === body) throw refused(rejected.error, current);
    if (accepted === maxWrites || overtaken === maxOvertaken) throw contested(rejected?.error, current);
    await fence?.();
    const error = await errorOf(write);
    if (!error && !proven) return current;
    if (error && !isOvertaken(error)) throw refused(error, current);
    rejected = error && { body, error };
    if (!error) accepted++;
    else await clock.sleepUntil(clock.now() + pauseAfter(overtaken++));
  }
}

/** Doubled each time, up to a point. */
const pauseAfter = (times: number): Millis => 20 * 2 ** Math.min(times, 3);

const lastError = (error: KubernetesError | undefined): unknown =>
  error ?? new DeniedError("whatever is written, somebody else writes it, too");

/** A JSON Patch of the object as it was read, and of no other version of it; undefined when it changes nothing. */
export function patchWrite(
  client: KubernetesClient,
  resource: Resource,
  { metadata: { namespace, name, resourceVersion } }: KubernetesObject,
  changes: readonly PatchOperation[],
): Write | undefined {
  if (changes.length === 0) return undefined;
  const body: readonly PatchOperation[] = [
    { op: "test", path: "/metadata/resourceVersion", value: resourceVersion },
    ...changes,
  ];
  return { body, send: () => client.patch(resource, namespace, name, { type: "json", body }) };
}

/** What was read is not what is there any more: gone (404), written meanwhile (409), or not as tested (422). */
const isOvertaken = ({ status }: KubernetesError): boolean => [404, 409, 422].includes(status);

async function errorOf(write: Write): Promise<KubernetesError | undefined> {
  try {
    await write.send();
    return undefined;
  } catch (error) {
    if (error instanceof KubernetesError) return error;
    throw error;
  }
}
