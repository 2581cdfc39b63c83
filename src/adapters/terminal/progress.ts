import type { Instant } from "../../lib/duration.ts";
import type { Account } from "../../release/account.ts";
import { isSameReason } from "../../release/reason.ts";
import { isRunning } from "../../release/state.ts";
import { endingOf } from "../../words/ending.ts";
import { createEvidenceNews } from "../../words/evidence-news.ts";
import { bar } from "../../words/observed-split.ts";
import { say, sayEntry } from "../../words/say.ts";
import { chapterOf, stageProgress } from "../../words/stage-progress.ts";
import { createStory } from "../../words/story.ts";
import { timeOf, underTime } from "../../words/timestamp.ts";
import type { Clock } from "../../world/clock.ts";
import type { LogOptions, Voice } from "./log.ts";
import { line } from "./screen.ts";

const tick = 1_000;

/** On a terminal: what happened stays, and below it one line is alive, with the time that the stage has left. */
export function progress({
  screen,
  clock,
  verbose,
}: Pick<LogOptions, "screen" | "verbose"> & {
  readonly clock: Pick<Clock, "now" | "every">;
}): Voice {
  const story = createStory();
  const evidenceNews = createEvidenceNews(verbose);
  const warnings = new Set<string>();
  let newest: Account | undefined;
  /** By this clock; the account goes by the cluster's. */
  let reportedAt: Instant = 0;
  let stopTicking: (() => Promise<void>) | undefined;
  let endIsTold = false;

  const wipe = "\r\u001b[2K";

  /** Something that stays: the live line makes room and comes back below. */
  const print = (text: string): void => screen.write(`${wipe}${line(text)}\n`);

  function draw(): void {
    const text = newest && liveLine(newest, newest.now + clock.now() - reportedAt);
    screen.write(text === undefined ? wipe : `${wipe}${line(text, Math.max(20, (screen.columns ?? 80) - 1))}`);
  }

  function warn(message: string): void {
    if (!warnings.has(message)) print(`warning: ${message}`);
    warnings.add(message);
  }

  function end(account: Account): void {
    endIsTold = true;
    const { title, lines } = endingOf(account, verbose);
    print(title);
    for (const text of lines) print(`  ${text}`);
  }

  return {
    warn,
    report(account) {
      const before = newest && chapterOf(newest);
      newest = account;
      reportedAt = clock.now();
      // a job that ends an earlier release first has two endings to tell
      if (isRunning(account.state)) endIsTold = false;
      const chapter = chapterOf(account);
      const opened = chapter !== undefined && chapter !== before ? [chapter] : [];
      const lines = [
        ...underTime(account.now, evidenceNews(account)),
        ...story(account).map((entry) => `${timeOf(entry.at)}  ${sayEntry(entry)}`),
      ];
      // what ends a part still belongs to it
      for (const text of before === undefined ? [...opened, ...lines] : [...lines, ...opened]) print(text);
      for (const message of account.warnings) warn(message);
      if (!isRunning(account.state) && account.settled !== undefined && !endIsTold) end(account);
      stopTicking ??= clock.every(tick, async () => draw());
      draw();
    },
    async flush() {
      await stopTicking?.();
      stopTicking = undefined;
      screen.write(wipe);
      if (newest && !isRunning(newest.state) && !endIsTold) end(newest);
    },
  };
}

function liveLine(account: Account, now: number): string | undefined {
  if (!isRunning(account.state)) return undefined;
  const stage = stageProgress(account, now);
  if (stage === undefined)
    return isSameReason(account.reason, account.log.at(-1)?.reason) ? undefined : say(account.reason);
  return `${bar(account.weight, 20)} ${account.weight} % · ${stage}`;
}
