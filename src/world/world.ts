import type { Clock } from "./clock.ts";
import type { Transport } from "./transport.ts";

/**
 * The time, the network and chance. Made once by the entry and handed on; nobody else reads a clock, sets a timer,
 * opens a socket or asks for chance, so that in another world a run is a function of that world alone.
 */
export type World = {
  readonly clock: Clock;
  readonly transport: Transport;
  /** From 0 up to, but not including, 1. */
  readonly random: () => number;
};

/** What requests need: somebody to carry them, and the time that they may take. */
export type Network = Pick<World, "clock" | "transport">;
