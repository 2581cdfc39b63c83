import { formatDuration } from "../lib/duration.ts";
import type { Passed, Reason } from "../release/reason.ts";
import type { LogEntry, ReleaseRecord } from "../release/release-record.ts";
import type { Role } from "../release/target.ts";
import { lessonInWords } from "./lesson-in-words.ts";
import { isWayBack } from "./scene-setting.ts";
import { verdictSentence } from "./verdict-sentence.ts";
import { weightInWords } from "./weight-in-words.ts";

/**
 * Why something was decided, in the sentence that people read. Nobody else makes one, and nobody reads it but people.
 */
export function say(reason: Reason, of?: Whose): string {
  const { lastWords } = reason;
  const words = sentence(reason, canaryIn(of));
  if (lastWords === undefined) return words;
  return `${words}. Its pods later: ${lastWords}`;
}

/** Whose reason it is, where that is known. */
type Whose = Pick<ReleaseRecord, "undoes" | "plan" | "target">;

/** What an undo brings back served for long: nobody would know it as a canary. */
const canaryIn = (of: Whose | undefined): string => (of && isWayBack(of) ? of.target.canary.deployment : "the canary");

/** A line of a release's story; what happened again and again is one. */
export const sayEntry = ({ reason, times = 1 }: Pick<LogEntry, "reason" | "times">, of?: Whose): string =>
  times === 1 ? say(reason, of) : `${say(reason, of)} (${times} times)`;

/** In the order of a release. */
function sentence(reason: Reason, canary: string): string {
  const roleWord = (role: Role): string => (role === "stable" ? "stable" : canary);
  switch (reason.kind) {
    case "measured":
      return reason.words;
    case "deploying":
      return `deploying ${canary}`;
    case "canary-ready":
      return `${canary} is ready: ${reason.pods}`;
    case "canary-not-ready":
      return `${canary} is not ready: ${reason.pods ?? unread}${later(reason.after)}`;
    case "canary-broken":
      return reason.pods;
    case "mesh-learning":
      return `the mesh learns of the new pods: ${formatDuration(reason.left)}`;
    case "mesh-learnt":
      return "waited for the mesh to learn of the new pods";
    case "proxies-learnt":
      return lessonInWords(reason);

    case "making-room":
      return `making room for ${weightInWords(reason)} on ${canary}`;
    case "giving-weight":
      if (reason.mirror !== undefined)
        return `sending ${canary} copies of ${reason.mirror}% of the requests, whose answers nobody gets; what they write is written twice`;
      if (reason.weight === 0) return `letting testers in to ${canary}`;
      return `giving ${canary} ${reason.weight}% of the requests`;

    case "stage-goes-on":
      return `stage ${reason.stage} goes on for ${formatDuration(reason.left)}`;
    case "stage-extended":
      return `stage ${reason.stage} is extended: ${verdictSentence(reason.verdict)}`;
    case "stage-passed":
      return passed(reason);
    case "held":
      return `stage ${reason.stage} is held for somebody to decide: ${verdictSentence(reason.verdict)}`;
    case "gate-failed":
      return verdictSentence(reason.verdict);
    case "stage-not-judged":
      return `stage ${reason.stage} could not be judged within ${formatDuration(reason.deadline)}: ${verdictSentence(reason.verdict)}`;
    case "stage-undecided":
      return `stage ${reason.stage} ended undecided, which fails by the plan: ${verdictSentence(reason.verdict)}`;
    case "pods-gone":
      return `no pod of ${canary} is available any more: ${reason.pods}`;
    case "put-back":
      return `the route is not as the release left it (${reason.differences}); putting it back`;
    case "drift":
      return `the route is not as the release left it${again(reason.putBacks)}: ${reason.differences}`;
    case "canary-put-back":
      return `somebody else changed ${canary} (${reason.differences}); deploying it again, to be judged from the beginning`;
    case "beginning-again":
      return "stable has all requests again; the release begins again";
    case "canary-changed":
      return `somebody else changed ${canary}${again(reason.putBacks)}, so what was judged is not what would be promoted: ${reason.differences}`;

    case "updating-stable":
      return reason.atOnce ? "stable gets the image" : "every stage passed: stable gets the new image";
    case "stable-ready":
      return `stable runs the new image: ${reason.pods}`;
    case "stable-not-ready":
      return stableNotReady(reason);
    case "stable-broken":
      return `${reason.pods}${stays}`;
    case "stable-changed":
      return `stable does not run what was judged: ${reason.differences}${stays}`;
    case "stable-lost":
      return `stable has no available pod any more (${reason.pods}): ${canary}, which runs the same, gets its requests`;
    case "canary-lost":
      return `${canary} has no available pod any more (${reason.pods}): stable, which is being updated, gets its requests`;
    case "promoted":
      return promoted(reason, canary);
    case "undone":
      return `the version before serves everything again: ${version(reason)}`;
    case "draining":
      return `requests under way may finish: ${formatDuration(reason.left)}`;
    case "drained":
      return "requests under way had time to finish";
    case "retiring":
      if (reason.loser === "canary") return `removing ${canary}`;
      if (reason.kept) return "the old version is kept";
      return "scaling the old version down";

    case "reviving-stable":
      return "somebody scaled stable to 0, which is to have all requests: it gets its pods back";
    case "stable-away":
      return `stable cannot answer, so ${canary} keeps its requests until it can: ${reason.pods}${later(reason.after)}`;
    case "kept":
      return `somebody else changed the route, and it sends requests to ${roleWord(reason.version)}, so ${roleWord(reason.version)} keeps its pods: ${reason.differences}`;
    case "stranded":
      return `${roleWord(reason.version)} keeps its pods, since without them nobody would answer what the release does not move: ${reason.by}`;
    case "unserved":
      return `no request for ${roleWord(reason.version)} can be answered: ${reason.words}${later(reason.after)}`;
    case "restoring":
      return `putting ${canary} back as it was`;

    case "trouble":
      if (reason.lasted === undefined) return reason.words;
      return `${reason.words}, for ${formatDuration(reason.lasted)}`;
    case "looking-again":
      return `${reason.words}; looking again`;
    case "trying-again":
      return `${reason.words}; trying again`;
    case "late":
      return `the release was not done within its deadline of ${formatDuration(reason.deadline)}`;

    case "cancelled":
      return reason.words;
    case "job-ended":
      return "the job was cancelled, or ended before the release did";
    case "left-half-way":
      return "its job ended without finishing it";
    case "hold-over":
      return `it was held, and nobody decided within ${formatDuration(reason.after)}`;
    case "rollback-wanted":
      return reason.actor ? `rolled back by hand, by ${reason.actor}` : "rolled back by hand";
    case "undo-wanted":
      return `undo${by(reason.actor)}: back to ${version(reason)}`;
    case "approved":
      return `approved${by(reason.actor)}`;
    case "taken-up":
      return `taken up again${by(reason.actor)}`;
  }
}

