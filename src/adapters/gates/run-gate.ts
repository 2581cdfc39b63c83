import type { Instant, Millis } from "../../lib/duration.ts";
import { tell } from "../../lib/errors.ts";
import { inert, inLines } from "../../lib/lines.ts";
import type { Redact } from "../../lib/redaction.ts";
import type { Inquiry, Respondent } from "../../ports/respondent.ts";
import { hasLimits, type RunGate } from "../../release/gate.ts";
import type { Reading } from "../../release/observation.ts";
import type { Recipe } from "../../release/recipe.ts";
import { requestOf } from "../../release/testers.ts";
import type { Clock } from "../../world/clock.ts";
import type { ProgramEnd, Programs } from "../../world/programs.ts";
import { inBackground } from "./in-background.ts";

export type RunGateOptions = {
  readonly clock: Clock;
  readonly programs: Programs;
  /** Takes secrets out of what is printed, before it is cut. */
  readonly redact: Redact;
  /** What this job was told of each gate. */
  readonly recipeOf: (name: string) => Recipe | undefined;
};

/** A report has 65,536 characters for everything, and a journal not much more. */
const mostOutput = 4_000;

/** More, since some of it is not shown. */
const mostInert = 4 * mostOutput;

/** More, so that no secret is cut that is looked for. */
const mostRaw = 65_536;

/** Programs of the user's, in the job. */
export const runGate = ({ clock, programs, redact, recipeOf }: RunGateOptions): Respondent<RunGate> =>
  inBackground("run", recipeOf, clock, (gate, { command, timeout }, about) => {
    const over = new AbortController();
    let limit: Millis | undefined;
    const program = programs.start({ command, env: environmentOf(gate, about), mostOutput: mostRaw });
    void clock.sleepUntil(clock.now() + timeout, over.signal).then(() => {
      if (over.signal.aborted) return;
      limit = timeout;
      program.stop();
    });
    const reading = program.ended.then(
      (end) => readingOf(gate, { ...end, output: shown(redact(end.output)) }, limit, clock.now(), redact),
      (error: unknown) => ({ at: clock.now(), because: `${command[0]} could not be started: ${tell(error)}` }),
    );
    return { reading: reading.finally(() => over.abort("over")), stop: program.stop };
  });

/** As text that does nothing, of lines; the end of it, since that says what went wrong. */
function shown(output: string): string {
  const lines = inLines(output.slice(-mostInert).split("\n")).trim();
  if (lines.length <= mostOutput) return lines;
  return `…${lines.slice(1 - mostOutput)}`;
}

/** The number is the last line of standard output. */
function readingOf(
  gate: RunGate,
  { how, stdout, output }: ProgramEnd,
  limit: Millis | undefined,
  at: Instant,
  redact: Redact,
): Reading {
  const printed = output === "" ? {} : { output };
  if (limit !== undefined) return { at, ...printed, failure: { kind: "limit", after: limit } };
  if (how.kind === "signal" || how.code !== 0) return { at, ...printed, failure: how };
  if (!hasLimits(gate)) return { at, ...printed };
  const line = stdout.trimEnd().split("\n").at(-1) ?? "";
  const written = inert(line).trim();
  const value = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(written) ? Number(written) : Number.NaN;
  if (Number.isFinite(value)) return { at, ...printed, value };
  return {
    at,
    ...printed,
    because: `its last line is no number: ${inert(redact(line)).trim().slice(-mostOfLine) || "it printed none"}`,
  };
}

/** Of its end: the beginning may have been cut already, in the midst of a secret. */
const mostOfLine = 100;

const environmentOf = (
  { name }: RunGate,
  { target, weight, stage, testers }: Inquiry,
): Readonly<Record<string, string>> => {
  const { namespace, service, stable, canary, image = "" } = target;
  return {
    CANARY_GATE: name,
    CANARY_NAMESPACE: namespace,
    CANARY_SERVICE: service,
    CANARY_STAGE: stage,
    CANARY_WEIGHT: String(weight),
    CANARY_STABLE: stable.deployment,
    CANARY_CANARY: canary.deployment,
    CANARY_STABLE_HOST: stable.host,
    CANARY_CANARY_HOST: canary.host,
    CANARY_STABLE_SUBSET: stable.subset ?? "",
    CANARY_CANARY_SUBSET: canary.subset ?? "",
    CANARY_IMAGE: image,
    ...environmentFor(testers),
  };
};

/** A request of theirs: headers as curl takes them, one a line. */
function environmentFor(testers: Inquiry["testers"]): Readonly<Record<string, string>> {
  if (!testers) return {};
  const { headers = [], query = [], method = "" } = requestOf(testers) ?? {};
  return {
    CANARY_TESTER_HEADERS: headers.map(([name, value]) => `${name}: ${value}`).join("\n"),
    CANARY_TESTER_QUERY: new URLSearchParams(Object.fromEntries(query)).toString(),
    CANARY_TESTER_METHOD: method,
  };
}
