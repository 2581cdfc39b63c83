import { fileText } from "../init/file-text.ts";
import type { InitGround, Wish } from "../init/ground.ts";
import type { ProposedFile } from "../init/proposal.ts";
import { propose } from "../init/propose.ts";
import type { KubernetesObject } from "../kubernetes/object.ts";
import { RefusedError, tell } from "../lib/errors.ts";
import { lineDifference } from "../lib/line-difference.ts";
import type { Redact } from "../lib/redaction.ts";
import type { Finding } from "../ports/preflight.ts";
import type { ReleaseRecord } from "../release/release-record.ts";
import { isOver } from "../release/state.ts";
import { fileReason, initText, unreadyInWords, type WrittenFile } from "../words/init-text.ts";
import { nextCommand } from "../words/next-command.ts";
import { untouched } from "./preconditions.ts";
import type { ExitCode, Session } from "./session.ts";

/** What a first release is prepared with: a cluster that is only read, or files, and the folder that files go into. */
export type InitSession = Pick<Session, "messages"> & {
  /** Undefined over files, and where there was no release or its journal may not be read. */
  readonly release: () => Promise<ReleaseRecord | undefined>;
  readonly wish: Wish;
  readonly ground: InitGround;
  /** Half a sentence: `at namespace shop of prod`. */
  readonly where: string;
  readonly folder: string;
  /** What a plan says of a world as if all of it ran, by the configuration that was made. */
  readonly inspect: (
    objects: readonly KubernetesObject[],
    texts: ReadonlyMap<string, string>,
  ) => Promise<readonly Finding[]>;
  /** Takes secrets out of what is written. */
  readonly redact: Redact;
  /** Undefined where there is none; rejects where a file can be neither read nor made. */
  readonly readFile: (path: string) => Promise<string | undefined>;
  /** Writes a file that is not there. */
  readonly write: (path: string, text: string) => void;
};

/** Writes what a service lacks for its first release, as files to review. Applies nothing, and writes over nothing. */
export async function init(session: InitSession): Promise<ExitCode> {
  const { wish, ground, where, folder, messages } = session;
  await assertNoRelease(session);
  const proposal = propose(ground, wish);
  if ("kind" in proposal) {
    const { message, next } = unreadyInWords(proposal, ground.service, where);
    throw new RefusedError(message, { next });
  }
  const texts = new Map(proposal.files.map((file) => [file.path, session.redact(fileText(file, fileReason(file)))]));
  const found = await session.inspect(proposal.objects, texts);
  const left = found.filter(({ level, unseen }) => level !== "note" && unseen === undefined);
  const files: WrittenFile[] = [];
  for (const file of proposal.files) files.push(await lookedAt(session, file, texts.get(file.path) ?? ""));
  for (const { path, became } of files) if (became === "written") write(session, path, texts.get(path) ?? "");
  const { namespace } = ground;
  const { image } = proposal;
  const isRefused = left.some(({ level }) => level === "refuse");
  const notes = proposal.notes.filter(({ kind }) => !(isRefused && kind === "releasable"));
  messages.print(initText({ where, files, notes, left, namespace, image, folder }));
  if (isRefused) return 3;
  return 0;
}

/** Its weights are not the route's own: in a file they would stay, also when its pods are gone. */
async function assertNoRelease({ release, ground: { namespace, service } }: InitSession): Promise<void> {
  const record = await untouched(release());
  if (!record || isOver(record.state)) return;
  throw new RefusedError(
    `A release of ${namespace}/${service} has not ended: its routes are not as they will be. Nothing was written.`,
    { next: `See where it is: ${nextCommand("status", record)}. Run init when it is over.` },
  );
}

/** What becomes of a file: all are looked at before one is written. */
async function lookedAt(session: InitSession, file: ProposedFile, text: string): Promise<WrittenFile> {
  const there = await session.readFile(file.path).catch((cause: unknown) => {
    throw new RefusedError(`${file.path} cannot be written: ${tell(cause)}. Nothing was written.`, {
      next: "Give another folder: --output DIR.",
      cause,
    });
  });
  const whole = { ...file, difference: [] };
  if (there === text) return { ...whole, became: "same" };
  if (there !== undefined) return { ...whole, became: "other", difference: lineDifference(there, text) };
  return { ...whole, became: "written" };
}

function write(session: InitSession, path: string, text: string): void {
  try {
    session.write(path, text);
  } catch (cause) {
    throw new RefusedError(`${path} cannot be written: ${tell(cause)}; files before it may be there.`, {
      next: "Give a folder that may be written to: --output DIR.",
      cause,
    });
  }
}
