import type { Instant } from "../../lib/duration.ts";
import type { Account } from "../../release/account.ts";
import { isRunning } from "../../release/state.ts";
import { endingOf } from "../../words/ending.ts";
import { createEvidenceNews } from "../../words/evidence-news.ts";
import { type LiveLine, liveView, stoppingInWords, whatCtrlCDoes } from "../../words/live-view.ts";
import { sayEntry } from "../../words/say.ts";
import { chapterOf } from "../../words/stage-progress.ts";
import { createStory } from "../../words/story.ts";
import { timeOf, underTime } from "../../words/timestamp.ts";
import type { Clock } from "../../world/clock.ts";
import { frameOn } from "./frame.ts";
import type { LogOptions, Voice } from "./log.ts";
import { line } from "./screen.ts";

const tick = 1_000;

/** On a terminal: what happened stays, and below it the release as it stands is drawn anew every second. */
export function progress({
  screen,
  clock,
  verbose,
  coloured,
  stop,
}: Pick<LogOptions, "screen" | "verbose"> & {
  readonly clock: Pick<Clock, "now" | "every">;
  readonly coloured: boolean;
  /** Aborts at Ctrl-C, which is answered at once. Undefined where somebody looks on, whose end ends nothing. */
  readonly stop: AbortSignal | undefined;
}): Voice {
  const story = createStory();
  const evidenceNews = createEvidenceNews(verbose);
  const warnings = new Set<string>();
  let newest: Account | undefined;
  /** By this clock; the account goes by the cluster's. */
  let reportedAt: Instant = 0;
  let stopTicking: (() => Promise<void>) | undefined;
  let endIsTold = false;

  const frame = frameOn(screen, coloured);

  /** Something that stays: what is alive makes room and comes back below. */
  function print(text: string): void {
    frame.wipe();
    screen.write(`${line(text)}\n`);
  }

  function draw(): void {
    const now = clock.now() - reportedAt;
    const columns = Math.max(20, (screen.columns ?? 80) - 1);
    frame.draw(newest && isRunning(newest.state) ? alive(newest, newest.now + now, columns, stop !== undefined) : []);
  }

  stop?.addEventListener("abort", () => {
    if (newest === undefined || whatCtrlCDoes(newest) === undefined) return;
    print(stoppingInWords(newest));
    draw();
  });

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
        ...story(account).map((entry) => `${timeOf(entry.at)}  ${sayEntry(entry, account)}`),
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
      frame.wipe();
      if (newest && !isRunning(newest.state) && !endIsTold) end(newest);
    },
  };
}

function alive(account: Account, now: Instant, columns: number, isOwn: boolean): readonly LiveLine[] {
  const hint = isOwn ? whatCtrlCDoes(account) : undefined;
  const view = liveView(account, now, columns);
  if (hint === undefined) return view;
  return [...view, { text: hint.slice(0, columns), tone: "dim" }];
}
