import { journalContract } from "../../contracts/journal.ts";
import { lockContract } from "../../contracts/lock.ts";
import { sandboxWorld } from "../../support/cluster.ts";

journalContract("the sandbox", sandboxWorld);
lockContract("the sandbox", sandboxWorld);
