import { tell } from "../lib/errors.ts";
import { inert } from "../lib/lines.ts";
import { plannedTraffic } from "../release/planned-weight.ts";
import type { ReleaseRecord } from "../release/release-record.ts";
import { heldBy, isOver, isRunning } from "../release/state.ts";
import { clusterInWords } from "../words/scene-setting.ts";
import { notAsItShouldBe } from "../words/standing-text.ts";
import { noReleaseAnswer, statusAnswer } from "../words/status-answer.ts";
import { type Deviation, statusText } from "../words/status-text.ts";
import type { ExitCode, Session } from "./session.ts";
import { strays, unanswered } from "./strays.ts";
import { straysWithoutJournal, unlessUnknown } from "./without-journal.ts";

/**
 * Where the newest release of the service is, from the journal, and whether its routes are as it left them: also when it
 * is over, and as far as that can be known when there is no journal.
 */
export async function status(session: Session): Promise<ExitCode> {
  const record = await session.journal.load();
  if (!record) return statusWithoutJournal(session);
  const { cluster, config, messages, clock } = session;
  const deviation = await deviationOf(session, record);
  if (config.json) messages.answer(statusAnswer(cluster, record, deviation));
  else messages.print(statusText(cluster, record, deviation, clock.now()));
  if (needsSomebody(record, deviation)) return 3;
  return 0;
}

/** Something is not as it should be, it is held, it got stuck, or its job is dead. */
const needsSomebody = ({ state }: ReleaseRecord, { differences, watched }: Deviation): boolean =>
  differences.length > 0 || heldBy(state) !== undefined || state.phase === "failed" || watched === false;

async function statusWithoutJournal(session: Session): Promise<ExitCode> {
  const { cluster, config, messages } = session;
  const { namespace, service } = config;
  await unlessUnknown(session, "");
  const differences = await straysWithoutJournal(session);
  let standing = `${namespace}/${service}: no release was ever begun here.`;
  if (differences.length > 0)
    standing = notAsItShouldBe(`${namespace}/${service}: there is no journal here`, differences);
  if (config.json) messages.answer(noReleaseAnswer(cluster, config, differences));
  else messages.print(`${inert(clusterInWords(cluster))}\n${standing}`);
  if (differences.length > 0) return 3;
  return 0;
}

async function deviationOf(session: Session, record: ReleaseRecord): Promise<Deviation> {
  if (isOver(record.state)) return { drift: undefined, differences: await strays(session, record), watched: undefined };
  const { router } = session.connect(record);
  const [drift, differences, watched] = await Promise.all([
    router.drift(plannedTraffic(record)).catch((error: unknown) => tell(error)),
    unanswered(session, record),
    isRunning(record.state) ? isWatched(session) : undefined,
  ]);
  return { drift, differences, watched };
}

const isWatched = async ({ lock }: Session): Promise<boolean> => (await lock({ force: false }).holder()) !== undefined;
