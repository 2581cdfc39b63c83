import { tell } from "../../lib/errors.ts";
import { clip, folded } from "../../lib/markdown.ts";
import { type Account, judgements } from "../../release/account.ts";
import { isOver } from "../../release/state.ts";
import { createOutbox } from "../../reporting/outbox.ts";
import type { NoticedReporter, NoticeSink } from "../../reporting/tell-notice.ts";
import { headlineOf } from "../../words/headline.ts";
import type { Links } from "../../words/links.ts";
import { type Notice, noticeReport } from "../../words/notice.ts";
import { longestComment, renderReport } from "../../words/report.ts";
import type { Clock } from "../../world/clock.ts";
import {
  givesWay,
  markerOf,
  type PastReport,
  readReports,
  resultLine,
  type Showing,
  stamp,
  standingStamp,
} from "./comment-marker.ts";
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
export function comment(options: CommentOptions): NoticedReporter {
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
    mine ??= await look(place, account.target, signal);
    await write(place, account.target, (before) => bodyOf(account, before), signal);
  }

  /** Of a commit without a pull request nobody expects one. */
  async function sendNotice(notice: Notice, signal: AbortSignal): Promise<void> {
    place ??= await findPlace(signal);
    if (!place) return;
    mine = await look(place, notice.subject, signal);
    if (mine && !givesWay(mine.body, notice)) return;
    await write(place, notice.subject, (before) => noticeBody(notice, before), signal);
  }

  async function write(
    place: CommentPlace,
    subject: ToldOf,
    body: (before: Comment | undefined) => string,
    signal: AbortSignal,
  ): Promise<void> {
    const before = mine;
    const put = (): Promise<Comment> =>
      mine
        ? github.updateComment(repository, mine.id, body(mine), signal)
        : github.createComment(repository, place.pull, body(before), signal);
    try {
      mine = await put();
    } catch (error) {
      mine = undefined; // it may be gone, or an answer was lost: whoever sends next looks first
      if (!before || !(error instanceof GitHubError) || error.status !== 404) throw error;
      mine = await look(place, subject, signal);
      mine = await put();
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
    subject: ToldOf,
    signal: AbortSignal,
  ): Promise<Comment | undefined> {
    const marker = markerOf(options.environment, subject);
    for await (const candidate of github.comments(repository, pull, signal)) {
      if (candidate.author === login && candidate.body.startsWith(marker)) return candidate;
    }
    return undefined;
  }

  function bodyOf(account: Account, before: Comment | undefined): string {
    const earlier = readReports(before?.body ?? "").filter(({ startedAt }) => startedAt !== account.startedAt);
    const own = { startedAt: account.startedAt, line: resultLine(account) };
    const standing = { at: account.now, of: isOver(account.state) ? "over" : "open" } as const;
    return framed(account.target, standing, [own], earlier, (room) => renderReport(account, links, room));
  }

  const noticeBody = (notice: Notice, before: Comment | undefined): string =>
    framed(notice.subject, { at: notice.at, of: "notice" }, [], readReports(before?.body ?? ""), (room) =>
      clip(noticeReport(notice), room),
    );

  function framed(
    subject: ToldOf,
    standing: Showing,
    own: readonly PastReport[],
    past: readonly PastReport[],
    text: (room: number) => string,
  ): string {
    const earlier = past.slice(0, keptReports);
    const stamps = [...own, ...earlier].map(({ startedAt, line }) => stamp(startedAt, line));
    const head = [markerOf(options.environment, subject), standingStamp(standing), ...stamps].join("\n");
    const lines = earlier.map(({ line }) => `* ${line}`).join("\n");
    const tail = lines === "" ? "" : `\n\n${folded("Earlier releases", lines)}`;
    return `${head}\n${text(longestComment - head.length - tail.length - 1)}${tail}`;
  }

  function beSilent(because: string): void {
    silent = true;
    options.warn(because);
  }

  function failed(error: unknown): void {
    if (error instanceof GitHubError) quietUntil = error.busyUntil ?? quietUntil;
    const lack = error instanceof EndlessPages ? elsewhere : lackOfToken(error, permission);
    if (lack !== undefined) {
      beSilent(`the pull request could not be commented on: ${tell(error)}. ${lack} The report is in the job summary.`);
    } else if (!warned.has(tell(error))) {
      warned.add(tell(error));
      options.warn(`the comment on the pull request is not up to date: ${tell(error)}. It is tried again.`);
    }
  }

  const outbox = createOutbox({ clock: options.clock, send, failed, gist });
  const notice: NoticeSink = async (told, signal) => sendNotice(told, signal).catch(failed);
  return { report: outbox.offer, flush: outbox.flush, notice };
}

type ToldOf = Notice["subject"];

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
