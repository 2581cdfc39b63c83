import assert from "node:assert/strict";
import test from "node:test";
import { detectabilityOf, plan } from "../../src/commands/plan.ts";
import { tellingRefusals } from "../../src/commands/telling-refusals.ts";
import { type PodSpread, usualSpread } from "../../src/evidence/pod-spread.ts";
import type { Count, Tally } from "../../src/evidence/tally.ts";
import { RefusedError, UnreachableError } from "../../src/lib/errors.ts";
import type { ReleaseRecord } from "../../src/release/release-record.ts";
import type { Target } from "../../src/release/target.ts";
import { detectabilityLines } from "../../src/words/detectability-lines.ts";
import type { Notice } from "../../src/words/notice.ts";
import { configured, sound, soundBut } from "../config/configured.ts";
import { alike } from "../support/alike.ts";
import { jumpingClock } from "../support/clock.ts";
import { printedMessages } from "../support/messages.ts";
import { createSession } from "../support/session.ts";
import { createWorld, planOf } from "../support/world.ts";

const count = (requests: number, errors: number): Count => ({ requests, errors, buckets: [] });
const counted = (requests: number, errors: number): Tally => ({
  stable: count(requests, errors),
  canary: count(0, 0),
  unattributed: count(0, 0),
});

type World = {
  readonly serves?: "canary";
  readonly tally?: Tally | { readonly because: string };
  readonly phi?: number;
  readonly spread?: PodSpread;
  readonly manifestImage?: string;
  /** Variables in manifests that nobody fills in. */
  readonly left?: readonly string[];
  /** What the journal has of a release. */
  readonly earlier?: ReleaseRecord;
  /** Gets what is told. */
  readonly told?: Notice[];
};

/** What a plan tells beside a release that the journal has. */
async function noticesOf(earlier: ReleaseRecord | undefined): Promise<readonly Notice[]> {
  const told: Notice[] = [];
  await ask(sound, { ...(earlier && { earlier }), told });
  return told;
}

/** What `plan` says in a world in which nothing forbids the release. */
async function ask(
  file: string,
  {
    serves,
    tally = { because: "Prometheus does not answer" },
    phi = 1,
    spread = alike,
    manifestImage,
    left = [],
    earlier,
    told = [],
  }: World = {},
  inputs = {},
): Promise<string> {
  const messages = printedMessages();
  const session: Parameters<typeof plan>[0] = {
    messages,
    config: { ...(await configured({ file, inputs: { command: "plan", ...inputs } })), filling: { filled: [], left } },
    cluster: { context: "prod-eu-1", host: "10.0.0.1:6443" },
    run: { id: "run-1" },
    stop: new AbortController().signal,
    notices: { tell: async (notice) => void told.push(notice) },
    clock: jumpingClock(),
    journal: { load: async () => earlier },
    manifestImage: () => manifestImage,
    soleServer: async () => serves ?? "stable",
    preflight: () => ({ inspect: async () => [] }),
    history: {
      traffic: async (_target, window) => ("because" in tally ? tally : { ...tally, covered: window }),
      rate: async () => undefined,
      dispersion: async () => ({ phi, because: "measured", spread }),
    },
  };
  assert.equal(await plan(session), 0);
  return messages.printed.join("\n");
}

test("after the stages it stands what they find in the traffic of the last hour, what that costs, and when a good version were safe", async () => {
  const said = await ask(sound, { tally: counted(180_000, 1_800) });
  const [, stages = "", found = ""] = /(.*At least 7m.*?)\n\n(What it finds.*?)\n\n/s.exec(said) ?? assert.fail(said);
  assert.match(
    stages,
    /2\. 10% of the requests for 2m, judged by evidence \(errors, response times and the split; passes when surely not broken; at most 5% of good releases fail\)/,
  );
  const lines = found.split("\n");
  assert.equal(
    lines[0],
    "What it finds in the traffic of the last hour, 50 requests per second, of which 1% fail (100 simulated releases of each kind, seed 1):",
  );
  assert.match(
    lines[1] ?? "",
    /^ {2}a version that fails [\d.]+ times as often \([\d.]+%\) is found in at least 80% of releases, after [\d.]+ failed requests on average$/,
  );
  assert.match(
    lines[2] ?? "",
    /^ {2}one that fails every request is found in 100% of releases, half of the time within \d+s, after \d+ failed requests on average$/,
  );
  assert.match(lines[3] ?? "", /^ {2}a good one could be proven safe after \d+m/);
  assert.equal(lines[4], "  pods of stable do not differ more than chance has them");
  assert.equal(lines.length, 5, "and no warning");
});

