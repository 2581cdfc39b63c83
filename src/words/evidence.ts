import { clip, folded, plain } from "../lib/markdown.ts";
import type { Account } from "../release/account.ts";
import type { GateVerdict } from "../release/gate.ts";
import type { StageRecord } from "../release/release-record.ts";
import { isExtended } from "./stage-progress.ts";

/** What the evidence says, for people, and the numbers behind it, for somebody who doubts it. */
export type Finding = { readonly because: string; readonly numbers: string };

/** What the evidence of a stage said last. Undefined where no gate judges by it, or nothing was counted yet. */
export const findingOf = (record: StageRecord | undefined): (GateVerdict & Finding) | undefined =>
  record?.verdicts.find((verdict): verdict is GateVerdict & Finding => verdict.numbers !== undefined);

/** The finding of the newest stage where the release ended by it, or is held by it: its sentence is the release's own reason. */
export function decidingFinding({ stages, because }: Account): Finding | undefined {
  const finding = findingOf(stages.at(-1));
  return finding && because.includes(finding.because) ? finding : undefined;
}

/** A report has 65,536 characters for everything. */
const keptStages = 10;

/** The newest stage's finding with its numbers, and those of earlier stages folded, as Markdown. Undefined without any. */
export function evidencePart(account: Account): string | undefined {
  const found = account.stages.flatMap((record) => {
    const finding = findingOf(record);
    return finding ? [{ record, finding }] : [];
  });
  const newest = found.at(-1);
  if (!newest) return undefined;
  const earlier = found
    .slice(0, -1)
    .slice(-keptStages)
    .map(
      ({ record, finding }) =>
        `* Stage ${record.stage + 1} (${record.weight} %): ${sentence(finding)}<br>${small(finding)}`,
    );
  const told = decidingFinding(account) === newest.finding; // as the release's own reason, above
  return [
    `**Evidence** of all stages together${told ? ", in numbers:" : `: ${sentence(newest.finding)}`}<br>${small(newest.finding)}`,
    ...(earlier.length === 0 ? [] : [folded("Evidence at the end of earlier stages", earlier.join("\n"))]),
  ].join("\n\n");
}

const sentence = ({ because }: Finding): string => plain(clip(because, 600));
const small = ({ numbers }: Finding): string => `<sub>${plain(clip(numbers, 600))}</sub>`;

/** For logs: the finding when its verdict changes, and when its stage is extended or over, unless what is done next is told with the same words. */
export function createFindings(): (account: Account) => readonly string[] {
  let known = { verdict: "", turn: "" };
  return (account) => {
    const record = account.stages.at(-1);
    const finding = findingOf(record);
    const extended = isExtended(account);
    if (!record || (!extended && (!finding || record.polls === 0))) return []; // before the first poll there is nothing to find
    const before = known;
    const turn =
      record.until !== undefined ? `${record.stage} over` : extended ? `${record.stage} extended` : before.turn;
    known = { verdict: JSON.stringify([account.startedAt, finding?.kind, finding?.proven]), turn };
    if (extended && turn !== before.turn)
      return [account.because, decidingFinding(account)?.numbers].filter((text) => text !== undefined);
    const news = known.verdict !== before.verdict || turn !== before.turn;
    return finding && news && !account.log.at(-1)?.because.includes(finding.because)
      ? [`evidence: ${finding.because}`, finding.numbers]
      : [];
  };
}
