import type { Instant } from "../lib/duration.ts";
import { RefusedError } from "../lib/errors.ts";
import { isOver } from "../release/state.ts";
import type { Notice } from "../words/notice.ts";
import type { ExitCode, PlanSession } from "./session.ts";

/** A command that would begin something, and tells why it did not where a release is told of. */
export const tellingRefusals =
  <S extends PlanSession>(command: (session: S) => Promise<ExitCode>): ((session: S) => Promise<ExitCode>) =>
  async (session) => {
    const at = session.clock.now();
    try {
      return await command(session);
    } catch (error) {
      if (error instanceof RefusedError && !session.stop.aborted) await tellRefusal(session, at, error);
      throw error;
    }
  };

async function tellRefusal(session: PlanSession, at: Instant, { message, next = "" }: RefusedError): Promise<void> {
  const { command, release } = session.config;
  const lines = [...message.split("\n"), next];
  const image = release?.target.image;
  await session.notices.tell({ kind: "refused", command, image, lines, ...(await noticeSetting(session, at)) });
}

/** Of what a notice is, and beside what. A plan over files has no journal to ask. */
export async function noticeSetting(
  { config, cluster, run, journal }: PlanSession,
  at: Instant,
): Promise<Pick<Notice, "subject" | "cluster" | "run" | "at" | "journal">> {
  const subject = { namespace: config.namespace, service: config.service };
  const setting = { subject, cluster, run, at };
  if (cluster.host === "") return setting;
  try {
    const record = await journal.load();
    return { ...setting, journal: { open: record && !isOver(record.state) ? record.startedAt : undefined } };
  } catch {
    return setting; // what it says then nobody knows
  }
}
