import { RefusedError, tell } from "../lib/errors.ts";
import { someOf } from "../lib/some-of.ts";
import type { ReleaseRecord } from "../release/release-record.ts";
import { rollBack } from "../release/transition.ts";
import { nextCommand } from "../words/next-command.ts";
import { bothServe, notAsItShouldBe, serviceInWords } from "../words/standing-text.ts";
import { concludeTaken } from "./conclude.ts";
import { newRecord } from "./new-record.ts";
import type { ExitCode, Session } from "./session.ts";
import { podlessAmong } from "./strays.ts";

/** Refuses a name that nothing has: whoever mistyped it must not believe that all is well. */
export async function unlessUnknown({ config, services }: Session, undone: string): Promise<void> {
  const { namespace, service } = config;
  const names = await services();
  if (!names || names.includes(service)) return;
  const found = someOf(names, ", ", 10) || "none";
  throw new RefusedError(`There is no Service ${service} in ${namespace} (found: ${found}). ${undone}`.trimEnd(), {
    next: "Correct the service, the namespace, or the kubeconfig's context.",
  });
}

/** How it stands with a service; `known`: somebody has read where its requests go, and who should have them. */
export type LastReading = { readonly known: boolean; readonly differences: readonly string[] };

/** One version alone may serve, whichever it is; of a service without a configuration nothing can be read. */
export async function standingWithoutJournal({ config, serving }: Session): Promise<LastReading> {
  if (!config.release) return { known: false, differences: [] };
  const { target } = config.release;
  const { length } = await serving(target);
  return { known: length > 0, differences: length > 1 ? [bothServe(target)] : [] };
}

/** What is wrong with the requests of a service without a journal, as far as the configuration lets it be known. */
export async function straysWithoutJournal(session: Session): Promise<readonly string[]> {
  return (await standingWithoutJournal(session)).differences;
}

/**
 * Somebody deleted the journal in the middle of a release, or there never was one. Where both versions have requests,
 * all of them go to the one that the configuration calls stable; how the canary's pods were before, nobody knows.
 */
export async function rollBackWithoutJournal(session: Session, lost: AbortSignal): Promise<ExitCode> {
  const { config, messages } = session;
  const undone = "Nothing was rolled back.";
  await unlessUnknown(session, undone);
  const where = `${serviceInWords(config)}: there is no journal of a release here`;
  if (!config.release) {
    const command = nextCommand("rollback", { target: config, asked: { ...config.asked, config: "FILE" } });
    throw new RefusedError(`${where}. ${undone}`, {
      next: `If there was a release, say by the configuration which versions it had: ${command}`,
    });
  }
  if ((await straysWithoutJournal(session)).length === 0)
    throw new RefusedError(`${where}, and no version shares its requests with another. ${undone}`);

  const record = await rollingBack(session, config.release).catch(tell);
  if (typeof record === "string") {
    messages.print(notAsItShouldBe(where, [bothServe(config.release.target)]));
    messages.print(`It was not put right: ${record}`);
    messages.somethingLeft();
    return 3;
  }
  const { stable, canary } = record.target;
  messages.warn(
    `${where}, but ${bothServe(record.target)}: all of them go to ${stable.deployment}, which the configuration calls stable. ${canary.deployment} keeps its pods`,
  );
  await session.journal.save(record);
  return concludeTaken(session, record, lost);
}

/** The release as it would be by the configuration. Rejects where it cannot be rolled back. */
async function rollingBack(
  session: Session,
  { target, plan }: NonNullable<Session["config"]["release"]>,
): Promise<ReleaseRecord> {
  const { run, clock } = session;
  const begun = newRecord(session, { target, exchanged: false, plan }, await session.captureGivenBack(target));
  if ((await podlessAmong(session, begun, ["stable"])).length > 0)
    throw new RefusedError(`${target.stable.deployment}, which the configuration calls stable, has no pod.`);
  const reason = { kind: "rollback-wanted", actor: run.actor } as const;
  return { ...begun, state: rollBack({ phase: "shifting", step: "routing", stage: 0, since: 0 }, reason, clock.now()) };
}
