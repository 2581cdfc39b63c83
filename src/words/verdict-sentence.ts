import type { Ground } from "../evidence/conclusion.ts";
import { number, percent } from "../lib/numbers.ts";
import type { ErrorFigures, GateVerdict, Missing, QueryFigures, ResponseTime } from "../release/verdict.ts";
import { conclusionFigures, conclusionNumbers, conclusionSentence } from "./conclusion-sentence.ts";

/** What a gate says, as a whole part of a sentence: "errors: 12 of 60 canary requests failed (20 %), limit ≤ 1 %". */
export function verdictSentence(verdict: GateVerdict): string {
  const { gate, figures } = verdict;
  if ("missing" in figures) return `${gate} has no data: ${missingWords(figures.missing)}`;
  switch (figures.of) {
    case "evidence":
      return conclusionSentence(figures.conclusion);
    case "errors":
      return errorSentence(verdict, figures);
    case "latency":
      return `${gate}: the canary's p${number(figures.quantile * 100)} is ${timeWords(figures.time)} over ${figures.requests} requests, limit ${limitWords(verdict)}${neededWords(verdict, figures.needed)}`;
    case "query":
      return `${gate} is ${number(figures.value)}, limit ${limitWords(verdict)}${inARow(figures)}`;
    case "restarts":
      return `${gate}: the canary's containers restarted ${times(figures.restarts)}, limit ${limitWords(verdict)}`;
    case "budget":
      return `the worst case that is not ruled out yet allows at most ${figures.largest} % of the requests within the budget, and the canary has ${figures.weight} %`;
  }
}

function missingWords(missing: Missing): string {
  switch (missing.what) {
    case "counters":
    case "answer":
      return missing.words;
    case "requests":
      return "no request of the canary was counted";
    case "response-times":
      return "no response time of the canary was counted";
    case "stable-response-times":
      return "no response time of stable was counted to compare with";
    case "question":
      return "it was not asked yet";
  }
}

function errorSentence(verdict: GateVerdict, figures: Exclude<ErrorFigures, { missing: Missing }>): string {
  const { gate } = verdict;
  const { requests, failed } = figures;
  if ("lost" in figures)
    return `${gate}: ${requests} requests reached the canary, while ${figures.lost} of the service's failed because there was no pod to send them to`;
  return `${gate}: ${failed} of ${requests} canary requests failed (${valueWords(verdict)}), limit ${limitWords(verdict)}${neededWords(verdict, figures.needed)}`;
}

const neededWords = ({ kind }: GateVerdict, needed: number): string =>
  kind === "wait" ? `; ${needed} requests are needed to judge` : "";

function inARow({ outside, tolerated }: Exclude<QueryFigures, { missing: Missing }>): string {
  if (outside === 0 || tolerated === 0) return "";
  return `, ${outside} ${outside === 1 ? "poll" : "polls"} in a row`;
}

const times = (count: number): string => `${count} ${count === 1 ? "time" : "times"}`;

/** For tables: the value as people write it, `—` where there is none. */
export function valueWords({ figures }: Pick<GateVerdict, "figures">): string {
  switch (figures.of) {
    case "evidence":
      return "missing" in figures ? nothing : conclusionFigures(figures.conclusion).value;
    case "errors":
      return "missing" in figures ? nothing : percent(failedRatio(figures));
    case "latency":
      return figures.time ? timeWords(figures.time) : nothing;
    case "query":
      return "missing" in figures ? nothing : number(figures.value);
    case "restarts":
      return String(figures.restarts);
    case "budget":
      return `${figures.largest} %`;
  }
}

const nothing = "—";

/** Those that found no pod were the canary's, too. */
function failedRatio(figures: Exclude<ErrorFigures, { missing: Missing }>): number {
  const lost = "lost" in figures ? figures.lost : 0;
  return (figures.failed + lost) / (figures.requests + lost);
}

/** For tables: what the value is held against, `≤ 1 %`. */
export function limitWords({ figures }: Pick<GateVerdict, "figures">): string {
  switch (figures.of) {
    case "evidence":
      return "missing" in figures ? "like stable" : conclusionFigures(figures.conclusion).limit;
    case "errors":
      return `${atMost(figures.allowed, percent)}${besides(figures.stable, percent)}`;
    case "latency":
      return `${atMost(figures.allowed, millis)}${besides(figures.stable, timeWords)}`;
    case "query":
      return queryLimits(figures).join(", ");
    case "restarts":
      return `≤ ${figures.allowed}`;
    case "budget":
      return `> ${figures.weight} %`;
  }
}

const atMost = (allowed: number | undefined, write: (value: number) => string): string =>
  `≤ ${allowed === undefined ? nothing : write(allowed)}`;

const besides = <T extends number | ResponseTime>(stable: T | undefined, write: (value: T) => string): string =>
  stable === undefined ? "" : ` (stable ${write(stable)})`;

function queryLimits({ atLeast, atMost }: QueryFigures): readonly string[] {
  const limits = [];
  if (atLeast !== undefined) limits.push(`≥ ${number(atLeast)}`);
  if (atMost !== undefined) limits.push(`≤ ${number(atMost)}`);
  return limits;
}

/** Canary requests that stand behind the value, where the gate counts them. */
export function requestsOf({ figures }: Pick<GateVerdict, "figures">): number | undefined {
  switch (figures.of) {
    case "evidence":
      return "missing" in figures ? undefined : figures.conclusion.seen.requests.canary;
    case "errors":
      return judgedRequests(figures);
    case "latency":
      return figures.requests;
    default:
      return undefined;
  }
}

function judgedRequests(figures: ErrorFigures): number {
  if ("missing" in figures) return 0;
  return "lost" in figures ? figures.requests + figures.lost : figures.requests;
}

/** The numbers behind the sentence, for somebody who doubts it: of evidence, where something was counted. */
export const numbersOf = ({ figures }: Pick<GateVerdict, "figures">): string | undefined =>
  figures.of === "evidence" && "conclusion" in figures ? conclusionNumbers(figures.conclusion) : undefined;

/** Of evidence: what decided, or is nearest to deciding. */
export const groundOf = ({ figures }: Pick<GateVerdict, "figures">): Ground | undefined =>
  "conclusion" in figures ? figures.conclusion.by : undefined;

const timeWords = (time: ResponseTime): string =>
  "above" in time ? `more than ${millis(time.above)}` : millis(time.atMost);

const millis = (value: number): string => (value < 1_000 ? `${number(value)} ms` : `${number(value / 1_000)} s`);
