import assert from "node:assert/strict";
import type { Server } from "node:http";
import type { TestContext } from "node:test";

/** Lets a server listen on loopback until its test is over, and gives its URL. */
export async function listening(t: TestContext, server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  return `http://127.0.0.1:${address.port}`;
}
