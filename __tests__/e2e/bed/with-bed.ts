import type { Bed } from "../support/bed.ts";
import { buildBed } from "./build.ts";
import { defaultNamespace, enterNetwork, workOf } from "./network.ts";
import { runningBed, startBed } from "./up.ts";

/**
 * Builds what is missing, and runs this program again inside the bed's network namespace, where `use` gets the bed. One that
 * somebody brought up by hand is used and left alone; otherwise it is brought up and taken down again.
 */
export async function withBed<T>(use: (bed: Bed) => Promise<T>): Promise<T> {
  const programs = await buildBed(); // outside: there is no internet in there
  await enterNetwork(defaultNamespace);
  const work = workOf(defaultNamespace);
  const present = runningBed(work);
  if (present !== undefined) return use(present);
  const { stop, ...bed } = await startBed({ namespace: defaultNamespace, work, programs, say: console.log });
  try {
    return await use(bed);
  } finally {
    await stop();
  }
}
