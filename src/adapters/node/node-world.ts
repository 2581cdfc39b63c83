import { randomInt } from "node:crypto";
import type { World } from "../../world/world.ts";
import { nodeClock } from "./node-clock.ts";
import { nodeTransport } from "./node-transport.ts";

const steps = 2 ** 47;

/** The world that a process of Node is in. `proxyOf` names the HTTP proxy on the way to a URL, if there is one. */
export const nodeWorld = (proxyOf?: (url: URL) => string | undefined): World => ({
  clock: nodeClock,
  transport: nodeTransport(proxyOf),
  random: () => randomInt(steps) / steps,
});
