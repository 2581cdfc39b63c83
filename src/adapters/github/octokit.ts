import { GitHub as GitHubOctokit, getOctokitOptions } from "@actions/github/lib/utils";
import { retry } from "@octokit/plugin-retry";
import { throttling } from "@octokit/plugin-throttling";
import type { Millis } from "../../lib/duration.ts";
import { unreachable } from "../../world/request-json.ts";
import { send } from "../../world/send.ts";
import type { Network } from "../../world/world.ts";

export type GitHubOptions = {
  readonly network: Network;
  /** GITHUB_API_URL: `https://api.github.com`, or `https://HOST/api/v3` of an Enterprise Server. */
  readonly apiUrl: string;
  readonly token: string;
  /** For one attempt. Default 10s. */
  readonly timeout?: Millis | undefined;
  /** Whether writes are a second apart, and new comments three, as GitHub asks for. Default true. */
  readonly isPaced?: boolean | undefined;
};

const PluggedOctokit = GitHubOctokit.plugin(retry, throttling);

export type Octokit = InstanceType<typeof PluggedOctokit>;

let clients = 0;

/** Octokit with the plugins that repeat what failed for the moment, and keep the pace that GitHub asks for. */
export function createOctokit(options: GitHubOptions): Octokit {
  const { apiUrl, token, isPaced = true } = options;
  return new PluggedOctokit({
    ...getOctokitOptions(token, { userAgent: "istio-canary", baseUrl: apiUrl.replace(/\/$/, "") }),
    log: silent,
    request: { fetch: fetchThrough(options) },
    retry: { retries, doNotRetry: [400, 401, 403, 404, 410, 422, 429, 451] }, // limits are the other plugin's
    throttle: {
      enabled: isPaced,
      id: `client ${++clients}`, // the plugin counts for the whole process
      onRateLimit: isWorthRepeating,
      onSecondaryRateLimit: isWorthRepeating,
    },
  });
}

/** How often a request is sent again, whichever plugin does it. */
const retries = 2;

/** In seconds. For a longer pause nobody waits: whoever asked is told until when GitHub wants to be left alone. */
const longestPause = 5;

/**
 * The throttling plugin counts, and leaves the end to us; it does not know `retries: 0`, which is the other plugin's.
 */
const isWorthRepeating = (pause: number, { request }: Asked, _: unknown, repeated: number): boolean =>
  pause <= longestPause && repeated < retries && !("retries" in request && request.retries === 0);

type Asked = { readonly request: object };

/** What Octokit would tell the console: deprecations, which are no business of whoever releases. */
const silent = { debug() {}, info() {}, warn() {}, error() {} };

type Fetch = (
  address: string,
  request: {
    readonly method: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body?: string | undefined;
    readonly signal?: AbortSignal | undefined;
  },
) => Promise<Response>;

/**
 * The world's network in place of the fetch that Octokit would find: it knows the proxies, and ends what takes too
 * long.
 */
function fetchThrough({ network, timeout = 10_000 }: GitHubOptions): Fetch {
  return async (address, { method, headers, body, signal }) => {
    const url = new URL(address);
    try {
      const answer = await send(network, { method, url, headers, body, signal }, timeout);
      return new Response(answer.text || null, answer);
    } catch (error) {
      throw unreachable(method, url, error);
    }
  };
}
