import assert from "node:assert/strict";
import test from "node:test";
import { rehearse } from "../../src/commands/rehearse.ts";
import type { Desk } from "../../src/commands/session.ts";
import type { Count, Tally } from "../../src/evidence/tally.ts";
import { RefusedError } from "../../src/lib/errors.ts";
import { rehearseKinds } from "../../src/rehearsal/rehearse-kinds.ts";
import { configured, type Situation, sound, soundBut } from "../config/configured.ts";
import { alike } from "../support/alike.ts";
import { printedMessages } from "../support/messages.ts";

const count = (requests: number, errors: number): Count => ({ requests, errors, buckets: [] });
const tallyOf = (stable: Count, canary: Count): Tally => ({ stable, canary, unattributed: count(0, 0) });

type Prometheus = {
  readonly tally?: Tally | { readonly because: string };
  readonly phi?: number;
  readonly rate?: number;
};

/** What the command says, and its exit code. Without a Prometheus nobody may be asked. */
async function ask(
  { inputs = {}, ...situation }: Situation,
  { tally, phi, rate }: Prometheus = {},
): Promise<{ readonly code: number; readonly said: string }> {
  const messages = printedMessages();
  const desk: Desk = {
    messages,
    config: await configured({ ...situation, inputs: { command: "rehearse", "rehearse-runs": "30", ...inputs } }),
    history: {
      async traffic(_target, window) {
        assert.equal(window, 3_600_000);
        if (!tally) return assert.fail("nobody may be asked");
        return "because" in tally ? tally : { ...tally, covered: window };
      },
      rate: async () => rate,
      dispersion: async () => ({ phi: phi ?? assert.fail("nobody may be asked"), because: "measured", spread: alike }),
    },
    readFile: () => assert.fail("nothing is read"),
    writePage: () => assert.fail("a rehearsal writes nothing"),
  };
  return { code: await rehearse(desk), said: messages.printed.join("\n") };
}

test("whoever looks on sees how far a rehearsal is, a hundred times at most, and nothing of it when it is over", async () => {
  const seen: (string | undefined)[] = [];
  const desk: Desk = {
    messages: printedMessages(),
    config: await configured({ inputs: { command: "rehearse", "rehearse-runs": "30", ...given } }),
    history: {
      traffic: () => assert.fail("nobody may be asked"),
      rate: () => assert.fail("nobody may be asked"),
      dispersion: () => assert.fail("nobody may be asked"),
    },
    readFile: () => assert.fail("nothing is read"),
    writePage: () => assert.fail("a rehearsal writes nothing"),
    underWay: (line) => void seen.push(line),
  };
  assert.equal(await rehearse(desk), 0);
  assert.equal(seen[0], "rehearsing: 0% of 150 releases");
  assert.deepEqual(seen.slice(-2), ["rehearsing: 99% of 150 releases", undefined]);
  assert.ok(seen.length <= 101, `${seen.length} lines`);
});

/** As JSON has it. */
const written = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

const given = {
  stages: "5:5m, 25:5m, 100",
  "metrics-interval": "15s",
  "rehearse-rate": "50",
  "rehearse-errors": "1%",
};
/** 50 requests per second, one in a hundred fails. */
const usual = tallyOf(count(180_000, 1_800), count(0, 0));

test("a plan is rehearsed offline before given requests, and what it does is said in a table and in sentences", async () => {
  const { code, said } = await ask({ inputs: given });
  const lines = said.split("\n");
  assert.equal(code, 0);
  assert.deepEqual(lines.slice(0, 4), [
    "30 rehearsed releases of each kind of canary (seed 1), before 50 requests per second, of which 1% fail (given).",
    "Stages: 5% for 5m, 25% for 5m, 100%; looked at every 15s.",
    "No Prometheus is configured: the proxies count the requests.",
    "",
  ]);
  assert.match(
    lines[4] ?? "",
    /^the canary fails +rolled back +held +released +until rollback \(9 in 10\) +failed requests \(too many\) +until promotion$/,
  );
  assert.match(lines[5] ?? "", /^as often as stable \(1%\) +0% +0% +100% +— +\d+(\.\d)? \(0\) +10m2s$/);
  assert.match(lines[9] ?? "", /^every request +100% +0% +0% +\d+s \(\d+s\) +[\d.]+ \([\d.]+\) +—$/);
  assert.equal(lines[11], "This plan rolls a healthy version back in 0% of releases; a good release takes 10m2s.");
  assert.match(
    lines[12] ?? "",
    /^A version that fails every request is rolled back in 100% of releases, half of them within \d+s, after [\d.]+ failed requests on average\.$/,
  );
});

