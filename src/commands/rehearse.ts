import type { RehearsalConfig } from "../config/config.ts";
import { RefusedError } from "../lib/errors.ts";
import { isRehearsed } from "../rehearsal/play.ts";
import { rehearseKinds, usualRuns } from "../rehearsal/rehearse-kinds.ts";
import type { Plan } from "../release/plan.ts";
import { type RehearsedPlan, rehearsalText, rehearsingInWords } from "../words/rehearsal-text.ts";
import type { Desk, ExitCode } from "./session.ts";
import { usualTraffic, withMeasuredDispersion } from "./usual-traffic.ts";

/**
 * Plays the plan through, with good canaries and with bad ones, and says how often it is right. Asks Prometheus at
 * most.
 */
export async function rehearse(desk: Desk): Promise<ExitCode> {
  const { config, messages } = desk;
  const { rehearsal } = config;
  if (!rehearsal) throw new Error("the configuration of a rehearsal has none");
  const subject = await subjectOf(desk, rehearsal);
  if ("because" in subject) {
    messages.print(
      `This plan cannot be rehearsed before the service's own requests: ${subject.because}. Give rehearse-rate and rehearse-errors to rehearse it before others.`,
    );
    return 3;
  }
  const { plan, traffic } = subject;
  const { runs = usualRuns(plan), seed } = rehearsal;
  const kinds = rehearseKinds(plan, traffic, { runs, seed }, onEachPercent(desk));
  desk.underWay?.(undefined);
  const hasPrometheus = config.metrics !== undefined;
  const rehearsed = { ...subject, runs, seed, kinds, unrehearsed: unrehearsedIn(plan), hasPrometheus };
  if (config.json) messages.answer(answerOf(rehearsed));
  else messages.print(rehearsalText(rehearsed));
  return 0;
}

/** A rehearsal takes some seconds, in which nothing else is heard of it. */
function onEachPercent({ underWay }: Desk): (done: number, all: number) => void {
  let told = -1;
  return (done, all) => {
    const part = Math.floor((100 * done) / all);
    if (part > told) underWay?.(rehearsingInWords(part, all));
    told = part;
  };
}

/** What is rehearsed, and before which requests; or why nobody knows those. */
async function subjectOf(
  desk: Desk,
  { plan, rate, errors }: RehearsalConfig,
): Promise<Pick<RehearsedPlan, "plan" | "traffic" | "from"> | { readonly because: string }> {
  if (rate !== undefined && errors !== undefined) return { plan, traffic: { rate, baseline: errors }, from: "given" };
  const target = desk.config.release?.target;
  if (!target) {
    throw new RefusedError("Nobody said whose requests are to be taken from Prometheus.", {
      next: "Name namespace, service, stable and canary, or give rehearse-rate and rehearse-errors.",
    });
  }
  const usual = await usualTraffic(desk.history, target);
  if ("because" in usual) return usual;
  const traffic = { rate: rate ?? usual.rate, baseline: errors ?? usual.baseline };
  const measured = await withMeasuredDispersion(desk.history, target, plan);
  return { plan: measured.plan, traffic, from: "the last hour, by Prometheus" };
}

const unrehearsedIn = ({ stages }: Plan): readonly string[] => [
  ...new Set(stages.flatMap(({ gates }) => gates.filter((gate) => !isRehearsed(gate)).map(({ name }) => name))),
];

function answerOf({ plan, traffic, from, runs, seed, kinds, unrehearsed }: RehearsedPlan): object {
  const { phi } = plan.evidence.settings.dispersion;
  return { traffic: { ...traffic, phi, from }, runs, seed, kinds, unrehearsed, plan };
}
