import type { Instant } from "../../lib/duration.ts";
import { inert, inLines } from "../../lib/lines.ts";
import type { Reporter } from "../../ports/reporter.ts";
import type { Account } from "../../release/account.ts";
import { isRunning } from "../../release/state.ts";
import { endingOf } from "../../words/ending.ts";
import { createEvidenceNews } from "../../words/evidence-news.ts";
import { headlineOf } from "../../words/headline.ts";
import { say, sayEntry } from "../../words/say.ts";
import { chapterOf, isExtended, isJudged, stageProgress } from "../../words/stage-progress.ts";
import { createStory } from "../../words/story.ts";
import { timeOf, underTime } from "../../words/timestamp.ts";
import { annotation, closeGroup, openGroup } from "../actions/workflow-command.ts";
import { line, type Screen } from "./screen.ts";

/** A reporter that people follow while a release runs, and that others complain to. */
export type Voice = Reporter & { readonly warn: (message: string) => void };

export type LogOptions = {
  readonly screen: Screen;
  /** A GitHub runner reads along: groups fold. */
  readonly actions: boolean;
  /** The outcome and warnings are put on the run's page. Default: where a runner reads along. */
  readonly annotates?: boolean | undefined;
  /** With the numbers behind the evidence. */
  readonly verbose: boolean;
};

/** Between two lines about a stage in which nothing new happens. */
const quietTime = 30_000;

/** GitHub shows ten annotations of a kind for a step; the outcome needs one. */
const maxWarnings = 9;

/** Lines with the time, under a heading for each part of the release. */
export function log({ screen, actions, annotates = actions, verbose }: LogOptions): Voice {
  const story = createStory();
  const evidenceNews = createEvidenceNews(verbose);
  const warnings = new Set<string>();
  let chapter: string | undefined;
  let progress: { readonly at: Instant; readonly verdicts: string } | undefined;
  let newest: Account | undefined;
  let endIsTold = false;
  let annotated = 0;
  let extendedStage: number | undefined;

  const print = (text: string): void => screen.write(`${line(text)}\n`);

  function open(next: string | undefined): void {
    if (next === chapter) return;
    if (actions && chapter !== undefined) screen.write(closeGroup());
    if (next !== undefined && actions) screen.write(openGroup(inert(next)));
    if (next !== undefined && !actions) print(next);
    chapter = next;
  }

  /** What goes on while nothing is decided: a stage's counts and gates, or what is waited for. */
  function follow(account: Account): void {
    const stage = stageProgress(account, account.now);
    const verdicts = JSON.stringify(account.stages.at(-1)?.verdicts.map(({ kind }) => kind));
    const changed = stage !== undefined && isJudged(account) && progress?.verdicts !== verdicts;
    if (!isRunning(account.state) || !(changed || account.now - (progress?.at ?? account.now) >= quietTime)) return;
    print(`${timeOf(account.now)}  ${stage ?? say(account.reason, account)}`);
    progress = { at: account.now, verdicts };
  }

  function warn(message: string): void {
    if (warnings.has(message)) return;
    warnings.add(message);
    annotate("Istio Canary", message, `warning: ${message}`);
  }

  /** A warning on the run's page while there is room for one, and a line otherwise. */
  function annotate(title: string, message: string, otherwise: string | undefined): void {
    if (annotates && annotated < maxWarnings) {
      annotated++;
      screen.write(annotation("warning", inert(title), inert(message)));
    } else if (otherwise !== undefined) print(otherwise);
  }

  /** Once for a stage: it is told in its lines as well, and somebody may want to look before it is decided. */
  function noticeExtension(account: Account): void {
    const { stage } = account.stages.at(-1) ?? {};
    if (!isExtended(account) || stage === extendedStage) return;
    extendedStage = stage;
    const { namespace, service } = account.target;
    annotate(`${namespace}/${service}: ${headlineOf(account).words}`, say(account.reason), undefined);
  }

  function end(account: Account): void {
    endIsTold = true;
    const { level, title, lines } = endingOf(account, verbose);
    print(title);
    for (const text of lines) print(`  ${text}`);
    if (annotates) screen.write(annotation(level, inert(title), inLines(lines)));
  }

  return {
    warn,
    report(account) {
      newest = account;
      // a job that ends an earlier release first has two endings to tell
      if (isRunning(account.state)) endIsTold = false;
      if (chapter === undefined) open(chapterOf(account));
      for (const text of underTime(account.now, evidenceNews(account))) print(text);
      for (const entry of story(account)) {
        print(`${timeOf(entry.at)}  ${sayEntry(entry, account)}`); // what ends a part still belongs to it
        progress = { at: entry.at, verdicts: progress?.verdicts ?? "" };
      }
      open(chapterOf(account));
      for (const message of account.warnings) warn(message);
      noticeExtension(account);
      follow(account);
      if (!isRunning(account.state) && account.settled !== undefined && !endIsTold) end(account);
    },
    async flush() {
      open(undefined);
      if (newest && !isRunning(newest.state) && !endIsTold) end(newest); // nobody could look whether it is settled
    },
  };
}
