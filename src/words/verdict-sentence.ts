import type { Ground } from "../evidence/conclusion.ts";
import { formatDuration } from "../lib/duration.ts";
import { number, numbersApart, percent, plural } from "../lib/numbers.ts";
import type { RunFailure } from "../release/run-failure.ts";
import type { ErrorFigures, GateVerdict, Missing, QueryFigures, ResponseTime, RunFigures } from "../release/verdict.ts";
import { conclusionFigures } from "./conclusion-figures.ts";
import { conclusionNumbers } from "./conclusion-numbers.ts";
import { conclusionSentence } from "./conclusion-sentence.ts";
import { millis } from "./times-in-words.ts";

/** What a gate says, as a whole part of a sentence: "errors: 12 of 60 canary requests failed (20%), limit 1%". */
export function verdictSentence(verdict: GateVerdict): string {
  const { gate, figures } = verdict;
  if ("missing" in figures) {
    const { missing } = figures;
    const isUnderWay = missing.what === "end" || missing.what === "newer-answer";
    return `${gate}${isUnderWay ? ":" : " has no data:"} ${missingWords(missing)}`;
  }
  const { value, limit } = figuresInWords(verdict);
  switch (figures.of) {
    case "evidence":
      return conclusionSentence(figures.conclusion, figures.own);
    case "errors": {
      const { requests, failed } = figures;
      if ("lost" in figures)
        return `${gate}: ${requests} requests reached the canary, while ${figures.lost} of the service's failed because there was no pod to send them to`;
      return `${gate}: ${failed} of ${requests} canary requests failed (${value}), limit ${limit}${neededWords(verdict, figures.needed)}`;
    }
    case "latency": {
      const quantile = `the canary's p${number(figures.quantile * 100)} is ${value} over ${figures.requests} requests`;
      return `${gate}: ${quantile}, limit ${limit}${neededWords(verdict, figures.needed)}`;
    }
    case "query":
    case "json":
      return `${gate} is ${value}, limit ${limit}${inARow(figures, "poll")}`;
    case "run":
      return runSentence(gate, figures, value, limit);
    case "restarts":
      return restartsSentence(gate, figures.restarts, limit);
    case "budget":
      return `too few requests yet to rule out that more of all requests fail by the canary than evidence.budget allows: at most ${figures.largest}% on the canary would surely be within it, and it has ${figures.weight}%`;
  }
}

function runSentence(gate: string, { failure, ...figures }: RanFigures, value: string, limit: string): string {
  if (failure) return `${gate}: the program ${failureInWords(failure)}${inARow(figures, "time")}`;
  return figures.value === undefined
    ? `${gate}: the program ended well`
    : `${gate} is ${value}, limit ${limit}${inARow(figures, "time")}`;
}

function failureInWords(failure: RunFailure): string {
  switch (failure.kind) {
    case "exit":
      return `ended with exit code ${failure.code}`;
    case "signal":
      return `was ended by ${failure.signal}`;
    case "limit":
      return `did not end within ${formatDuration(failure.after)}, and was ended`;
  }
}

type RanFigures = Exclude<RunFigures, { missing: Missing }>;

const restartsSentence = (gate: string, restarts: number, limit: string): string =>
  `${gate}: the canary's containers restarted ${restarts} ${plural(restarts, "time")}, limit ${limit}`;

function missingWords(missing: Missing): string {
  switch (missing.what) {
    case "counters":
    case "answer":
      return missing.words;
    case "requests":
      return "no request of the canary was counted";
    case "response-times":
      return `no response time of the canary was counted${missing.words === undefined ? "" : `: ${missing.words}`}`;
    case "stable-response-times":
      return "no response time of stable was counted to compare with";
    case "question":
      return "it was not asked yet";
    case "end":
      return "it is under way";
    case "newer-answer":
      return "its answer is under way";
  }
}

function neededWords({ kind }: GateVerdict, needed: number): string {
  if (kind !== "wait") return "";
  return `; ${needed} requests are needed to judge`;
}

function inARow({ outside, tolerated }: Pick<RanFigures, "outside" | "tolerated">, what: "poll" | "time"): string {
  if (outside === 0 || tolerated === 0) return "";
  return `, ${outside} ${plural(outside, what)} in a row`;
}

