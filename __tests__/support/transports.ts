import type { Instant } from "../../src/lib/duration.ts";
import type { HttpAnswer, HttpRequest, Transport } from "../../src/world/transport.ts";

/** Who stands between a client and its server: may forward a request, and answers it as it likes. */
export type Between = (request: HttpRequest, forward: () => Promise<HttpAnswer>) => Promise<HttpAnswer>;

export const withBetween = (transport: Transport, between: Between): Transport => ({
  send: (request) => between(request, () => transport.send(request)),
});

/** Answers are dated by a clock of one's own; by none where it does not know the time. */
export const datedBy =
  (now: () => Instant | undefined): Between =>
  async (_, forward) => {
    const answer = await forward();
    const { date: _date, ...headers } = answer.headers;
    const at = now();
    if (at === undefined) return { ...answer, headers };
    return { ...answer, headers: { ...headers, date: new Date(at).toUTCString() } };
  };

/** Never answers; rejects when the request is given up. */
export const silence = ({ signal }: Pick<HttpRequest, "signal">): Promise<never> =>
  new Promise((_, reject) => {
    const giveUp = (): void => reject(signal?.reason);
    if (signal?.aborted) giveUp();
    signal?.addEventListener("abort", giveUp, { once: true });
  });
