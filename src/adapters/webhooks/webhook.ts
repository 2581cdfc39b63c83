import type { Millis } from "../../lib/duration.ts";
import { tell } from "../../lib/errors.ts";
import type { MessageForm, Webhook } from "../../release/webhook.ts";
import type { NoticedReporter } from "../../reporting/tell-notice.ts";
import { type News, newsOf, newsOfNotice } from "../../words/news.ts";
import { unreachable } from "../../world/request-json.ts";
import { isPassing, retry } from "../../world/retry.ts";
import { send } from "../../world/send.ts";
import { within } from "../../world/within.ts";
import type { Network } from "../../world/world.ts";
import { messageOf } from "./message.ts";

const patience: Millis = 2_000;
const policy = { pauses: [500, 1_000], isPassing, longestPause: 2_000, beyond: "give up" } as const;

/**
 * Posts to one webhook, each thing once. An end is told by the job that saw the release go on: another one that looks at
 * it afterwards says nothing.
 */
export function webhook(
  { url, form, on }: Webhook,
  { network, warn }: { readonly network: Network; readonly warn: (warning: string) => void },
): NoticedReporter {
  const told = new Set<string>();
  const seen = new Set<number>();
  const over = new AbortController();
  let posting: Promise<void> = Promise.resolve();

  async function post(news: News, signal: AbortSignal): Promise<void> {
    const request = {
      method: "POST",
      url: new URL(url),
      headers: { "content-type": "application/json", "user-agent": "istio-canary" },
      body: JSON.stringify(messageOf(form, news)),
      signal,
    };
    try {
      const answer = await retry(() => send(network, request, patience), policy, network.clock, signal);
      if (answer.status >= 300) warn(`${nameOf(form)} was not told: it answered ${answer.status}.`);
    } catch (error) {
      if (!over.signal.aborted)
        warn(`${nameOf(form)} was not told: ${tell(unreachable("POST", new URL("/", url), error))}`);
    }
  }

  function offer(news: News | undefined, key: string): void {
    if (!news || !on.includes(news.kind) || told.has(key)) return;
    told.add(key);
    posting = posting.then(() => post(news, over.signal)); // one after the other, as they happened
  }

  return {
    report(account) {
      const { startedAt, state, stages } = account;
      const news = newsOf(account);
      if (account.settled === undefined) seen.add(startedAt);
      if (!news || !seen.has(startedAt)) return;
      offer(news, [startedAt, news.kind, state.phase === "waiting" ? stages.length : ""].join());
    },
    async flush(limit) {
      const done = await within(
        posting.then(() => true),
        limit,
        network.clock,
      );
      if (!done && !over.signal.aborted) warn(`${nameOf(form)} was not told: no answer before the job ended.`);
      over.abort(new Error("the job ended before everybody was told"));
    },
    async notice(notice, signal) {
      const news = newsOfNotice(notice);
      if (news && on.includes(news.kind)) await post(news, signal);
    },
  };
}

const nameOf = (form: MessageForm): string => `the webhook of reporting.notify (${form})`;
