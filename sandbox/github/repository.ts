import type { Call, Description, Match } from "./description.ts";

/** Who is behind a token. A fork's GITHUB_TOKEN may only read. */
export type Identity = { readonly login: string; readonly type: "Bot" | "User"; readonly access: "write" | "read" };

export type Pull = {
  readonly number: number;
  readonly state: "open" | "closed";
  /** Its commits, the newest last: that one is its head. */
  readonly commits: readonly string[];
};

export type Comment = {
  readonly id: number;
  readonly pull: number;
  readonly author: string;
  readonly body: string;
  readonly url: string;
  readonly edits: number;
};

export type Status = {
  readonly state: string;
  readonly context: string;
  readonly description: string;
  readonly targetUrl: string;
};

export type Answer = {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
};

/** What GitHub keeps of a repository, and how each described operation reads or changes it. */
export type Repository = {
  /** Where the API is reached; links in answers begin with it. */
  url: string;
  readonly serve: (match: Match, call: Call, who: Identity) => Answer;
  readonly comments: (pull: number) => readonly Comment[];
  readonly deleteComment: (id: number) => void;
  readonly addComment: (pull: number, author: Identity, body: string) => Comment;
  readonly statuses: (sha: string) => readonly Status[];
};

type Operation = (match: Match, call: Call, who: Identity) => Answer;

const notFound: Answer = {
  status: 404,
  body: { message: "Not Found", documentation_url: "https://docs.github.com/rest" },
};
const readOnly: Answer = {
  status: 403,
  body: { message: "Resource not accessible by integration", documentation_url: "https://docs.github.com/rest" },
};
const tooLong: Answer = {
  status: 422,
  body: {
    message: "Validation Failed",
    documentation_url: "https://docs.github.com/rest",
    errors: [
      {
        resource: "IssueComment",
        code: "unprocessable",
        field: "data",
        message: "Body is too long (maximum is 65536 characters)",
      },
    ],
  },
};

const longestBody = 65_536;

export function createRepository(name: string, pulls: readonly Pull[], shaped: Description["shaped"]): Repository {
  let comments: readonly Comment[] = [];
  let nextId = 1001;
  const statuses = new Map<string, readonly Status[]>();

  function addComment(pull: number, { login }: Identity, body: string): Comment {
    const id = nextId++;
    const comment: Comment = {
      id,
      pull,
      author: login,
      body,
      url: `https://github.com/${name}/pull/${pull}#issuecomment-${id}`,
      edits: 0,
    };
    comments = [...comments, comment];
    return comment;
  }

  const shownComment = ({ id, pull, author, body, url }: Comment): unknown =>
    shaped("issues/get-comment", {
      id,
      url: `${repository.url}/repos/${name}/issues/comments/${id}`,
      html_url: url,
      issue_url: `${repository.url}/repos/${name}/issues/${pull}`,
      body,
      user: { login: author, type: author.endsWith("[bot]") ? "Bot" : "User" },
    });

  const shownPull = ({ number, state, commits }: Pull): unknown =>
    shaped("repos/list-pull-requests-associated-with-commit", {
      number,
      state,
      html_url: `https://github.com/${name}/pull/${number}`,
      head: { sha: commits.at(-1) ?? "" },
    });

  const shownStatus = ({ state, context, description, targetUrl }: Status): unknown =>
    shaped("repos/create-commit-status", { state, context, description, target_url: targetUrl });

  /** Numbered pages with a Link header, as https://docs.github.com/rest/using-the-rest-api/using-pagination-in-the-rest-api describes. */
  function paged(call: Call, all: readonly unknown[]): Answer {
    const size = Math.min(Number(call.query.per_page ?? 30), 100);
    const page = Number(call.query.page ?? 1);
    const last = Math.max(1, Math.ceil(all.length / size));
    const link = (to: number, rel: string): string =>
      `<${repository.url}${call.path}?${new URLSearchParams({ ...call.query, page: String(to) })}>; rel="${rel}"`;
    const before = page > 1 ? [link(page - 1, "prev"), link(1, "first")] : [];
    const links = [...before, ...(page < last ? [link(page + 1, "next"), link(last, "last")] : [])];
    return {
      status: 200,
      body: all.slice((page - 1) * size, page * size),
      headers: links.length > 0 ? { link: links.join(", ") } : {},
    };
  }

  const operations: Readonly<Record<string, Operation>> = {
    "issues/list-comments": ({ parameters }, call) => {
      const pull = pulls.find(({ number }) => number === Number(parameters.issue_number));
      return pull
        ? paged(call, comments.filter((comment) => comment.pull === pull.number).map(shownComment))
        : notFound;
    },
    "issues/create-comment": ({ parameters }, { body }, who) => {
      const pull = pulls.find(({ number }) => number === Number(parameters.issue_number));
      if (!pull) return notFound;
      const text = textOf(body);
      return text.length > longestBody
        ? tooLong
        : { status: 201, body: shownComment(addComment(pull.number, who, text)) };
    },
    "issues/get-comment": ({ parameters }) => {
      const comment = comments.find(({ id }) => id === Number(parameters.comment_id));
      return comment ? { status: 200, body: shownComment(comment) } : notFound;
    },
    "issues/update-comment": ({ parameters }, { body }) => {
      const comment = comments.find(({ id }) => id === Number(parameters.comment_id));
      if (!comment) return notFound;
      const text = textOf(body);
      if (text.length > longestBody) return tooLong;
      const edited = { ...comment, body: text, edits: comment.edits + 1 };
      comments = comments.map((other) => (other.id === comment.id ? edited : other));
      return { status: 200, body: shownComment(edited) };
    },
    "repos/list-pull-requests-associated-with-commit": ({ parameters }, call) =>
      paged(call, pulls.filter(({ commits }) => commits.includes(parameters.commit_sha ?? "")).map(shownPull)),
    "repos/create-commit-status": ({ parameters }, { body }) => {
      const {
        state,
        context = "default",
        description = "",
        target_url = "",
      } = body as {
        readonly state: string;
        readonly context?: string;
        readonly description?: string;
        readonly target_url?: string;
      };
      if (description.length > 140)
        return {
          status: 422,
          body: {
            message: "Validation Failed",
            errors: [{ field: "description", message: "description is too long (maximum is 140 characters)" }],
          },
        };
      const status: Status = { state, context, description, targetUrl: target_url };
      const sha = parameters.sha ?? "";
      statuses.set(sha, [status, ...(statuses.get(sha) ?? [])]);
      return { status: 201, body: shownStatus(status) };
    },
    "repos/list-commit-statuses-for-ref": ({ parameters }, call) =>
      paged(call, (statuses.get(parameters.ref ?? "") ?? []).map(shownStatus)),
  };

  const repository: Repository = {
    url: "",
    serve(match, call, who) {
      if (`${match.parameters.owner}/${match.parameters.repo}` !== name) return notFound;
      if (call.method !== "GET" && who.access === "read") return readOnly;
      return operations[match.operation]?.(match, call, who) ?? notFound;
    },
    comments: (pull) => comments.filter((comment) => comment.pull === pull),
    deleteComment(id) {
      comments = comments.filter((comment) => comment.id !== id);
    },
    addComment,
    statuses: (sha) => statuses.get(sha) ?? [],
  };
  return repository;
}

/** The description has made sure that it is there. */
const textOf = (body: unknown): string => (body as { readonly body: string }).body;
