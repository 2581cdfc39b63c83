import { journalContract } from "../../contracts/journal.ts";
import { lockContract } from "../../contracts/lock.ts";
import { configMapJournals, leaseLocks } from "../../contracts/on-cluster.ts";
import { sandboxWorld } from "../../support/cluster.ts";

journalContract("ConfigMaps in the sandbox", async () => configMapJournals(await sandboxWorld()));
lockContract("Leases in the sandbox", async () => leaseLocks(await sandboxWorld()));
