import type { Millis } from "../lib/duration.ts";
import type { Account } from "../release/account.ts";
import { isRunning } from "../release/state.ts";
import type { Clock } from "../world/clock.ts";
import { within } from "../world/within.ts";

export type OutboxOptions = {
  readonly clock: Clock;
  /** Sends one account. What it rejects with goes to `failed`, and the next account is tried all the same. */
  readonly send: (account: Account, signal: AbortSignal) => Promise<void>;
  readonly failed: (error: unknown) => void;
  /** What has to change for people to be told again. */
  readonly gist: (account: Account) => string;
  /**
   * Between two sendings at least, in the release's own time. Default 30s. The end of a release does not wait for it.
   */
  readonly every?: Millis | undefined;
  /** For one sending at most. Default 20s. */
  readonly patience?: Millis | undefined;
};

export type Outbox = {
  readonly offer: (account: Account) => void;
  /** Sends what is still unsaid. Resolves after `limit` ms at the latest, and nothing is under way any more. */
  readonly flush: (limit: Millis) => Promise<void>;
};

/**
 * Sends accounts off the release's path, one at a time. Only the newest counts: an older one that was not sent is
 * forgotten.
 */
export function createOutbox({ clock, send, failed, gist, every = 30_000, patience = 20_000 }: OutboxOptions): Outbox {
  const over = new AbortController();
  let unsaid: Account | undefined;
  let said: { readonly gist: string; readonly at: number } | undefined;
  let busy: Promise<unknown> | undefined;

  const due = (account: Account): boolean => {
    if (gist(account) === said?.gist) return false;
    return said === undefined || !isRunning(account.state) || account.now - said.at >= every;
  };

  /** True when it was sent. */
  async function sendOne(account: Account): Promise<boolean> {
    unsaid = undefined;
    said = { gist: gist(account), at: account.now };
    const signal = AbortSignal.any([over.signal, clock.deadline(clock.now() + patience)]);
    try {
      await Promise.race([send(account, signal), rejection(signal)]);
      return true;
    } catch (error) {
      if (!over.signal.aborted) failed(error);
      unsaid ??= account;
      said = { gist: "", at: account.now }; // it is due again, when its time comes
      return false;
    }
  }

  async function work(wanted: (account: Account) => boolean): Promise<boolean> {
    let sent = true;
    while (sent && unsaid && wanted(unsaid) && !over.signal.aborted) sent = await sendOne(unsaid);
    busy = undefined;
    return sent;
  }

  const unsent = (account: Account): boolean => gist(account) !== said?.gist;

  async function finish(): Promise<void> {
    await busy;
    if (!(await work(unsent))) await work(unsent); // the last word is worth a second try
  }

  return {
    offer(account) {
      unsaid = account;
      if (!busy && due(account)) busy = work(due);
    },
    async flush(limit) {
      await within(finish(), limit, clock);
      over.abort(new Error("the job ended before everything was said"));
    },
  };
}

/** Whoever sends may not listen to the signal. */
function rejection(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) =>
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true }),
  );
}
