import { tell } from "../../lib/errors.ts";
import { folded } from "../../lib/markdown.ts";
import type { Reporter } from "../../ports/reporter.ts";
import { type Account, judgements } from "../../release/account.ts";
import { createOutbox } from "../../reporting/outbox.ts";
import { headlineOf } from "../../words/headline.ts";
import type { Links } from "../../words/links.ts";
import { longestComment, renderReport } from "../../words/report.ts";
import type { Clock } from "../../world/clock.ts";
import { markerOf, readReports, resultLine, stamp } from "./comment-marker.ts";
import type { Comment, GitHub, Repository } from "./github.ts";
import { EndlessPages, GitHubError, lackOfToken } from "./github-error.ts";

export type CommentOptions = {
  readonly clock: Clock;
  readonly github: GitHub;
  readonly repository: Repository;
  /** Asked once, when there is something to say. Undefined: there is no pull request. */
  readonly pullRequest: (signal: AbortSignal) => Promise<number | undefined>;
  /** Tells one environment's comment from another's. */
  readonly environment: string;
  readonly links: Links;
  readonly warn: (message: string) => void;
  /** Hears where the comment is, once that is known. */
  readonly posted?: (url: string) => void;
};

type CommentPlace = { readonly pull: number; readonly login: string };

/**
 * Keeps one comment on the pull request up to date. It is looked for before one is created, and whatever goes wrong is
 * said once and forgotten.
 */
export function comment(options: CommentOptions): Reporter {
  const { github, repository, links } = options;
  let place: CommentPlace | undefined;
  let mine: Comment | undefined;
  let silent = false;
  let quietUntil = 0;
  const warned = new Set<string>();

  async function send(account: Account, signal: AbortSignal): Promise<void> {
    if (silent || account.now < quietUntil) return;
    place ??= await findPlace(signal);
    if (!place)
      return beSilent(
        "no pull request has this commit, so nobody is told by a comment. Set the input pull-request if there is one.",
      );
    const { pull } = place;
    mine ??= await look(place, account, signal);
    const before = mine;
    try {
      mine = before
        ? await github.updateComment(repository, before.id, bodyOf(account, before), signal)
        : await github.createComment(repository, pull, bodyOf(account, undefined), signal);
    } catch (error) {
      mine = undefined; // it may be gone, or an answer was lost: whoever sends next looks first
      if (!before || !(error instanceof GitHubError) || error.status !== 404) throw error;
      mine = await look(place, account, signal);
      mine = mine
        ? await github.updateComment(repository, mine.id, bodyOf(account, mine), signal)
        : await github.createComment(repository, pull, bodyOf(account, before), signal);
    }
    options.posted?.(mine.url);
  }

  async function findPlace(signal: AbortSignal): Promise<CommentPlace | undefined> {
    const pull = await options.pullRequest(signal);
    return pull === undefined ? undefined : { pull, login: await github.login(signal) };
  }

  /** By the token's own author: anybody may write our marker into a comment of theirs. */
  async function look(
    { pull, login }: CommentPlace,
    account: Account,
    signal: AbortSignal,
  ): Promise<Comment | undefined> {
    const marker = markerOf(options.environment, account.target);
    for await (const candidate of github.comments(repository, pull, signal)) {
      if (candidate.author === login && candidate.body.startsWith(marker)) return candidate;
    }
    return undefined;
  }

  function bodyOf(account: Account, before: Comment | undefined): string {
    const earlier = readReports(before?.body ?? "")
      .filter(({ startedAt }) => startedAt !== account.startedAt)
      .slice(0, keptReports);
    const head = [
      markerOf(options.environment, account.target),
      stamp(account.startedAt, resultLine(account)),
      ...earlier.map(({ startedAt, line }) => stamp(startedAt, line)),
    ].join("\n");
    const tail =
      earlier.length === 0
        ? ""
        : `\n\n${folded("Earlier releases", earlier.map(({ line }) => `* ${line}`).join("\n"))}`;
    return `${head}\n${renderReport(account, links, longestComment - head.length - tail.length - 1)}${tail}`;
  }

  function beSilent(because: string): void {
    silent = true;
    options.warn(because);
  }

  function failed(error: unknown): void {
    if (error instanceof GitHubError) quietUntil = error.busyUntil ?? quietUntil;
    const lack = error instanceof EndlessPages ? elsewhere : lackOfToken(error, permission);
    if (lack !== undefined) {
      beSilent(`the pull request is not told: ${tell(error)}. ${lack} The report is in the job summary.`);
    } else if (!warned.has(tell(error))) {
      warned.add(tell(error));
      options.warn(`the comment on the pull request is not up to date: ${tell(error)}. It is tried again.`);
    }
  }

  const outbox = createOutbox({ clock: options.clock, send, failed, gist });
  return { report: outbox.offer, flush: outbox.flush };
}

const elsewhere = "Something on the way answers in GitHub's place.";

const permission =
  "The job's token needs the permission `pull-requests: write`; a run for a fork's pull request has a token that can only read.";

const keptReports = 5;

/** A comment changes when the release moves on or a gate changes its mind, and at its end; not with every count. */
const gist = (account: Account): string =>
  JSON.stringify([
    account.startedAt,
    headlineOf(account),
    account.state.phase,
    account.settled,
    account.warnings.length,
    judgements(account),
  ]);
