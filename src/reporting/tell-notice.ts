import type { Millis } from "../lib/duration.ts";
import type { Reporter } from "../ports/reporter.ts";
import type { Notice } from "../words/notice.ts";
import type { Clock } from "../world/clock.ts";
import { within } from "../world/within.ts";
import type { Censor } from "./censor.ts";

/** Somewhere a notice is told. */
export type NoticeSink = (notice: Notice, signal: AbortSignal) => Promise<void>;

/** Who is told of releases, and of commands that began none. */
export type NoticedReporter = Reporter & { readonly notice: NoticeSink };

/** For as long a command waits until everybody has been told. */
const patience: Millis = 10_000;

/** Tells a notice everywhere, through the censor. Whatever one place does, the others are told. */
export async function tellNotice(
  notice: Notice,
  sinks: readonly NoticeSink[],
  { censor, clock }: { readonly censor: Pick<Censor, "notice">; readonly clock: Clock },
): Promise<void> {
  const signal = clock.deadline(clock.now() + patience);
  const told = censor.notice(notice);
  await within(Promise.allSettled(sinks.map(async (sink) => sink(told, signal))), patience, clock);
}
