import { initContract } from "../contracts/init.ts";
import { sandboxWorld } from "../support/cluster.ts";

initContract("the sandbox", () => sandboxWorld());
