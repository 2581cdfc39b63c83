import { withNext } from "../lib/errors.ts";
import { folded, plain } from "../lib/markdown.ts";
import { count, plural } from "../lib/numbers.ts";
import { type DetectabilityLine, detectabilityInWords } from "./detectability-lines.ts";
import { logList } from "./log-list.ts";
import { type PlannedRelease, planLimits, planSteps } from "./plan-text.ts";
import { exchangedInWords } from "./scene-setting.ts";
import { subjectHeading, versionOf } from "./subject-heading.ts";

/** A plan as Markdown: what forbids it first, then what would happen, and what there is to know of it. */
export function planReport(planned: PlannedRelease): readonly string[] {
  const { target, exchanged, plan } = planned;
  const parts = [heading(planned), findingsPart(planned, "refuse", "Refused for this:")];
  if (exchanged) parts.push(plain(exchangedInWords(target)));
  const steps = planSteps(planned).map((step, index) => `${index + 1}. ${plain(step)}`);
  parts.push(["**What a release would do:**", "", ...steps].join("\n"));
  parts.push(plain(planLimits(plan, target.stable.deployment)));
  parts.push(findingsPart(planned, "warn", "Good to know before:"), ...judgeable(planned), notes(planned));
  return parts.filter((part) => part !== "");
}

function heading({ target, manifestImage, findings, allowed }: PlannedRelease): string {
  const version = versionOf(target.image ?? manifestImage);
  const [errors, warnings] = (["refuse", "warn"] as const).map(
    (wanted) => findings.filter(({ level }) => level === wanted).length,
  );
  if (!allowed)
    return `${subjectHeading("❌", target, version)}: a release would be refused for ${reasons(errors ?? 0)}; this was a plan, and nothing was changed`;
  const but = warnings ? `, with ${count(warnings)} ${plural(warnings, "thing")} to know before` : "";
  return `${subjectHeading("📋", target, version)}: can be released${but}; this was a plan, and nothing was changed`;
}

const reasons = (number: number): string => `${count(number)} ${plural(number, "reason")}`;

type Level = PlannedRelease["findings"][number]["level"];

/** "" where there are none. */
function findingsPart(planned: PlannedRelease, wanted: Level, title: string): string {
  const lines = findingLines(planned, wanted);
  return lines.length === 0 ? "" : [`**${title}**`, "", ...lines].join("\n");
}

function findingLines({ findings }: PlannedRelease, wanted: Level): readonly string[] {
  const lines = findings.filter(({ level }) => level === wanted).map(({ what, next }) => withNext(what, next));
  return logList(lines, { most: 30, longest: 1_000 });
}

/** What cannot be judged stands open; what can is there for whoever wants it. */
function judgeable({ detectability }: PlannedRelease): readonly string[] {
  const lines = detectabilityInWords(detectability);
  const wordsOf = (...kinds: readonly DetectabilityLine["of"][]): readonly string[] =>
    lines.filter(({ of }) => kinds.includes(of)).map(({ words }) => plain(words));
  const cannot = wordsOf("lacking", "unknown").map((words) => `**Cannot be judged:** ${words}`);
  const found = wordsOf("found").map((words) => `* ${words}`);
  return [...cannot, ...wordsOf("heading").map((title) => folded(title, found.join("\n")))];
}

function notes(planned: PlannedRelease): string {
  const lines = findingLines(planned, "note");
  return lines.length === 0 ? "" : folded("Notes", lines.join("\n"));
}
