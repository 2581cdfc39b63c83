import assert from "node:assert/strict";
import test from "node:test";
import { stripVTControlCharacters } from "node:util";
import { log, type Voice } from "../../../src/adapters/terminal/log.ts";
import { progress } from "../../../src/adapters/terminal/progress.ts";
import type { Screen } from "../../../src/adapters/terminal/screen.ts";
import type { Account } from "../../../src/release/account.ts";
import type { Reason } from "../../../src/release/reason.ts";
import type { LogEntry } from "../../../src/release/release-record.ts";
import { proofIn } from "../../../src/words/evidence-part.ts";
import { timeOf } from "../../../src/words/timestamp.ts";
import { verdictSentence } from "../../../src/words/verdict-sentence.ts";
import { handClock } from "../../support/clock.ts";
import { assertGolden } from "../../support/golden.ts";
import { told } from "../../support/told.ts";
import { evidencePlan, evidenceSamples, evidenceTale, evidenceTales } from "../../words/evidence-tale.ts";
import { samples, start } from "../../words/sample.ts";
import { tale } from "../../words/tale.ts";

function recording(columns?: number): { readonly screen: Screen; readonly text: () => string } {
  let written = "";
  return {
    screen: {
      columns,
      write(text) {
        written += text;
      },
    },
    text: () => written,
  };
}

const quiet = { coloured: false, stop: new AbortController().signal };

const esc = String.fromCharCode(27);
const wipe = new RegExp(`\\r(?:${esc}\\[\\d+A)?${esc}\\[J`);

/** What was written between two wipes: lines that stay, or a frame that was alive until the next wipe. */
const parts = (text: string): readonly string[] => text.split(wipe);
const stays = (text: string): string =>
  parts(text)
    .filter((part) => part.endsWith("\n"))
    .join("");
const frames = (text: string): readonly string[] => parts(text).filter((part) => part !== "" && !part.endsWith("\n"));

async function tell(voice: Voice, told: readonly Account[] = tale()): Promise<void> {
  for (const account of told) voice.report(account);
  await voice.flush(1_000);
}

test("a runner's log has a group for each part, the time of everything, and the outcome as an annotation", async () => {
  const { screen, text } = recording();
  await tell(log({ screen, actions: true, verbose: false }));
  assertGolden("log/actions.txt", text());
});

test("a log elsewhere is plain lines", async () => {
  const { screen, text } = recording();
  await tell(log({ screen, actions: false, verbose: false }));
  assertGolden("log/plain.txt", text());
  assert.doesNotMatch(text(), /::/);
});

test("a terminal keeps what happened, with the release as it stands below it", async () => {
  const { screen, text } = recording(120);
  await tell(progress({ screen, clock: handClock(start + 85_000), verbose: false, ...quiet }));
  assertGolden("log/terminal.txt", parts(text()).join("⟲"));
});

test("a step that is taken again and again is told once, and so is why it failed", () => {
  const { screen, text } = recording();
  const voice = log({ screen, actions: false, verbose: false });
  const running = samples.running ?? assert.fail();
  const entry = (at: number, what: string, reason: Reason): LogEntry => ({ at: running.now + at, do: what, reason });
  const before = [...running.log, entry(0, "nothing", told("it was bad"))];
  const failed = entry(2, "retry", { kind: "trying-again", words: "the webhook says no" });
  for (const tail of [
    [entry(1, "finish", told("it was bad"))],
    [failed, entry(3, "finish", told("it was bad"))],
    [failed, entry(4, "finish", told("it was bad"))],
  ]) {
    voice.report({ ...running, log: [...before, ...tail] });
  }
  assert.deepEqual(
    [...text().matchAll(/it was bad|the webhook says no; trying again/g)].map(([words]) => words),
    ["it was bad", "the webhook says no; trying again"],
  );
});

test("no line of a frame is wider than the terminal, none is cut, and time goes on by whatever clock the machine has", async () => {
  const { screen, text } = recording(60);
  const clock = handClock(start - 600_000);
  const voice = progress({ screen, clock, verbose: false, ...quiet });
  voice.report(samples.running ?? assert.fail());
  await clock.advance(9_000);
  const frame = frames(text()).at(-1) ?? "";
  assert.ok(frame.split("\n").every(({ length }) => length <= 59));
  assert.match(frame, /^ {2}▶ 2 {2}25% {3}█+░+ 3m51s left$/m);
  assert.doesNotMatch(frame, /…$/m);
  void voice.flush(0);
});

test("a terminal of few lines gets as many as it has", () => {
  const { screen, text } = recording(80);
  const voice = progress({ screen: { ...screen, rows: 5 }, clock: handClock(start), verbose: false, ...quiet });
  voice.report(samples.running ?? assert.fail());
  assert.equal(frames(text()).at(-1)?.split("\n").length, 4);
  void voice.flush(0);
});

