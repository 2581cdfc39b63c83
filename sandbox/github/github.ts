import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { type Call, readDescription } from "./description.ts";
import { type Answer, type Comment, createRepository, type Identity, type Pull, type Status } from "./repository.ts";

export type GitHubOptions = {
  /** `owner/name`. Default `acme/shop`. */
  readonly repository?: string;
  readonly pulls?: readonly Pull[];
  /** Its paths begin as those of an Enterprise Server do. */
  readonly enterprise?: boolean;
  /** Who is behind each token. Default: one token, `ghs_token`, of github-actions[bot], that may write. */
  readonly tokens?: Readonly<Record<string, Identity>>;
};

/** Something that goes wrong on purpose, for the next requests that match. */
export type Fault = {
  readonly method?: string;
  readonly path?: RegExp;
  /** How many requests it hits. Default 1. */
  readonly times?: number;
  /** What is answered instead; without it the request is served, only late. */
  readonly status?: number;
  readonly message?: string;
  /** The whole answer, instead of one with the message. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** The request takes effect all the same: what a lost answer looks like. */
  readonly served?: boolean;
  /** Milliseconds before the answer. */
  readonly delay?: number;
};

/** GitHub's REST API for one repository on a port of this machine, checked against GitHub's own description of it. */
export type GitHubSandbox = {
  /** What GITHUB_API_URL has to be. */
  readonly url: string;
  readonly comments: (pull: number) => readonly Comment[];
  /** Somebody takes a comment away. */
  readonly deleteComment: (id: number) => void;
  /** A comment by somebody who needs no token. */
  readonly addComment: (pull: number, author: Identity, body: string) => Comment;
  readonly statuses: (sha: string) => readonly Status[];
  readonly fail: (fault: Fault) => void;
  readonly requests: readonly { readonly method: string; readonly path: string; readonly status: number }[];
  /** Requests and answers that GitHub's description does not allow. */
  readonly violations: readonly string[];
  readonly close: () => Promise<void>;
};

const actionsBot: Identity = { login: "github-actions[bot]", type: "Bot", access: "write" };

export async function startGitHub(options: GitHubOptions = {}): Promise<GitHubSandbox> {
  const description = await readDescription();
  const repository = createRepository(options.repository ?? "acme/shop", options.pulls ?? [], description.shaped);
  const tokens = options.tokens ?? { ghs_token: actionsBot };
  const faults: { fault: Fault; left: number }[] = [];
  const requests: { method: string; path: string; status: number }[] = [];
  const violations: string[] = [];
  const closing = new AbortController();
  const places = options.enterprise ? enterprisePlaces : ownPlaces;

  async function answer(call: Call): Promise<Answer> {
    const fault = takeFault(faults, call);
    if (fault?.delay !== undefined) await sleep(fault.delay, undefined, { signal: closing.signal });
    const broken =
      fault?.status === undefined
        ? undefined
        : {
            status: fault.status,
            body: fault.body ?? { message: fault.message ?? "a fault of the sandbox" },
            headers: fault.headers ?? {},
          };
    if (broken && fault?.served !== true) return broken;
    const served = serve(call);
    return broken ?? served;
  }

  function serve(call: Call): Answer {
    const who = tokens[/^(?:bearer|token) (.+)$/i.exec(call.headers.authorization ?? "")?.[1] ?? ""];
    if (!who)
      return { status: 401, body: { message: "Bad credentials", documentation_url: "https://docs.github.com/rest" } };
    if (call.path === "/graphql") return viewer(call, who); // no part of the REST description; only the one question is known
    const match = description.match(call);
    if (!match)
      return { status: 404, body: { message: "Not Found", documentation_url: "https://docs.github.com/rest" } };

    const wrong = description.faultsOfRequest(call, match.operation);
    if (wrong.length > 0) {
      violations.push(...wrong.map((fault) => `${call.method} ${call.path}: ${fault}`));
      return {
        status: 422,
        body: {
          message: `Validation Failed: ${wrong.join(", ")}`,
          documentation_url: "https://docs.github.com/rest",
          errors: [],
        },
      };
    }
    const given = repository.serve(match, call, who);
    violations.push(
      ...description
        .faultsOfAnswer(match.operation, given.status, given.body)
        .map((fault) => `${call.method} ${call.path}: answer ${given.status}: ${fault}`),
    );
    return given;
  }

  const server = createServer((message, response) => {
    void respond(message, response).catch(() => response.destroy()); // closed while an answer was held back
  });

  async function respond(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const call = await read(message, places);
    const { status, body, headers } = await answer(call);
    requests.push({ method: call.method, path: call.path, status });
    response
      .writeHead(status, { "content-type": "application/json; charset=utf-8", ...limits(requests.length), ...headers })
      .end(JSON.stringify(body));
  }

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  repository.url = `http://127.0.0.1:${port}${places.rest}`;
  return {
    url: repository.url,
    comments: repository.comments,
    deleteComment: repository.deleteComment,
    addComment: repository.addComment,
    statuses: repository.statuses,
    fail: (fault) => void faults.push({ fault, left: fault.times ?? 1 }),
    requests,
    violations,
    async close() {
      closing.abort();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** Where REST and GraphQL are: https://docs.github.com/enterprise-server/rest/using-the-rest-api/getting-started-with-the-rest-api */
type Places = { readonly rest: string; readonly graphql: string };
const ownPlaces: Places = { rest: "", graphql: "/graphql" };
const enterprisePlaces: Places = { rest: "/api/v3", graphql: "/api/graphql" };

/** The limit of a job's token: https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#checking-the-status-of-your-rate-limit */
const limits = (used: number): Readonly<Record<string, string>> => ({
  "x-ratelimit-limit": "1000",
  "x-ratelimit-remaining": String(1_000 - used),
  "x-ratelimit-used": String(used),
  "x-ratelimit-reset": String(Math.ceil(Date.now() / 1_000) + 3_600),
  "x-ratelimit-resource": "core",
});

function takeFault(faults: { fault: Fault; left: number }[], call: Call): Fault | undefined {
  const hit = faults.find(
    ({ fault, left }) =>
      left > 0 && (fault.method ?? call.method) === call.method && (fault.path?.test(call.path) ?? true),
  );
  if (hit) hit.left -= 1;
  return hit?.fault;
}

function viewer(call: Call, who: Identity): Answer {
  const { query } = call.body as { readonly query?: string };
  return /^\s*(query\s*)?\{\s*viewer\s*\{\s*login\s*\}\s*\}\s*$/.test(query ?? "")
    ? { status: 200, body: { data: { viewer: { login: who.login } } } }
    : { status: 200, body: { errors: [{ message: `the sandbox knows only { viewer { login } }, not ${query}` }] } };
}

async function read(message: IncomingMessage, { rest, graphql }: Places): Promise<Call> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString("utf8");
  const url = new URL(message.url ?? "/", "http://sandbox");
  const headers = Object.fromEntries(Object.entries(message.headers).map(([name, value]) => [name, String(value)]));
  const call = {
    method: message.method ?? "GET",
    path: url.pathname === graphql ? "/graphql" : url.pathname.slice(rest.length),
    query: Object.fromEntries(url.searchParams),
    headers,
  };
  return text === "" ? call : { ...call, body: JSON.parse(text) };
}
