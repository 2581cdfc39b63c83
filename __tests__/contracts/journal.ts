import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { configMapJournal } from "../../src/adapters/kubernetes/config-map-journal.ts";
import type { KubernetesClient } from "../../src/adapters/kubernetes/kubernetes-client.ts";
import { emptyLedger } from "../../src/evidence/ledger.ts";
import { resources } from "../../src/kubernetes/object.ts";
import { DeniedError, TakenOverError } from "../../src/lib/errors.ts";
import type { ReleaseRecord } from "../../src/release/release-record.ts";
import { planOf, target } from "../support/world.ts";

/** What a journal needs to be tested: an API server, and namespaces in it. */
export type JournalWorld = {
  readonly client: KubernetesClient;
  readonly createNamespace: () => Promise<string>;
  readonly close: () => Promise<void>;
};

const recordOf = (id: string, more: Partial<ReleaseRecord> = {}): ReleaseRecord => ({
  version: 1,
  target,
  plan: planOf(),
  run: { id, url: `https://ci.example/${id}` },
  startedAt: 1_000,
  before: { routes: { some: "thing" }, workloads: {} },
  state: { phase: "shifting", step: "routing", stage: 1, since: 2_000 },
  stages: [],
  log: [],
  ledger: emptyLedger,
  ...more,
});

/** The facts that a release relies on when it is to survive its job. */
export function journalContract(name: string, setUp: () => Promise<JournalWorld>): void {
  describe(`the journal on ${name}`, () => {
    let world: JournalWorld;
    before(async () => {
      world = await setUp();
    });
    after(() => world.close());

    const open = async () => {
      const namespace = await world.createNamespace();
      return { namespace, journal: () => configMapJournal(world.client, namespace, "reviews") };
    };

    test("a service that was never released has no record", async () => {
      const { journal } = await open();
      assert.equal(await journal().load(), undefined);
    });

    test("what one job saved another one loads, to the letter", async () => {
      const { journal } = await open();
      const record = recordOf("one");
      await journal().save(record);
      assert.deepEqual(await journal().load(), record);
    });

    test("saves that are begun at once end in the order in which they were begun", async () => {
      const { journal } = await open();
      const mine = journal();
      await Promise.all(
        [1, 2, 3].map((stage) =>
          mine.save(recordOf("one", { state: { phase: "baking", stage, since: 0, putBacks: 0 } })),
        ),
      );
      assert.deepEqual((await journal().load())?.state, { phase: "baking", stage: 3, since: 0, putBacks: 0 });
    });

    test("a job whose release another one took over may not save, and hears who has it", async () => {
      const { journal } = await open();
      const first = journal();
      await first.save(recordOf("one"));
      const second = journal();
      await second.load();
      await second.save(recordOf("two"));
      await assert.rejects(first.save(recordOf("one", { state: { phase: "succeeded" } })), (error) => {
        assert.ok(error instanceof TakenOverError);
        assert.match(error.message, /https:\/\/ci\.example\/two/);
        return true;
      });
      assert.equal((await journal().load())?.run.id, "two");
    });

    test("a job that finds its own last save, whose answer was lost, goes on", async () => {
      const { journal } = await open();
      const mine = journal();
      await mine.save(recordOf("one"));
      const elsewhere = journal(); // the same job's save, which this journal has not heard of
      await elsewhere.load();
      await elsewhere.save(
        recordOf("one", { log: [{ at: 1, do: "route", reason: { kind: "giving-weight", weight: 5 } }] }),
      );
      await mine.save(recordOf("one", { state: { phase: "succeeded" } }));
      assert.equal((await journal().load())?.state.phase, "succeeded");
    });

    test("a record of a newer program is refused by its version", async () => {
      const { namespace, journal } = await open();
      await world.client.create(resources.configMaps, namespace, {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name: "istio-canary-reviews" },
        data: { "release.json": '{"version":2}' },
      });
      await assert.rejects(
        journal().load(),
        (error) => error instanceof DeniedError && /has version 2/.test(error.message),
      );
    });
  });
}
