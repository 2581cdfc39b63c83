import type { ReleaseRecord } from "../release/release-record.ts";
import type { Role } from "../release/target.ts";
import { winnerAfter } from "../release/transition.ts";
import { podless, unread } from "../words/standing-text.ts";
import { unansweredBy } from "./conclude.ts";
import type { Session } from "./session.ts";

/**
 * What is wrong with the requests of a release that is over: they go where they should not, or where nobody is. How many
 * pods there are, and of which image, is other people's business since.
 */
export async function strays(session: Session, record: ReleaseRecord): Promise<readonly string[]> {
  const { target, plan, state } = record;
  try {
    const [differences, serving] = await Promise.all([
      session.connect(record).router.differences(winnerAfter(plan, state)),
      session.serving(target),
    ]);
    const without = await podlessAmong(session, record, serving);
    return [...differences, ...without.map((role) => podless(target, role))];
  } catch (error) {
    return [unread(error)];
  }
}

/** What is wrong with the requests of a release that waits for somebody. */
export async function unanswered({ connect }: Session, record: ReleaseRecord): Promise<readonly string[]> {
  if (record.state.phase !== "waiting") return [];
  return unansweredBy(record, connect(record).router).catch((error: unknown) => [unread(error)]);
}

/** The versions that have no pod that could serve. */
export async function podlessAmong(
  { connect }: Session,
  record: ReleaseRecord,
  among: readonly Role[],
): Promise<readonly Role[]> {
  const { workload } = connect(record);
  const healths = await Promise.all(among.map((role) => workload.health(role)));
  return among.filter((_, index) => healths[index]?.available === 0);
}