const unread = "its pods could not be read";
const stays = ". All traffic stays on the canary, which passed every stage";

const later = (after: number | undefined): string => (after === undefined ? "" : `, after ${formatDuration(after)}`);
const again = (putBacks: number): string => (putBacks === 0 ? "" : `, again after it was put back ${putBacks} times`);
const version = ({
  deployment,
  image,
}: {
  readonly deployment: string;
  readonly image?: string | undefined;
}): string => (image === undefined ? deployment : `${deployment} with ${image}`);
const by = (actor: string | undefined): string => (actor ? ` by ${actor}` : "");

function stableNotReady({ pods = unread, stuck }: Extract<Reason, { kind: "stable-not-ready" }>): string {
  const sentence = `stable is not ready with the new image: ${pods}`;
  if (stuck) return sentence + stays;
  return sentence;
}

function passed({ stage, verdict, smaller }: Passed): string {
  let sentence = `stage ${stage} passed`;
  if (verdict) sentence = `stage ${stage} ended undecided and goes on by the plan: ${verdictSentence(verdict)}`;
  if (!smaller) return sentence;
  return `${sentence}; next is ${smaller.weight}% instead of ${smaller.planned}%: what was counted so far allows no more within evidence.budget`;
}

/** Of an undo, and of a first release, no stage has passed, and the image is not new. */
function promoted({ winner, atOnce }: Extract<Reason, { kind: "promoted" }>, canary: string): string {
  if (winner === "stable") return `stable runs the ${atOnce ? "image" : "new image"}, so it gets all requests again`;
  if (atOnce) return `${canary} serves everything: it is the new stable`;
  return `every stage passed: ${canary} is the new stable`;
}
