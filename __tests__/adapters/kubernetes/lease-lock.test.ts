import assert from "node:assert/strict";
import test from "node:test";
import type { KubernetesClient } from "../../../src/adapters/kubernetes/kubernetes-client.ts";
import { leaseLock } from "../../../src/adapters/kubernetes/lease-lock.ts";
import { textAt } from "../../../src/kubernetes/field.ts";
import { resources } from "../../../src/kubernetes/object.ts";
import { handClock } from "../../support/clock.ts";
import { inCluster } from "../../support/cluster.ts";

const start = Date.UTC(2026, 0, 1);
const lockOf = (client: KubernetesClient, clock = handClock(start)) =>
  leaseLock({ client, namespace: "default", service: "reviews", clock, force: false });

test("a job that is a moment too late hears who was faster", () =>
  inCluster([], async ({ client }) => {
    const overtaken: KubernetesClient = {
      ...client,
      async get(...request) {
        const lease = await client.get(...request);
        if (!lease) await lockOf(client).acquire({ id: "two" });
        return lease;
      },
    };
    const answer = await lockOf(overtaken).acquire({ id: "one" });
    assert.ok("heldBy" in answer);
    assert.equal(answer.heldBy.id, "two");
  }));

test("a renewal that fails for another reason is no loss, and the next one makes up for it", () =>
  inCluster([], async ({ client, server }) => {
    const clock = handClock(start);
    const held = await lockOf(client, clock).acquire({ id: "one" });
    assert.ok("lost" in held);
    server.fail({ method: "PUT", path: "leases", status: 403 });
    await clock.advance(10_000);
    await clock.advance(10_000);
    assert.equal(held.lost.aborted, false);
    const lease = await client.get(resources.leases, "default", "istio-canary-reviews");
    assert.equal(textAt(lease, "spec", "renewTime"), "2026-01-01T00:00:20.000000Z");
    await held.release();
  }));