test("Ctrl-C is answered at once, once, and only while it changes what happens", () => {
  const answered = (account: Account): string => {
    const { screen, text } = recording(200);
    const stop = new AbortController();
    const voice = progress({ screen, clock: handClock(start), verbose: false, coloured: false, stop: stop.signal });
    voice.report(account);
    stop.abort();
    void voice.flush(0);
    return stays(text());
  };
  assert.equal(
    answered(samples.running ?? assert.fail()).match(/^Stopping: reviews-v1 gets all traffic back/gm)?.length,
    1,
  );
  const goingBack = evidenceTales["rolled-back-by-evidence"].find(({ state }) => state.phase === "rolling-back");
  assert.doesNotMatch(answered(goingBack ?? assert.fail()), /Stopping/);
});

test("who only looks on sees the release as it stands, and no word on a Ctrl-C that would end nothing", () => {
  const { screen, text } = recording(80);
  const voice = progress({ screen, clock: handClock(start), verbose: false, coloured: false, stop: undefined });
  voice.report(samples.running ?? assert.fail());
  assert.match(frames(text()).at(-1) ?? "", /▶ 2 {2}25%[\s\S]* canary {3}25% planned, 24\.3% counted$/);
  assert.doesNotMatch(text(), /Ctrl-C/);
  void voice.flush(0);
});

test("colours say nothing that the words do not, and are left out where nobody wants them", () => {
  const shown = (coloured: boolean): string => {
    const { screen, text } = recording(200);
    const voice = progress({ screen, clock: handClock(start), verbose: false, ...quiet, coloured });
    voice.report(samples.running ?? assert.fail());
    void voice.flush(0);
    return frames(text()).at(-1) ?? "";
  };
  assert.ok(shown(true).includes(`${esc}[33m  ▶ 2 `));
  assert.equal(stripVTControlCharacters(shown(true)), shown(false));
});

