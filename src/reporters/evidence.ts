import { clip, folded, plain } from "../lib/markdown.ts";
import type { Account, StageRecord } from "../release/account.ts";
import type { GateVerdict } from "../release/decide.ts";

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
  const told = decidingFinding(account) === newest.finding;
  const title = `**Evidence**, from all requests since the first stage${newest.record === account.stages.at(-1) ? "" : ` until the end of stage ${newest.record.stage + 1}`}:`;
  const earlier = found
    .slice(0, -1)
    .slice(-keptStages)
    .map(({ record, finding }) => `* Stage ${record.stage + 1} (${record.weight} %): ${sentence(finding)}<br>${small(finding)}`);
  return [
    `${title}${told ? "" : ` ${sentence(newest.finding)}`}<br>${small(newest.finding)}`,
    ...(earlier.length === 0 ? [] : [folded("Evidence at the end of earlier stages", earlier.join("\n"))]),
  ].join("\n\n");
}

const sentence = ({ because }: Finding): string => plain(clip(because, 600));
const small = ({ numbers }: Finding): string => `<sub>${plain(clip(numbers, 600))}</sub>`;

/** For logs: the finding when its verdict changes and at the end of each stage, unless what is done next is told with the same words. */
export function createFindings(): (account: Account) => readonly string[] {
  let known = { verdict: "", over: "", because: "" };
  return ({ startedAt, stages, log }) => {
    const record = stages.at(-1);
    const finding = findingOf(record);
    if (!record || !finding) return [];
    const { kind, proven, because, numbers } = finding;
    const before = known;
    known = { verdict: JSON.stringify([startedAt, kind, proven]), over: record.until === undefined ? before.over : `${startedAt} ${record.stage}`, because };
    const news = known.verdict !== before.verdict || (known.over !== before.over && because !== before.because);
    return news && !log.at(-1)?.because.includes(because) ? [`evidence: ${because}`, numbers] : [];
  };
}
