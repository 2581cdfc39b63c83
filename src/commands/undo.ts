import { RefusedError } from "../lib/errors.ts";
import { askedLast } from "../release/asked-with.ts";
import type { ReleaseRecord } from "../release/release-record.ts";
import { winnerOf } from "../release/transition.ts";
import { sameAgain, type Undoing, undoingOf } from "../release/undoing.ts";
import { nothingToUndo } from "../words/nothing-to-undo.ts";
import { exchangedInWords } from "../words/scene-setting.ts";
import { keptMetrics } from "./known-metrics.ts";
import { launch } from "./launch.ts";
import { locked } from "./locked.ts";
import { untouched } from "./preconditions.ts";
import type { ExitCode, Session } from "./session.ts";

/**
 * After a release that succeeded, back to the version before. It is a release by itself, without stages: it waits until
 * that version is ready, gives it all requests, and whatever stops it on the way leaves the newer version serving.
 */
export async function undo(session: Session): Promise<ExitCode> {
  return locked(session, { force: false }, async ({ lost }) => {
    const { config, run } = session;
    const last = await untouched(session.journal.load());
    const undoing = last && (await undoingFor(session, last));
    if (!undoing) throw refusal(session, last);
    const { target, exchanged, plan } = undoing;
    if (exchanged) session.messages.print(exchangedInWords(target));
    const asked = askedLast(last.asked, config.asked);
    const metrics = keptMetrics(config) ?? last.metrics;
    const { deployment } = target[winnerOf(plan)];
    const why = { kind: "undo-wanted", deployment, image: target.image, actor: run.actor } as const;
    return launch(session, { ...undoing, asked, metrics }, lost, why);
  });
}

/** Undefined where there is nothing to undo. */
async function undoingFor({ config, wayBack }: Session, last: ReleaseRecord): Promise<Undoing | undefined> {
  const { state, undoes } = last;
  if (undoes && state.phase === "rolled-back") return sameAgain(last, config.namedImage);
  if (undoes || state.phase !== "succeeded") return undefined;
  const back = await untouched(wayBack(last));
  if (!back) return undefined;
  const image = config.namedImage ?? last.replaced ?? back.image;
  return undoingOf(last, { ...back, image, stands: back.stands && image === back.image });
}

function refusal({ config }: Session, last: ReleaseRecord | undefined): RefusedError {
  const { what, next } = nothingToUndo(last);
  return new RefusedError(`${config.namespace}/${config.service}: nothing was undone. ${what}`, { next });
}