test("it says by how much pods differ, and what one canary pod cannot prove therefore", async () => {
  const slow = [
    { le: 10, spread: 0.1 },
    { le: 100, spread: 0.5 },
  ];
  const tally = counted(180_000, 1_800);
  assert.match(
    await ask(sound, { tally, spread: { pods: 10, errors: 0.3, slow } }),
    /\n {2}pods of stable differ by 35% in how often they fail and 64.9% in how often they are slow, so one canary pod proves no less than 1.79 times the failures and 2.63 times the odds of being slow\n/,
  );
  assert.match(
    await ask(sound, { tally, spread: usualSpread }),
    /\n {2}how much healthy pods differ could not be measured and is taken to be 22.1% in how often they fail and .* no less than 1.59 times the failures and 2.54 times the odds of being slow\n/,
  );
});

test("that little traffic shows no small difference is said without alarm, with what would find more", async () => {
  const said = await ask(sound, { tally: counted(7_200, 7) });
  assert.match(
    said,
    /\n {2}what fails less often needs more requests than these stages have; .* at (25|50)% would find one that fails 10 times as often \(0\.972%\)\n/,
  );
  assert.doesNotMatch(said, /^!.*finds/m);
});

test("where nothing can be found it says that", async () => {
  const said = await ask(soundBut("stages: 1:1m"), { tally: counted(72, 1) });
  assert.match(said, /\n {2}one that fails every request is found in [\d.]+% of releases\n/);
  assert.match(
    said,
    /\n! At 0\.02 requests per second this plan finds nothing, not even a version that fails every request, in 80% of releases; /,
  );
});

test("a service that never failed is compared with nothing", async () => {
  const said = await ask(sound, { tally: counted(180_000, 0) });
  assert.match(said, /50 requests per second, of which none failed/);
  assert.match(said, /a version that fails in [\d.]+% of its requests is found/);
  assert.doesNotMatch(said, /times as often/);
});

test("without evidence, without an answer and without requests one sentence says why there is no figure", async () => {
  assert.match(
    await ask(soundBut("gates: [{ restarts: {} }]"), { tally: counted(9, 9) }),
    /\nWhat this plan would find cannot be said: no stage is judged by evidence \(gates: auto\)\.\n/,
  );
  assert.match(await ask(sound), /\nWhat this plan would find cannot be said: Prometheus does not answer\.\n/);
  assert.match(
    await ask(sound, { tally: counted(0, 0) }),
    /cannot be said: Prometheus counted no request of reviews-v1 in the last 1h\.\n/,
  );
});

test("for a program the same is JSON", async () => {
  const { detectability, allowed } = JSON.parse(await ask(sound, { tally: counted(180_000, 1_800) }, { json: "true" }));
  assert.equal(allowed, true);
  assert.deepEqual(detectability.traffic, { rate: 50, baseline: 0.01 });
  assert.ok(detectability.smallest.found >= 0.8 && detectability.dead.found === 1 && detectability.safeAfter > 0);
  const { detectability: unknown } = JSON.parse(await ask(sound, {}, { json: "true" }));
  assert.deepEqual(unknown, { because: "Prometheus does not answer" });
});

test("errors in clusters, as they are measured, make a plan find less", async () => {
  const found = async (phi: number) => {
    const { detectability } = JSON.parse(await ask(sound, { tally: counted(36_000, 360), phi }, { json: "true" }));
    return detectability.smallest.ratio;
  };
  assert.ok((await found(5)) > (await found(1)));
});

test("only stages that evidence judges count, and not the one with all traffic", async () => {
  const { release } = await configured({
    file: soundBut(
      "stages: [{ weight: 10, wait: 20m, gates: [{ restarts: {} }] }, { weight: 20, wait: 1m }, { weight: 100, wait: 20m }]",
    ),
  });
  const { target, plan } = release ?? assert.fail();
  const desk = {
    traffic: async (_target: Target, window: number) => ({ ...counted(18_000, 180), covered: window }),
    rate: async () => undefined,
    dispersion: async () => ({ phi: 1, because: "", spread: alike }),
  };
  const all = await detectabilityOf(desk, target, plan);
  const [, second] = plan.stages;
  assert.deepEqual(all, await detectabilityOf(desk, target, { ...plan, stages: second ? [second] : [] }));
  assert.ok(detectabilityLines(all).length > 3);
});

