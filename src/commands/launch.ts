import type { Reason } from "../release/reason.ts";
import type { ReleaseRecord } from "../release/release-record.ts";
import { serviceInWords } from "../words/standing-text.ts";
import { conclude, exitCodeOf } from "./conclude.ts";
import { newRecord, type WantedRelease } from "./new-record.ts";
import { unlessRefused, unlessStopped, untouched } from "./preconditions.ts";
import type { ExitCode, Session } from "./session.ts";
import { usualTotal, withMeasuredDispersion } from "./usual-traffic.ts";

/** Cookies of an earlier release of the service mean nothing in this one. */
function withItsCookie({ clock }: Session, wanted: WantedRelease): WantedRelease {
  const { affinity } = wanted.plan;
  if (!affinity) return wanted;
  return { ...wanted, plan: { ...wanted.plan, affinity: { ...affinity, release: clock.now().toString(36) } } };
}

/** A release from its preflight to its end. `why`: what there is to say of it before it begins. */
export async function launch(
  session: Session,
  wanted: WantedRelease,
  lost: AbortSignal,
  why?: Reason,
): Promise<ExitCode> {
  await allowed(session, wanted);
  unlessStopped(session);
  const begun = await begin(session, withItsCookie(session, wanted), why);
  return exitCodeOf(await conclude(session, begun, lost, { taken: false }));
}

/** Makes every preflight check, tells what was found, and refuses if anything forbids the release. */
async function allowed(session: Session, wanted: WantedRelease): Promise<void> {
  const { target, plan, undoes, exchanged = false } = wanted;
  const findings = await session.preflight(target, plan, { undo: undoes !== undefined, exchanged }).inspect();
  const verb = undoes ? "undone" : "released";
  unlessRefused(session, findings, `${serviceInWords(target)} cannot be ${verb}, and nothing was changed:`);
}

/** Journals a release before anything is changed for it. */
async function begin(session: Session, wanted: WantedRelease, why: Reason | undefined): Promise<ReleaseRecord> {
  // Errors that come in clusters prove less; how clustered they are is seen on stable's pods in the hour before.
  const { history, capture } = session;
  const [before, { plan: tempered, because }, usual] = await Promise.all([
    capture(wanted.target, wanted.plan),
    withMeasuredDispersion(history, wanted.target, wanted.plan),
    usualTotal(history, wanted.target, wanted.plan),
  ]);
  const { evidence } = tempered;
  const plan = { ...tempered, evidence: { ...evidence, settings: { ...evidence.settings, ...usual } } };
  const begun = newRecord(session, { ...wanted, plan }, before);
  const reasons: Reason[] = [];
  if (why) reasons.push(why);
  if (because !== undefined) reasons.push({ kind: "measured", words: because });
  const record = { ...begun, log: reasons.map((reason) => ({ at: begun.startedAt, do: "begin", reason })) };
  await untouched(session.journal.save(record));
  return record;
}