test("what comes from outside cannot give the runner a command", () => {
  const { screen, text } = recording();
  const voice = log({ screen, actions: true, verbose: false });
  voice.warn("100%\n::error::no");
  voice.report({
    ...(tale()[0] ?? assert.fail()),
    log: [
      {
        at: start,
        do: "x",
        reason: told("one\n::set-output name=settled::true\r\n##[set-output name=settled;]true \u001b[2J"),
      },
    ],
  });
  assert.match(text(), /^::warning title=Istio Canary::100%25 : :error::no$/m);
  assert.doesNotMatch(text(), /^\s*::set-output|##\[/m);
  assert.ok(!text().includes("\u001b"));
});

test("of many warnings GitHub gets as many annotations as it shows, and the log has them all", () => {
  const { screen, text } = recording();
  const voice = log({ screen, actions: true, verbose: false });
  for (let number = 1; number <= 12; number++) voice.warn(`warning ${number}`);
  voice.warn("warning 1");
  assert.equal(text().match(/^::warning /gm)?.length, 9);
  assert.equal(text().match(/^warning: /gm)?.length, 3);
});

test("a job that goes on with a release does not tell again what another job did", () => {
  const { screen, text } = recording();
  const account = samples["succeeded-swap"] ?? assert.fail();
  log({ screen, actions: false, verbose: false }).report({ ...account, now: start + 763_000 });
  assert.doesNotMatch(text(), /deploying the canary/);
  assert.match(text(), /12:12:43 {2}scaling the old version down/);
});

test("an outcome that nobody could look at again is told at the end of the job", async () => {
  const { screen, text } = recording();
  const voice = log({ screen, actions: true, verbose: false });
  const { settled: _, ...account } = samples["rolled-back-errors"] ?? assert.fail();
  voice.report(account);
  assert.doesNotMatch(text(), /::error/);
  await voice.flush(1_000);
  assert.match(text(), /^::error title=❌ shop\/reviews%3A rolled back%2C/m);
});

test("a log tells what the evidence says when it changes its mind, and a release that is held as a warning", async () => {
  const { screen, text } = recording();
  await tell(log({ screen, actions: true, verbose: false }), evidenceTales["held-undecided"]);
  assertGolden("log/held.txt", text());
  assert.match(text(), /^::warning title=✋ shop\/reviews%3A held at 10%25/m);
});

test("an approval that the plan asks for is told as a notice", async () => {
  const { screen, text } = recording();
  await tell(log({ screen, actions: true, verbose: false }), [samples.waiting ?? assert.fail()]);
  assert.match(text(), /^::notice title=✋ shop\/reviews%3A waiting for approval/m);
});

for (const voice of ["log", "progress"] as const) {
  test(`why a release is rolled back is told once by the ${voice}, with its numbers at the end`, async () => {
    const { screen, text } = recording(voice === "log" ? undefined : 400);
    const accounts = evidenceTales["rolled-back-by-evidence"];
    await tell(
      voice === "log"
        ? log({ screen, actions: false, verbose: true })
        : progress({ screen, clock: handClock(start), verbose: true, ...quiet }),
      accounts,
    );
    const { verdict, numbers } = proofIn(accounts.at(-1)?.stages.at(-1)) ?? assert.fail();
    const because = verdictSentence(verdict);
    const lines = (voice === "log" ? text() : stays(text())).split("\n");
    assert.equal(
      lines.filter((line) => line.includes(because)).length,
      2,
      "as the step, and below the headline at the end",
    );
    assert.equal(lines.filter((line) => line.endsWith(numbers)).length, 1);
  });
}

test("a stage that passes is told with what the evidence says at its end, although its verdict was the same before", async () => {
  const { screen, text } = recording();
  const accounts = evidenceTales["passed-by-evidence"];
  await tell(log({ screen, actions: false, verbose: true }), accounts);
  const words = text()
    .split("\n")
    .map((line) => line.slice(timeOf(start).length + 2));
  for (const stage of accounts.at(-1)?.stages ?? []) {
    const { verdict, numbers } = proofIn(stage) ?? assert.fail();
    const passed = words.indexOf(`stage ${stage.name} passed`);
    assert.deepEqual(words.slice(passed - 2, passed), [`evidence: ${verdictSentence(verdict)}`, numbers]);
  }
});

test("without being asked for them, a log and a terminal have no e-values", async () => {
  for (const accounts of Object.values(evidenceTales)) {
    const [plain, live] = [recording(), recording(400)];
    await tell(log({ screen: plain.screen, actions: true, verbose: false }), accounts);
    await tell(progress({ screen: live.screen, clock: handClock(start), verbose: false, ...quiet }), accounts);
    assert.doesNotMatch(plain.text() + live.text(), /\bE = |10\^|odds of chance/);
  }
});

test("a stage's first line comes with its first look, once", async () => {
  const { screen, text } = recording();
  await tell(log({ screen, actions: false, verbose: false }), evidenceTales["held-undecided"]);
  assert.equal(text().match(/no request counted yet/g)?.length, 1);
});

test("a stage without a wait has no time to tell", async () => {
  const plan = {
    ...evidencePlan,
    meshDelay: 0,
    drain: 0,
    stages: evidencePlan.stages.map((stage) => ({ ...stage, wait: 0, gates: [] })),
  };
  const { screen, text } = recording(200);
  await tell(
    progress({ screen, clock: handClock(start), verbose: false, ...quiet }),
    evidenceTale(() => ({ stable: [1, 0], canary: [1, 0] }), plan),
  );
  assert.match(text(), /giving the canary 50% of the requests/);
  assert.doesNotMatch(stays(text()), /\d+ms|left|extended|the wait is over|counted yet/);
  assert.doesNotMatch(frames(text()).join("\n"), /▶.*(ms|left|extended|the wait is over)/);
});

test("while the newest poll is under way the frame says that the wait is over, and afterwards until when it is extended", async () => {
  const accounts = evidenceTales["held-undecided"];
  const extendedAt = accounts.findIndex(({ reason }) => reason.kind === "stage-extended");
  const live = async (account: Account, now: number): Promise<string> => {
    const { screen, text } = recording(200);
    const clock = handClock(account.now);
    const voice = progress({ screen, clock, verbose: false, ...quiet });
    voice.report(account);
    await clock.advance(now - account.now + 1_000); // it is drawn once a second
    void voice.flush(0);
    return text();
  };
  const [before, extended] = [accounts[extendedAt - 1] ?? assert.fail(), accounts[extendedAt] ?? assert.fail()];
  assert.match(await live(before, extended.now), /▶ 1 .* the wait is over$/m);
  assert.match(await live(extended, extended.now), /▶ 1 .* extended until 12:12:02 UTC at most$/m);
  const blind: Account = { ...extended, reason: { kind: "looking-again", words: "the API server did not answer" } };
  assert.match(await live(blind, blind.now), /▶ 1 .* the wait is over$/m); // nobody has looked: nothing is extended yet
});

test("on the run's page a stage that is extended is a warning, once; a held release too, and a bad end is an error", async () => {
  const extended = evidenceSamples.extended ?? assert.fail();
  const held = evidenceSamples["held-undecided"] ?? assert.fail();
  const failed = samples["rolled-back-errors"] ?? assert.fail();
  for (const [told, expected] of [
    [[extended, { ...extended, now: extended.now + 1_000 }], [/^warning title=.*extended/]],
    [[{ ...held, settled: true }], [/^warning title=.*held at 10%/]],
    [[{ ...failed, settled: true }], [/^error title=.*rolled back/]],
  ] as const) {
    const annotated = recording();
    const voice = log({ screen: annotated.screen, actions: true, verbose: false });
    for (const account of told) voice.report(account);
    const found = [...annotated.text().matchAll(/^::((?:warning|error|notice) .*)$/gm)].map(([, text = ""]) => text);
    assert.equal(found.length, expected.length, annotated.text());
    for (const [index, words] of expected.entries()) assert.match(found[index] ?? "", words);
    const silent = recording();
    const other = log({ screen: silent.screen, actions: true, annotates: false, verbose: false });
    for (const account of told) other.report(account);
    assert.doesNotMatch(silent.text(), /^::(warning|error|notice) /m);
  }
});
