import { inLines } from "../lib/lines.ts";
import type { Redact, Redaction } from "../lib/redaction.ts";
import type { Journal } from "../ports/journal.ts";
import type { Reporter } from "../ports/reporter.ts";
import type { ReleaseRecord } from "../release/release-record.ts";
import type { Notice } from "../words/notice.ts";

/**
 * What everything passes that leaves the program, before it is cut, escaped or rendered: afterwards a secret could not be
 * found any more. What machines go by (phases, ids, names) is left as it is.
 */
export type Censor = {
  /** For what somebody cuts before it gets here. */
  readonly redact: Redact;
  /** Lines for people. */
  readonly text: (text: string) => string;
  /** JSON for a program, which a runner may read along. */
  readonly json: (value: object) => string;
  readonly reporter: (reporter: Reporter) => Reporter;
  readonly notice: (notice: Notice) => Notice;
  readonly journal: (journal: Journal) => Journal;
};

/** The keys of a record or an account whose texts are this program's own, or names. */
const ofMachines: ReadonlySet<string> = new Set([
  ...[
    "version",
    "kind",
    "of",
    "what",
    "do",
    "phase",
    "step",
    "during",
    "outcome",
    "by",
    "finding",
    "question",
    "policy",
  ],
  ...["requires", "promotion", "drift", "role", "winner", "loser", "level"],
  ...["id", "namespace", "service", "deployment", "host", "context", "subset", "image", "container"],
]);

/** What preflight found is words, and `what` of a finding their name. */
const ofMachinesInNotices = new Set([...ofMachines].filter((key) => key !== "what"));

export function createCensor({ redact, redactAll }: Pick<Redaction, "redact" | "redactAll">): Censor {
  /** What was said on the way. All else is needed as it is to finish the release, or to give it back. */
  const recorded = ({ state, stages, log, ...kept }: ReleaseRecord): ReleaseRecord => ({
    ...kept,
    ...redactAll({ state, stages, log }, ofMachines),
  });

  return {
    redact,
    text: (text) => inLines(redact(text).split("\n")),
    json: (value) => JSON.stringify(redactAll(value, ofMachines), undefined, 2).replaceAll("##[", "#\\u0023["),
    reporter: ({ report, flush }) => ({
      // The ledger is numbers alone, thousands of lines of them, in which a short secret would be found by chance.
      report: ({ ledger, target, run, cluster, ...told }) =>
        report({ ...redactAll(told, ofMachines), ledger, target, run, cluster }),
      flush,
    }),
    notice: (notice) => redactAll(notice, ofMachinesInNotices),
    journal: ({ load, save, confirm }) => ({ load, save: (record) => save(recorded(record)), confirm }),
  };
}
