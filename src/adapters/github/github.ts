import * as z from "zod/mini";
import { EndlessPages, GitHubError, githubError } from "./github-error.ts";
import type { GitHubOptions, Octokit } from "./octokit.ts";

/** `acme/shop`, in the two words that Octokit wants. */
export type Repository = { readonly owner: string; readonly repo: string };

export type Comment = { readonly id: number; readonly author: string; readonly body: string; readonly url: string };

export type PullRequest = {
  readonly number: number;
  readonly open: boolean;
  /** The newest commit of its branch. */
  readonly head: string;
};

export type CommitStatus = {
  readonly state: "pending" | "success" | "failure" | "error";
  readonly context: string;
  readonly description: string;
  readonly url?: string | undefined;
};

/**
 * The few requests to GitHub that a release needs. They reject with GitHubError, UnreachableError, or the signal's
 * reason.
 */
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

/** Octokit's types say what GitHub documents; what is answered may come from a proxy on the way. */
const comment = z.object({
  id: z.number(),
  body: z._default(z.string(), ""),
  html_url: z.string(),
  user: z.nullable(z.object({ login: z.string() })),
});
const pulls = z.array(z.object({ number: z.number(), state: z.string(), head: z.object({ sha: z.string() }) }));
const viewer = z.object({ viewer: z.object({ login: z.string() }) });

/** What Octokit gives for an answer. */
type Answer = {
  readonly status: number;
  readonly headers: { readonly link?: string | undefined };
  readonly data: unknown;
};

/** GitHub through Octokit, which is loaded when the first thing is asked. */
export function connectGitHub(options: GitHubOptions): GitHub {
  const { clock } = options.network;
  let octokit: Promise<Octokit> | undefined;

  function load(): Promise<Octokit> {
    octokit ??= import("./octokit.ts").then(({ createOctokit }) => createOctokit(options));
    return octokit;
  }

  /** `what` is how people read it: "creating a comment on acme/shop#7". */
  async function ask<T>(what: string, request: (octokit: Octokit) => Promise<T>, signal: AbortSignal): Promise<T> {
    try {
      return await unlessAborted(load().then(request), signal);
    } catch (error) {
      signal.throwIfAborted();
      throw githubError(what, error, clock.now());
    }
  }

  return {
    async login(signal = never) {
      const what = "asking whose token it is";
      // REST has no answer for the job's token (GET /user is for people), GraphQL has one for every kind.
      const data = await ask(what, ({ graphql }) => graphql("{ viewer { login } }", { request: { signal } }), signal);
      return parse(what, viewer, { status: 200, data }).viewer.login;
    },
    async *comments(repository, pull, signal = never) {
      const what = `listing the comments of ${nameOf(repository)}#${pull}`;
      const parameters = { ...repository, issue_number: pull, per_page: 100, request: { signal } };
      for (let page = 1, more = true; more; page++) {
        // Octokit's own paginate would not hear the signal.
        const answer: Answer = await ask(what, ({ rest }) => rest.issues.listComments({ ...parameters, page }), signal);
        yield* parse(what, z.array(comment), answer).map(commentOf);
        more = /rel="next"/.test(answer.headers.link ?? "");
        if (more && page === mostPages)
          throw new EndlessPages(`GitHub: ${what}: after ${page} pages there is no end of them`, answer.status);
      }
    },
    async createComment(repository, pull, body, signal = never) {
      const what = `creating a comment on ${nameOf(repository)}#${pull}`;
      const parameters = { ...repository, issue_number: pull, body, request: { signal, retries: 0 } };
      const answer = await ask(what, ({ rest }) => rest.issues.createComment(parameters), signal);
      return commentOf(parse(what, comment, answer));
    },
    async updateComment(repository, id, body, signal = never) {
      const what = `editing comment ${id} of ${nameOf(repository)}`;
      const parameters = { ...repository, comment_id: id, body, request: { signal } };
      const answer = await ask(what, ({ rest }) => rest.issues.updateComment(parameters), signal);
      return commentOf(parse(what, comment, answer));
    },
    async pullRequestsOf(repository, sha, signal = never) {
      const what = `looking for the pull request of ${sha}`;
      const parameters = { ...repository, commit_sha: sha, per_page: 100, request: { signal } };
      const answer = await ask(what, ({ rest }) => rest.repos.listPullRequestsAssociatedWithCommit(parameters), signal);
      return parse(what, pulls, answer).map(({ number, state, head }) => ({
        number,
        open: state === "open",
        head: head.sha,
      }));
    },
    async setStatus(repository, sha, { state, context, description, url }, signal = never) {
      const parameters = {
        ...repository,
        sha,
        state,
        context,
        description,
        target_url: url ?? null,
        request: { signal },
      };
      await ask(`setting the status of ${sha}`, ({ rest }) => rest.repos.createCommitStatus(parameters), signal);
    },
  };
}

/** GitHub takes 2,500 comments on a pull request, a hundred to a page. */
const mostPages = 30;

/** Of a request that nobody will give up. */
const never = new AbortController().signal;

const nameOf = ({ owner, repo }: Repository): string => `${owner}/${repo}`;

function parse<T>(what: string, schema: z.ZodMiniType<T>, { status, data }: Pick<Answer, "status" | "data">): T {
  const { data: value, error } = schema.safeParse(data);
  if (error === undefined) return value;
  const fault = `the answer is not what GitHub documents: ${z.prettifyError(error)}`;
  throw new GitHubError(`GitHub: ${what}: ${fault} (${status})`, status);
}

/** An account that was deleted leaves comments without a user. */
const commentOf = ({ id, body, html_url, user }: z.infer<typeof comment>): Comment => ({
  id,
  body,
  url: html_url,
  author: user?.login ?? "ghost",
});

/** Octokit's plugins wait for their turn, and hear no signal while they do. Whatever they then send is not sent. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const over = new AbortController();
  const aborted = new Promise<never>((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { signal: over.signal });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    over.abort();
  }
}
