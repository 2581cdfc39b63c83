import { tell } from "../lib/errors.ts";
import { plannedWeight } from "../release/planned-weight.ts";
import type { ReleaseRecord } from "../release/release-record.ts";
import { splitAt } from "../release/split.ts";
import { isOutcome } from "../release/state.ts";
import { recordInWords } from "../words/in-words.ts";
import { clusterInWords } from "../words/scene-setting.ts";
import { statusText } from "../words/status-text.ts";
import type { ExitCode, Session } from "./session.ts";

/** Where the newest release of the service is, from the journal, and whether the routes are as it left them. */
export async function status(session: Session): Promise<ExitCode> {
  const { cluster, config } = session;
  const { namespace, service, json } = config;
  const record = await session.journal.load();
  if (!record) {
    session.messages.print(
      json
        ? JSON.stringify({ cluster, namespace, service, phase: "none" })
        : `${clusterInWords(cluster)}\n${namespace}/${service}: no release was ever begun here.`,
    );
    return 0;
  }
  const drift = isOutcome(record.state) ? undefined : await driftOf(session, record);
  session.messages.print(
    json
      ? JSON.stringify({ cluster, ...recordInWords(record), weight: plannedWeight(record), drift })
      : statusText(cluster, record, drift, session.clock.now()),
  );
  return 0;
}

const driftOf = (session: Session, record: ReleaseRecord): Promise<string | undefined> =>
  session
    .connect(record)
    .router.drift(splitAt(plannedWeight(record)))
    .catch((error: unknown) => tell(error));
