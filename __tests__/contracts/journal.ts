import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { emptyLedger } from "../../src/evidence/ledger.ts";
import { emptyTally } from "../../src/evidence/tally.ts";
import { DeniedError, TakenOverError } from "../../src/lib/errors.ts";
import type { Journal } from "../../src/ports/journal.ts";
import type { LogEntry, ReleaseRecord } from "../../src/release/release-record.ts";
import { planOf, target } from "../support/world.ts";

/** The journal of one service that was never released. */
export type JournalOfService = {
  readonly namespace: string;
  /** As another job opens it. */
  readonly open: () => Journal;
  /** Puts a text where the record is kept, as another program would. */
  readonly store: (text: string) => Promise<void>;
  /** Takes it away, as a person would. */
  readonly remove: () => Promise<void>;
};

export type JournalWorld = {
  readonly newService: () => Promise<JournalOfService>;
  readonly close: () => Promise<void>;
};

export const recordOf = (id: string, more: Partial<ReleaseRecord> = {}): ReleaseRecord => ({
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

/** The facts that a release relies on when it is to survive its job, for any adapter of the port. */
export function journalContract(name: string, setUp: () => Promise<JournalWorld>): void {
  describe(`journal: ${name}`, () => {
    let world: JournalWorld;
    before(async () => {
      world = await setUp();
    });
    after(() => world.close());

    /** A new service, and records of its releases. */
    async function newService() {
      const made = await world.newService();
      const own = { ...target, namespace: made.namespace };
      const record = (id: string, more: Partial<ReleaseRecord> = {}) => recordOf(id, { target: own, ...more });
      return { ...made, target: own, recordOf: record };
    }

    test("a service that was never released has no record", async () => {
      const { open } = await newService();
      assert.equal(await open().load(), undefined);
    });

    test("what one job saved another one loads, to the letter", async () => {
      const { open, recordOf } = await newService();
      const record = recordOf("one");
      await open().save(record);
      assert.deepEqual(await open().load(), record);
    });

    test("saves that are begun at once end in the order in which they were begun", async () => {
      const { open, recordOf } = await newService();
      const mine = open();
      await Promise.all(
        [0, 1, 2].map((stage) =>
          mine.save(recordOf("one", { state: { phase: "baking", stage, since: 0, putBacks: 0 } })),
        ),
      );
      assert.deepEqual((await open().load())?.state, { phase: "baking", stage: 2, since: 0, putBacks: 0 });
    });

    test("a job whose release another one took over may not save, hears who has it, and is not believed when it asks again", async () => {
      const { open, recordOf } = await newService();
      const first = open();
      await first.save(recordOf("one"));
      const second = open();
      await second.load();
      await second.save(recordOf("two"));
      await assert.rejects(first.save(recordOf("one", { state: { phase: "succeeded" } })), (error) => {
        assert.ok(error instanceof TakenOverError);
        assert.match(error.message, /^another job \(.+\) took over the release of .+; this one has stopped$/);
        assert.match(error.message, /https:\/\/ci\.example\/two/);
        return true;
      });
      await assert.rejects(first.confirm(), TakenOverError);
      await assert.rejects(first.save(recordOf("one", { state: { phase: "succeeded" } })), TakenOverError);
      assert.equal((await open().load())?.run.id, "two");
    });

    test("whose the release is can be asked without saving", async () => {
      const { open, recordOf } = await newService();
      const first = open();
      await first.save(recordOf("one"));
      await first.confirm();
      const second = open();
      await second.load();
      await second.save(recordOf("two"));
      await assert.rejects(first.confirm(), TakenOverError);
      await second.confirm();
    });

    test("a step that is still at an earlier release of its own job has lost it, too", async () => {
      const { open, recordOf } = await newService();
      const first = open();
      await first.save(recordOf("one"));
      const second = open();
      await second.load();
      await second.save(recordOf("one", { startedAt: 2_000 }));
      await assert.rejects(first.save(recordOf("one", { state: { phase: "succeeded" } })), TakenOverError);
      assert.equal((await open().load())?.startedAt, 2_000);
    });

    test("a journal that vanished while its job lives is written again, with the next save or the next asking", async () => {
      const { open, remove, store, recordOf } = await newService();
      const mine = open();
      await mine.save(recordOf("one"));
      await remove();
      await mine.save(recordOf("one", { state: { phase: "succeeded" } }));
      assert.equal((await open().load())?.state.phase, "succeeded");
      await remove();
      await mine.confirm();
      assert.equal((await open().load())?.state.phase, "succeeded");
      await remove();
      await store("somebody's fingers");
      await mine.save(recordOf("one"));
      assert.deepEqual(await open().load(), recordOf("one"));
    });

    test("unless another job's is there by now", async () => {
      for (const ask of ["save", "confirm"] as const) {
        const { open, remove, recordOf } = await newService();
        const mine = open();
        await mine.save(recordOf("one"));
        await remove();
        await open().save(recordOf("two"));
        await assert.rejects(ask === "save" ? mine.save(recordOf("one")) : mine.confirm(), TakenOverError);
        assert.equal((await open().load())?.run.id, "two");
      }
    });

    test("a job that finds its own last save, whose answer was lost, goes on", async () => {
      const { open, recordOf } = await newService();
      const mine = open();
      await mine.save(recordOf("one"));
      const elsewhere = open(); // the same job's save, which this journal has not heard of
      await elsewhere.load();
      await elsewhere.save(
        recordOf("one", { log: [{ at: 1, do: "route", reason: { kind: "giving-weight", weight: 5 } }] }),
      );
      await mine.confirm();
      await mine.save(recordOf("one", { state: { phase: "succeeded" } }));
      assert.equal((await open().load())?.state.phase, "succeeded");
    });

    test("a story that there is no room for is cut; what finishing and giving back need is kept", async () => {
      const { open, recordOf } = await newService();
      const mine = open();
      const words = "no answer ".repeat(1_000);
      const log: readonly LogEntry[] = Array.from({ length: 200 }, (_, at) => ({
        at,
        do: "retry",
        reason: { kind: "trying-again", words: `${words}${at}` },
      }));
      const whole = recordOf("one", { log });
      await mine.save(whole);
      const saved = (await open().load()) ?? assert.fail();
      assert.deepEqual({ ...saved, log: [] }, { ...whole, log: [] });
      assert.deepEqual(saved.log, log.slice(-20));
      await mine.save(
        recordOf("one", {
          log: log.map((entry) => ({ ...entry, reason: { kind: "trying-again", words: words.repeat(6) } })),
        }),
      );
      assert.deepEqual((await open().load())?.log, []);
    });

    test("what programs printed goes first where there is no room, and the story stays", async () => {
      const { open, recordOf } = await newService();
      const log: readonly LogEntry[] = Array.from({ length: 100 }, (_, at) => ({
        ...{ at, do: "route", reason: { kind: "giving-weight", weight: 5 } },
      }));
      const stage = { stage: 0, name: "5%", weight: 5, since: 0, verdicts: [], polls: 0, tally: emptyTally };
      const mine = open();
      const outputs = Object.fromEntries(Array.from({ length: 150 }, (_, gate) => [`g${gate}`, '"'.repeat(4_000)]));
      await mine.save(recordOf("one", { log, stages: [{ ...stage, outputs }] }));
      const saved = (await open().load()) ?? assert.fail();
      assert.deepEqual([saved.log.length, saved.stages], [100, [stage]]);
    });

    test("a release that would leave no room for its story is refused when it begins, by its sizes", async () => {
      const { open, recordOf, target } = await newService();
      const objects = [{ kind: "ConfigMap", data: { text: "x".repeat(950_000) } }];
      const begun = recordOf("one", {
        target: { ...target, source: { from: "manifests", objects } },
        state: { phase: "preparing", step: "deploying", since: 0 },
      });
      await assert.rejects(open().save(begun), (error) => {
        assert.ok(error instanceof DeniedError);
        assert.match(
          error.message,
          /the journal of this release is too large, 95\d,\d+ bytes without its story \(its target with the manifests 95\d,\d+, .+\)\. A ConfigMap holds 1,048,576/,
        );
        return true;
      });
      assert.equal(await open().load(), undefined);
    });

    test("a record that no ConfigMap holds is refused, and what was saved before stays", async () => {
      const { open, recordOf } = await newService();
      const mine = open();
      await mine.save(recordOf("one"));
      const before = { routes: "x".repeat(1_100_000), workloads: {} };
      await assert.rejects(mine.save(recordOf("one", { before })), /is too large, 1,10\d,\d+ bytes without its story/);
      assert.deepEqual(await open().load(), recordOf("one"));
    });

    for (const [damage, text, complaint] of [
      ["is cut off", '{"version":1,"target":{"names', /the text: expected an object/],
      ["is empty", "", /the text: expected an object/],
      ["lacks nearly everything", '{"version":1}', /target: expected an object/],
      [
        "names a phase that there is not",
        JSON.stringify({ ...recordOf("one"), state: { phase: "nonsense" } }),
        /state\.phase: /,
      ],
    ] as const) {
      test(`a journal that ${damage} is told by its place, with the way back by hand`, async () => {
        const { open, store } = await newService();
        await store(text);
        await assert.rejects(open().load(), (error) => {
          assert.ok(error instanceof DeniedError);
          assert.match(error.message, complaint);
          assert.match(error.message, /^ConfigMap \S+\/\S+: release\.json is no journal/);
          assert.match(error.next ?? "", /give stable its traffic by hand/);
          return true;
        });
      });
    }

    for (const [whose, strange, complaint] of [
      ["another namespace", { namespace: "payments" }, /target\.namespace: payments, and not \S+\./],
      ["another service", { service: "bank" }, /target\.service: bank, and not reviews\./],
      [
        "a host in another namespace",
        { stable: { deployment: "reviews-v1", host: "bank.payments.svc.cluster.local" } },
        /the host bank\.payments\.svc\.cluster\.local is not in the namespace/,
      ],
    ] as const) {
      test(`a journal of ${whose} is refused, with the way back by hand and who wrote it`, async () => {
        const { open, recordOf, target } = await newService();
        await open().save(recordOf("one", { target: { ...target, ...strange } }));
        await assert.rejects(open().load(), (error) => {
          assert.ok(error instanceof DeniedError);
          assert.match(error.message, complaint);
          assert.match(
            error.next ?? "",
            /kubectl -n \S+ edit virtualservices.*delete configmap.*--show-managed-fields/,
          );
          return true;
        });
      });
    }

    test("a record of a newer program is refused by its version", async () => {
      const { open, store } = await newService();
      await store('{"version":2}');
      await assert.rejects(
        open().load(),
        (error) => error instanceof DeniedError && /has version 2/.test(error.message),
      );
    });
  });
}