/** For tables: a verdict's figures as people write them. */
export type FiguresInWords = {
  /** `—` where there is none. */
  readonly value: string;
  /** What the value is held against: `≤ 1%`. */
  readonly limit: string;
  /** Canary requests that stand behind the value, where the gate counts them. */
  readonly requests?: number | undefined;
};

export function figuresInWords({ figures }: Pick<GateVerdict, "figures">): FiguresInWords {
  switch (figures.of) {
    case "evidence":
      if ("missing" in figures) return { value: nothing, limit: "stable" };
      return {
        ...conclusionFigures(figures.conclusion, figures.own),
        requests: (figures.own ?? figures.conclusion.seen).requests.canary,
      };
    case "errors":
      return errorFigures(figures);
    case "latency": {
      const { allowed, stable, time, requests } = figures;
      const value = time ? timeWords(time) : nothing;
      return { value, limit: `${atMost(allowed, millis)}${besides(stable, timeWords)}`, requests };
    }
    case "query":
    case "json": {
      if ("missing" in figures) return { value: nothing, limit: ownFigures(figures).limit };
      return ownFigures(figures, figures.value);
    }
    case "run":
      return runFigures(figures);
    case "restarts":
      return { value: String(figures.restarts), limit: `≤ ${figures.allowed}` };
    case "budget":
      return { value: `${figures.largest}%`, limit: `> ${figures.weight}%` };
  }
}

/** In place of a figure that is not there. */
export const nothing = "—";

function errorFigures(figures: ErrorFigures): FiguresInWords {
  const limit = `${atMost(figures.allowed, percent)}${besides(figures.stable, percent)}`;
  if ("missing" in figures) return { value: nothing, limit, requests: 0 };
  const lost = "lost" in figures ? figures.lost : 0; // those that found no pod were the canary's, too
  const requests = figures.requests + lost;
  return { value: percent((figures.failed + lost) / requests), limit, requests };
}

const atMost = (allowed: number | undefined, write: (value: number) => string): string =>
  allowed === undefined ? `≤ ${nothing}` : `≤ ${write(allowed)}`;

function besides<T extends number | ResponseTime>(stable: T | undefined, write: (value: T) => string): string {
  if (stable === undefined) return "";
  return ` (stable ${write(stable)})`;
}

function runFigures(figures: RunFigures): FiguresInWords {
  const { value: written, limit } = ownFigures(figures, "value" in figures ? figures.value : undefined);
  const shown = { value: written, limit: limit || "exit code 0" };
  if ("missing" in figures) return { ...shown, value: nothing };
  const { value, failure } = figures;
  if (failure) return { ...shown, value: shortFailure(failure) };
  return value === undefined ? { ...shown, value: "exit code 0" } : shown;
}

function shortFailure(failure: RunFailure): string {
  switch (failure.kind) {
    case "exit":
      return `exit code ${failure.code}`;
    case "signal":
      return failure.signal;
    case "limit":
      return `> ${formatDuration(failure.after)}`;
  }
}

/** A value and its limits, with as many digits as tell them apart: `1.0004` is not at most 1. */
function ownFigures({ atLeast, atMost }: QueryFigures | RunFigures, value?: number): { value: string; limit: string } {
  const signs = { "≥": atLeast, "≤": atMost };
  const limits = Object.entries(signs).flatMap(([sign, limit]) => (limit === undefined ? [] : [{ sign, limit }]));
  const given = value === undefined ? [] : [value];
  const texts = numbersApart([...limits.map(({ limit }) => limit), ...given]);
  return {
    value: value === undefined ? nothing : (texts.at(-1) ?? nothing),
    limit: limits.map(({ sign }, at) => `${sign} ${texts[at]}`).join(", "),
  };
}

/** The numbers behind the sentence, for somebody who doubts it: of evidence, where something was counted. */
export const numbersOf = ({ figures }: Pick<GateVerdict, "figures">): string | undefined =>
  figures.of === "evidence" && "conclusion" in figures ? conclusionNumbers(figures.conclusion) : undefined;

/** Of evidence: what decided, or is nearest to deciding. */
export const groundOf = ({ figures }: Pick<GateVerdict, "figures">): Ground | undefined =>
  "conclusion" in figures ? figures.conclusion.by : undefined;

function timeWords(time: ResponseTime): string {
  if ("above" in time) return `more than ${millis(time.above)}`;
  return millis(time.atMost);
}