test("a plan that waits for safety, or that ends early, says so at its gate", async () => {
  const said = await ask(soundBut("evidence: { requires: safe, early: true, alpha: 1% }"));
  assert.match(
    said,
    /evidence \(errors, response times and the split; passes when surely safe, before its time when surely safe; at most 1% of good releases fail\)/,
  );
});

test("the plan begins with the cluster, and after a swap with which version the last release made stable", async () => {
  const [first, second] = (await ask(sound)).split("\n");
  assert.equal(first, "Cluster prod-eu-1 (10.0.0.1:6443)");
  assert.match(second ?? "", /^Release of shop\/reviews: reviews-v2 gets/);
  const exchanged = (await ask(sound, { serves: "canary" })).split("\n");
  assert.deepEqual(exchanged.slice(0, 2), [
    first,
    "The last release made reviews-v2 the stable version: this one goes to reviews-v1 (the file's roles are exchanged).",
  ]);
  assert.match(exchanged[2] ?? "", /: reviews-v1 gets .*, next to reviews-v2\.$/);
});

test("the image that stands in the manifest alone is named, in words and for a program", async () => {
  const world = { manifestImage: "registry.test/pay:v6" };
  const file = sound.replace("canary: {", "canary: { from: existing,");
  assert.match(await ask(file, world), /: reviews-v2 gets registry\.test\/pay:v6 \(from the manifest\), next to/);
  assert.equal(JSON.parse(await ask(file, world, { json: "true" })).image, "registry.test/pay:v6");
});

test("it says when the stages' own deadlines go beyond the release's, for a release that is extended", async () => {
  const inTime = await ask(soundBut("stages: 10:1m, 100\ngates: [{ restarts: {} }]\nmetrics: { source: none }"));
  assert.match(inTime, /^At least 1m, at most 1h \(deadlines\.release\)\. On a failing gate/m);
  const long =
    "stages: [{ weight: 10, wait: 1m, deadline: 2h }, 100]\ngates: [{ restarts: {} }]\nmetrics: { source: none }";
  assert.match(
    await ask(soundBut(long)),
    /^At least 1m, at most 1h \(deadlines\.release\), though the stages' own deadlines and the start may take 2h5m: one that is extended so long is rolled back\. On/m,
  );
});

test("a first deployment is told without a version to go back to, and without stages", async () => {
  const said = await ask(sound, {}, { "first-deploy": "true" });
  assert.match(said, /^Release of shop\/reviews: reviews-v2 gets .*, and all requests at once\.$/m);
  assert.match(said, /^At most 1h\. There is no version to go back to: /m);
  assert.doesNotMatch(said, /At least|next to|On a failing gate/);
});

test("a release that has not ended stands among what was found", async () => {
  const earlier = await createWorld(planOf()).begin();
  assert.match(
    await ask(sound, { earlier }),
    /! shop\/reviews: the release of registry\.test\/reviews:v2 has not ended: /,
  );
});

test("variables of manifests that stay as they are stand among what was found, and forbid nothing", async () => {
  assert.match(await ask(sound, { left: ["HOME"] }), /· Manifests have \$\{HOME\} in them, which stays as it is\./);
});

test("a plan is told with what was found, and whether a release is open", async () => {
  const record = await createWorld(planOf()).begin();
  for (const [earlier, open] of [
    [undefined, undefined],
    [record, record.startedAt],
    [{ ...record, state: { phase: "succeeded" as const } }, undefined],
  ] as const) {
    const told = await noticesOf(earlier);
    const [notice, ...others] = told;
    assert.deepEqual(others, []);
    assert.equal(notice?.kind, "planned");
    assert.deepEqual(notice?.journal, { open });
  }
});

test("a plan or a release that is refused before anything was looked at tells why, and throws it all the same", async () => {
  const told: Notice[] = [];
  const { session } = await createSession();
  const refused = new RefusedError("several routes send to reviews", { next: "Name one." });
  const work = tellingRefusals(async () => Promise.reject(refused));
  const notices = { tell: async (notice: Notice) => void told.push(notice) };
  await assert.rejects(work({ ...session, notices }), refused);
  assert.deepEqual(
    told.map((notice) => notice.kind === "refused" && notice.lines),
    [["several routes send to reviews", "Name one."]],
  );
  const failing = tellingRefusals(async () => Promise.reject(new UnreachableError("no answer")));
  await assert.rejects(failing({ ...session, notices: { tell: async () => assert.fail("it may have begun") } }));
});
