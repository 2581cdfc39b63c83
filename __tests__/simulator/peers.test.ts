import assert from "node:assert/strict";
import test from "node:test";
import { faultIn, peerFaults } from "../../simulator/peers.ts";
import { simulate } from "../../simulator/simulation.ts";

for (const peer of peerFaults) {
  test(`of others, and not here: ${peer.what}`, async () => {
    assert.equal(faultIn(peer, await simulate(peer.scenario)), undefined);
  });
}
