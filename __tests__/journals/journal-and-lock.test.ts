import { startApiServer } from "../../src/sandbox/api-server/api-server.ts";
import { type JournalWorld, journalContract } from "../contracts/journal.ts";
import { lockContract } from "../contracts/lock.ts";
import { clientOf } from "../support/cluster.ts";

async function sandbox(): Promise<JournalWorld> {
  const server = await startApiServer();
  const client = clientOf(server);
  let namespaces = 0;
  return {
    client,
    async createNamespace() {
      const name = `shop-${++namespaces}`;
      server.apply([{ apiVersion: "v1", kind: "Namespace", metadata: { name } }]);
      return name;
    },
    async close() {
      await client.close();
      await server.close();
    },
  };
}

journalContract("the sandbox", sandbox);
lockContract("the sandbox", sandbox);