test("JSON has the same figures, and another seed gives others", async () => {
  const { said } = await ask({ inputs: { ...given, json: "true", "rehearse-seed": "3" } });
  const { traffic, runs, seed, kinds, plan, unrehearsed } = JSON.parse(said);
  assert.deepEqual(
    [traffic, runs, seed, unrehearsed],
    [{ rate: 50, baseline: 0.01, phi: 1, from: "given" }, 30, 3, []],
  );
  assert.deepEqual(kinds, written(rehearseKinds(plan, traffic, { runs: 30, seed: 3 })));
});

test("the service's own requests are those of the last hour, and its errors as clustered as they were", async () => {
  const { said } = await ask({ file: sound }, { tally: usual, phi: 2.5 });
  assert.match(
    said,
    /before 50 requests per second, of which 1% fail \(the last hour, by Prometheus\), in clusters \(φ 2\.5\)\.\n/,
  );
  assert.doesNotMatch(said, /No Prometheus is configured/);
  const { said: json } = await ask({ file: sound, inputs: { json: "true" } }, { tally: usual, phi: 2.5 });
  const { plan, kinds } = JSON.parse(json);
  assert.equal(plan.evidence.settings.dispersion.phi, 2.5);
  assert.deepEqual(kinds, written(rehearseKinds(plan, { rate: 50, baseline: 0.01 }, { runs: 30, seed: 1 })));
});

test("what the service got counts where it is known, and not what its two Deployments answered", async () => {
  const { said } = await ask({ file: sound }, { tally: usual, phi: 1, rate: 120 });
  assert.match(said, /before 120 requests per second, of which 1% fail \(the last hour, by Prometheus\)/);
});

test("what is given wins over what Prometheus says, one by one", async () => {
  const { said } = await ask({ file: sound, inputs: { "rehearse-errors": "3%" } }, { tally: usual, phi: 1 });
  assert.match(said, /before 50 requests per second, of which 3% fail/);
  const { said: other } = await ask({ file: sound, inputs: { "rehearse-rate": "7" } }, { tally: usual, phi: 1 });
  assert.match(other, /before 7 requests per second, of which 1% fail/);
});

test("after a swap it is the other Deployment that has the requests", async () => {
  const { said } = await ask({ file: sound }, { tally: tallyOf(count(0, 0), count(180_000, 3_600)), phi: 1 });
  assert.match(said, /before 50 requests per second, of which 2% fail/);
});

test("a dispersion that somebody configured is not measured", async () => {
  const { said } = await ask({ file: soundBut("evidence: { dispersion: 3 }") }, { tally: usual });
  assert.match(said, /in clusters \(φ 3\)/);
});

test("without an answer, and without requests, it says so and how to go on", async () => {
  const silent = await ask({ file: sound }, { tally: { because: "Prometheus does not answer" } });
  assert.equal(silent.code, 3);
  assert.match(
    silent.said,
    /cannot be rehearsed .*: Prometheus does not answer\. Give rehearse-rate and rehearse-errors/,
  );
  const idle = await ask({ file: sound }, { tally: tallyOf(count(0, 0), count(0, 0)) });
  assert.equal(idle.code, 3);
  assert.match(idle.said, /Prometheus counted no request of reviews-v1 in the last 1h/);
});

test("with a Prometheus and no service it is refused", async () => {
  const inputs = { stages: "10:2m", prometheus: "http://prometheus:9090" };
  await assert.rejects(
    ask({ inputs }),
    (error) => error instanceof RefusedError && /rehearse-rate/.test(error.next ?? ""),
  );
});

test("what cannot be rehearsed is named, and so are approvals", async () => {
  const stages =
    "- { weight: 10, wait: 2m, approval: true, gates: [auto, { latency: { atMost: 1s } }, { query: up, atLeast: 1, name: lag }] }";
  const { said } = await ask({ inputs: { ...given, stages } });
  assert.match(said, /\nNot rehearsed, and taken as passed: latency p99, lag\.\n/);
  assert.match(said, /\nApprovals are taken as given at once\.\n/);
});

test("a plan that judges nothing is said to miss everything", async () => {
  const { said } = await ask({ inputs: { ...given, gates: "[{ restarts: {} }]" } });
  assert.match(said, /\nA version that fails every request is never rolled back by this plan\.\n/);
  assert.match(
    said,
    /\nA version that fails 10 times as often as stable is released all the same in 100% of releases\.$/,
  );
});

test("a plan that decides nothing at so little traffic leaves it to somebody, and goes back where nothing came", async () => {
  const { said } = await ask({ inputs: { ...given, "rehearse-rate": "0.02" } });
  assert.match(
    said,
    /\nThis plan rolls a healthy version back in 46\.7% of releases \(in 46\.7% because time ran out\) and leaves 53\.3% of them to somebody to decide\.\n/,
  );
});
