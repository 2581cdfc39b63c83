import * as z from "zod/mini";
import { type JsonAnswer, type JsonRequest, requestJson } from "../../world/request-json.ts";
import type { Network } from "../../world/world.ts";
import { githubError } from "./github-error.ts";

/** `owner/name`, as GITHUB_REPOSITORY has it. */
export type Repository = string;

export type Comment = { readonly id: number; readonly author: string; readonly body: string; readonly url: string };

export type PullRequest = {
  readonly number: number;
  readonly open: boolean /** The newest commit of its branch. */;
  readonly head: string;
};

export type CommitStatus = {
  readonly state: "pending" | "success" | "failure" | "error";
  readonly context: string;
  readonly description: string;
  readonly url?: string | undefined;
};

/** The few requests to GitHub's REST API that a release needs. They reject with GitHubError, UnreachableError, or the signal's reason. */
export interface GitHub {
  /** Whose token it is, as the author of a comment is written. */
  login(signal?: AbortSignal): Promise<string>;
  /** Comments of a pull request, oldest first, one page at a time as they are wanted. */
  comments(repository: Repository, pull: number, signal?: AbortSignal): AsyncIterable<Comment>;
  /** Never repeated by itself: when the answer is lost, the comment may be there, and who asked has to look. */
  createComment(repository: Repository, pull: number, body: string, signal?: AbortSignal): Promise<Comment>;
  updateComment(repository: Repository, id: number, body: string, signal?: AbortSignal): Promise<Comment>;
  /** Pull requests that have the commit. */
  pullRequestsOf(repository: Repository, sha: string, signal?: AbortSignal): Promise<readonly PullRequest[]>;
  setStatus(repository: Repository, sha: string, status: CommitStatus, signal?: AbortSignal): Promise<void>;
}

export type GitHubOptions = {
  readonly network: Network;
  /** GITHUB_API_URL: `https://api.github.com`, or `https://HOST/api/v3` of an Enterprise Server. */
  readonly apiUrl: string;
  readonly token: string;
  /** For one attempt. Default 10 s. */
  readonly timeout?: number;
};

const comment = z.object({
  id: z.number(),
  body: z._default(z.string(), ""),
  html_url: z.string(),
  user: z.nullable(z.object({ login: z.string() })),
});
const pulls = z.array(z.object({ number: z.number(), state: z.string(), head: z.object({ sha: z.string() }) }));
const viewer = z.object({ data: z.object({ viewer: z.object({ login: z.string() }) }) });

export function connectGitHub({ network, apiUrl, token, timeout = 10_000 }: GitHubOptions): GitHub {
  const base = apiUrl.replace(/\/$/, "");
  const headers = {
    accept: "application/vnd.github+json",
    authorization: `Bearer ${token}`,
    "x-github-api-version": "2022-11-28",
  };

  /** `what` is how people will read it: "creating a comment on acme/shop#7". */
  async function ask<T>(
    what: string,
    schema: z.ZodMiniType<T>,
    wanted: Omit<JsonRequest, "headers" | "timeout">,
  ): Promise<{ readonly value: T; readonly answer: JsonAnswer }> {
    const answer = await requestJson(network, { ...wanted, headers, timeout });
    if (answer.status >= 300) throw githubError(what, answer, network.clock.now());
    const parsed = schema.safeParse(answer.body);
    if (!parsed.success)
      throw githubError(
        what,
        { ...answer, body: { message: `the answer is not what GitHub documents: ${z.prettifyError(parsed.error)}` } },
        network.clock.now(),
      );
    return { value: parsed.data, answer };
  }

  return {
    async login(signal) {
      // REST has no answer for the job's token (GET /user is for people), GraphQL has one for every kind.
      const url = base.endsWith("/api/v3") ? base.replace(/\/v3$/, "/graphql") : `${base}/graphql`;
      const { value } = await ask("asking whose token it is", viewer, {
        method: "POST",
        url,
        body: { query: "{ viewer { login } }" },
        retries: 2,
        signal,
      });
      return value.data.viewer.login;
    },
    async *comments(repository, pull, signal) {
      let url: string | undefined = `${base}/repos/${repository}/issues/${pull}/comments?per_page=100`;
      while (url !== undefined) {
        const { value, answer }: { value: readonly z.infer<typeof comment>[]; answer: JsonAnswer } = await ask(
          `listing the comments of ${repository}#${pull}`,
          z.array(comment),
          { method: "GET", url, signal },
        );
        yield* value.map(commentOf);
        url = nextPage(answer);
      }
    },
    async createComment(repository, pull, body, signal) {
      const url = `${base}/repos/${repository}/issues/${pull}/comments`;
      return commentOf(
        (
          await ask(`creating a comment on ${repository}#${pull}`, comment, {
            method: "POST",
            url,
            body: { body },
            retries: 0,
            signal,
          })
        ).value,
      );
    },
    async updateComment(repository, id, body, signal) {
      const url = `${base}/repos/${repository}/issues/comments/${id}`;
      return commentOf(
        (
          await ask(`editing comment ${id} of ${repository}`, comment, {
            method: "PATCH",
            url,
            body: { body },
            retries: 2,
            signal,
          })
        ).value,
      );
    },
    async pullRequestsOf(repository, sha, signal) {
      const url = `${base}/repos/${repository}/commits/${sha}/pulls?per_page=100`;
      const { value } = await ask(`looking for the pull request of ${sha}`, pulls, { method: "GET", url, signal });
      return value.map(({ number, state, head }) => ({ number, open: state === "open", head: head.sha }));
    },
    async setStatus(repository, sha, { state, context, description, url: target }, signal) {
      const url = `${base}/repos/${repository}/statuses/${sha}`;
      const body = { state, context, description, ...(target === undefined ? {} : { target_url: target }) };
      await ask(`setting the status of ${sha}`, z.unknown(), { method: "POST", url, body, retries: 2, signal });
    },
  };
}

/** An account that was deleted leaves comments without a user. */
const commentOf = ({ id, body, html_url, user }: z.infer<typeof comment>): Comment => ({
  id,
  body,
  url: html_url,
  author: user?.login ?? "ghost",
});

const nextPage = ({ headers }: JsonAnswer): string | undefined =>
  /<([^>]+)>;\s*rel="next"/.exec(headers.link ?? "")?.[1];
