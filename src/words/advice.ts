import { block, clip, code, link, plain } from "../lib/markdown.ts";
import type { Account } from "../release/account.ts";
import type { Gate } from "../release/gate.ts";
import { holdEnds } from "../release/hold.ts";
import type { OpenQuestion } from "../release/reason.ts";
import type { StageRecord } from "../release/release-record.ts";
import { heldBy } from "../release/state.ts";
import { otherRole, type Role } from "../release/target.ts";
import { isUndoable } from "../release/undoing.ts";
import type { GateVerdict } from "../release/verdict.ts";
import { commandAfter, type Failed, usersOfKept } from "./failed-lines.ts";
import { isOnlyUnsaved } from "./headline.ts";
import { keptInWords } from "./kept-in-words.ts";
import { dashboardLinks, type Links } from "./links.ts";
import { kubectlFlags, nextCommand } from "./next-command.ts";
import { routeKindWords } from "./route-kind-words.ts";
import { shellWord } from "./shell-word.ts";
import { dateOf, timeOf } from "./timestamp.ts";
import { groundOf } from "./verdict-sentence.ts";

/** What somebody can or has to do next, as Markdown. Undefined when there is nothing to do. */
export function adviceOf(account: Account, links: Links): string | undefined {
  const advice = [adviceOnRelease(account, links), saveJournal(account)].filter((part) => part !== undefined);
  if (advice.length === 0) return undefined;
  return advice.join("\n\n");
}

function adviceOnRelease(account: Account, links: Links): string | undefined {
  const { state } = account;
  if (state.phase === "waiting") return [...putRightFirst(account), howToGoOn(account, links)].join("\n\n");
  if (state.phase === "failed") {
    if (state.reason.kind === "kept") return decideWhoServes(account, state, state.reason.version);
    if (state.reason.kind === "stranded")
      return moveBystanders(account, state.reason.version, commandAfter[state.during]);
    if (state.reason.kind === "stable-away") return getPodsToRun(account);
    if (state.reason.kind === "unserved") return makeReachable(account, state.reason.version);
    if (state.during === "promoting") return finishByHand(account, state.returned);
    return giveBackByHand(account, state.returned);
  }
  if (isOnlyUnsaved(account)) return undefined;
  if (account.settled === false) return tidyByHand(account);
  if (state.phase === "rolled-back") return isToldEnough(account) ? undefined : firstLook(account, links);
  if (isUndoable(account)) return howToUndo(account, links);
  return undefined;
}

/** Whoever rolls back by hand knows why. */
const isToldEnough = ({ undoes, reason }: Account): boolean =>
  undoes !== undefined || reason.kind === "rollback-wanted";

function howToGoOn(account: Account, links: Links): string {
  const held = heldBy(account.state);
  if (held) return howToDecide(held.question, account, links);
  return howToPromote(account, links);
}

/** Requests may get no answer while it waits, and whoever decides would not see that. */
function putRightFirst(account: Account): readonly string[] {
  if (account.settled !== false || isOnlyUnsaved(account)) return [];
  return ["**Not as it should be**, so put this right first, or give up:", ...differenceList(account)];
}

function howToPromote(account: Account, links: Links): string {
  return [`**To go on**, ${toGoOn(links)}`, commands(account)].join("\n\n");
}

/** A version is often found to be bad when its release is over. */
function howToUndo(account: Account, links: Links): string {
  const how = `${byWorkflow(links, "undo")}, or from a machine that reaches the cluster:`;
  const back = [`**To go back** to the version before, ${how}`, block(nextCommand("undo", account), "sh")];
  return [...back, keptInWords(account) ?? []].flat().join("\n\n");
}

/** The job is over and the canary still serves: what is not looked at now, nobody looks at. */
function howToDecide(open: OpenQuestion, account: Account, links: Links): string {
  return [
    `**Somebody has to decide**: the canary keeps its weight of ${account.weight}%, and nobody watches it until then. ${whatToFindOut(open, account, links)}`,
    `To go on, ${toGoOn(links)}`,
    commands(account),
    ...holdEnd(account),
    `So that the next release decides by itself, ${nextTime[open]}.`,
  ].join("\n\n");
}

function holdEnd({ plan, state }: Account): readonly string[] {
  const end = holdEnds(plan, state);
  if (end === undefined) return [];
  return [`From ${dateOf(end)} on the next run of ${code("settle")}, such as a scheduled one, rolls it back.`];
}

function whatToFindOut(open: OpenQuestion, account: Account, links: Links): string {
  const { target, stages } = account;
  const verify = account.asked?.config === undefined ? "istio-canary verify" : nextCommand("verify", account);
  const counting = `${code(verify)} counts how requests really split.`;
  switch (open) {
    case "no-data":
      return `Find out why no request of ${code(target.canary.deployment)} is counted, or none of ${code(target.stable.deployment)}: nobody calls the service, or not by its route, or by proxies that Prometheus does not read. ${counting}`;
    case "split":
      return `Find out which callers bypass the route: without a sidecar, by another VirtualService or gateway, or on connections that stay; and whether ${code(target.canary.deployment)} leaves requests without an answer. ${counting}`;
    case "undecided":
    case "budget": {
      if (failedNone(stages.at(-1))) return "None of its requests failed; there were too few.";
      const when = stages.slice(-1).map((record) => ` ${during(record, account)}`);
      return `Look at the failed and slow answers of ${code(target.canary.deployment)}${when.join("")}, ${whereToLook(account, links)}.`;
    }
  }
}

const failedNone = (stage: StageRecord | undefined): boolean =>
  stage !== undefined && stage.tally.canary.errors + stage.tally.unattributed.errors === 0;

const rehearse = `try plans with ${code("istio-canary rehearse")}`;

/** Keys as the configuration file has them. */
const nextTime: Readonly<Record<OpenQuestion, string>> = {
  undecided: `give the stage more requests (a larger ${code("weight")}, a longer ${code("wait")} or ${code("deadline")}; ${rehearse}), or choose with ${code("evidence.inconclusive")} what is done then`,
  "no-data": `give the canary more requests (a larger ${code("weight")}, a longer ${code("wait")}, a time with traffic; ${rehearse}), or choose with ${code("evidence.noData")} what is done then`,
  split: `let every caller take the route, or allow the difference with ${code("evidence.splitTolerance")}`,
  budget: `give the stage more requests (a longer ${code("wait")} or ${code("deadline")}; ${rehearse}), or allow more with ${code("evidence.budget")}`,
};

function byWorkflow(links: Links, command: "promote" | "undo"): string {
  const workflow = links.workflow === undefined ? "the workflow" : link("the workflow", links.workflow);
  return `run ${workflow} with the input ${code(`command: ${command}`)}`;
}

const toGoOn = (links: Links): string =>
  `${byWorkflow(links, "promote")}; to give up, with ${code("command: rollback")}. Or from a machine that reaches the cluster:`;

const commands = (account: Account): string =>
  block([command(account, "promote"), command(account, "rollback")].join("\n"), "sh");

/** Once stable was touched only forward is safe: what is left is to finish. */
function finishByHand(account: Account, returned: boolean): string {
  const { stable, canary } = account.target;
  const serving = code(returned ? stable.deployment : canary.deployment);
  const updated = account.plan.promotion === "update" && !returned;
  const steps = [];
  if (updated) {
    steps.push(kubectl(account, `rollout status deployment/${shellWord(stable.deployment)} --timeout=10s`));
    steps.push(kubectl(account, `describe deployment/${shellWord(stable.deployment)}`));
  }
  steps.push(...seeRoutes(account), command(account, "promote"));
  return [
    `**To do by hand**: ${serving} runs the new version and serves all requests, so there is no hurry. Find out what holds the promotion up and put it right. Then the last command finishes it.`,
    ...differenceList(account),
    block(steps.join("\n"), "sh"),
  ].join("\n\n");
}

/** Whoever writes the route would write it again. */
function decideWhoServes(account: Account, state: Failed, kept: Role): string {
  const { deployment } = account.target[kept];
  return [
    `**To do by hand**: requests are sent to ${code(deployment)} by a route that somebody else wrote, so its pods are kept. ${usersOfKept(state, account.plan)} Find out who writes it (somebody, a GitOps sync) and put that right. Then the last command writes the release's own again and finishes.`,
    ...differenceList(account),
    block([...seeRoutes(account), command(account, commandAfter[state.during])].join("\n"), "sh"),
  ].join("\n\n");
}

/** Nothing is wrong with who serves; somebody else needs the pods that were to go. */
function moveBystanders(account: Account, kept: Role, finishing: "promote" | "rollback"): string {
  const [old, serving] = [account.target[kept], account.target[otherRole(kept)]].map(({ deployment }) =>
    code(deployment),
  );
  return [
    `**To do by hand**: ${serving} serves what the release moved, so there is no hurry. What the reason names needs the pods of ${old}: let it send to ${serving}, or remove it. Then the last command takes the pods away.`,
    block(command(account, finishing), "sh"),
  ].join("\n\n");
}

/** The promotion that relies on it is finished when it can be. */
function makeReachable(account: Account, role: Role): string {
  const { deployment, host, subset } = account.target[role];
  const place = code(subset === undefined ? host : `${host} subset ${subset}`);
  const pods = kubectl(account, "get services,destinationrules,pods --show-labels");
  return [
    `**To do by hand, now**: no request for ${place}, which the routes name, can be answered. Its Service, its subset in a DestinationRule, or the pods of ${code(deployment)} behind it are missing; all pods were left as they are. Put that right. Then the last command finishes.`,
    ...differenceList(account),
    block([...seeRoutes(account), pods, command(account, "promote")].join("\n"), "sh"),
  ].join("\n\n");
}

function getPodsToRun(account: Account): string {
  const { stable, canary } = account.target;
  return [
    `**To do by hand, now**: ${code(stable.deployment)} has no pod that could answer, or none that requests reach, so they still go to ${code(canary.deployment)}, which was given up. Find out what keeps the pods of ${code(stable.deployment)} from running, or requests from them (the reason above). When that is put right, the last command gives them all requests.`,
    ...differenceList(account),
    block(
      [kubectl(account, `describe deployment/${shellWord(stable.deployment)}`), command(account, "rollback")].join(
        "\n",
      ),
      "sh",
    ),
  ].join("\n\n");
}

function giveBackByHand(account: Account, returned: boolean): string {
  const { target } = account;
  if (returned) {
    return [
      `**To do by hand**: ${code(target.stable.deployment)} serves all requests again; what is left is to put the canary back as it was. When that can work again, run:`,
      ...differenceList(account),
      block(command(account, "rollback"), "sh"),
    ].join("\n\n");
  }
  const edits = target.routes.map(({ kind, namespace, name }) =>
    kubectl(account, `edit ${routeKindWords[kind].resource} ${shellWord(name)}`, namespace),
  );
  return [
    `**To do by hand, now**: requests may still go to the canary. Give ${code(target.stable.deployment)} weight 100 and ${code(target.canary.deployment)} weight 0; then the last command puts the rest back.`,
    ...differenceList(account),
    block([...edits, command(account, "rollback")].join("\n"), "sh"),
  ].join("\n\n");
}

function tidyByHand(account: Account): string {
  const { stable, canary } = account.target;
  return [
    "**To do by hand**: the release is over, but this is not as it should be. If nobody meant it so, put it right:",
    ...differenceList(account),
    block(
      [
        ...seeRoutes(account),
        kubectl(account, `get deployment ${shellWord(stable.deployment)} ${shellWord(canary.deployment)}`),
      ].join("\n"),
      "sh",
    ),
  ].join("\n\n");
}

/** What was done is done, and whoever asks the journal is told that the release goes on. */
function saveJournal(account: Account): string | undefined {
  if (account.unsaved === undefined) return undefined;
  return [
    `**Its journal** does not say how it ended, since it could not be saved: ${plain(clip(account.unsaved, 300))}. When it can be saved again, run this, which repeats the last step without harm, or release again:`,
    block(command(account, "rollback"), "sh"),
  ].join("\n\n");
}

/** What is not as it should be, as one list; nothing where nothing is known. */
function differenceList({ differences = [] }: Account): readonly string[] {
  if (differences.length === 0) return [];
  const lines = differences.slice(0, 20).map((difference) => `* ${plain(clip(difference, 300))}`);
  return [lines.join("\n")];
}

/** Pods of a canary that was rolled back are gone, so what is left are dashboards, logs that were kept, and events. */
function firstLook(account: Account, links: Links): string {
  const { canary } = account.target;
  const stage = account.stages.at(-1);
  if (!stage) {
    const events = kubectl(account, "get events --sort-by=.lastTimestamp --field-selector type=Warning");
    return [
      `**Look first**, unless the reason above says it all, at what happened to the pods of ${code(canary.deployment)}:`,
      block(events, "sh"),
    ].join("\n\n");
  }
  const failing = stage.verdicts.find(({ kind }) => kind === "fail");
  const gate = account.plan.stages[stage.stage]?.gates.find(({ name }) => name === failing?.gate);
  if (!gate) return "**Look first** at what happened, below, and at the log of the run.";
  return `**Look first** at ${subject(gate, failing, canary.deployment)} ${during(stage, account)}, ${whereToLook(account, links)}.`;
}

function whereToLook(account: Account, links: Links): string {
  const dashboards = dashboardLinks(links, account);
  if (dashboards.length === 0) return "in its logs and on your dashboards";
  return `in its logs and on ${dashboards.join(", ")}`;
}

function subject(gate: Gate, failing: GateVerdict | undefined, canary: string): string {
  const by = failing && groundOf(failing);
  if (by === "givenUp" || by === "unanswered") return `what keeps ${code(canary)} from answering`;
  switch (gate.kind) {
    case "evidence": {
      if (by === "lost")
        return `why requests for ${code(canary)} found no pod (endpoints, readiness, outlier detection)`;
      if (by === "split") return `who sent requests to ${code(canary)}, and by which route,`;
      if (by === "latency") return `the slow answers of ${code(canary)}`;
      return `the failed answers of ${code(canary)}`;
    }
    case "errors":
      return `the failed answers of ${code(canary)}`;
    case "latency":
      return `the slow answers of ${code(canary)}`;
    case "restarts":
      return `why the containers of ${code(canary)} restarted`;
    case "run":
      return `what the program of ${code(gate.name)} printed, below,`;
    case "json":
      return `what ${code(gate.name)} measures for ${code(canary)}`;
    case "query":
      return `what ${code(gate.query.slice(0, 500))} measures for ${code(canary)}`;
  }
}

const during = ({ since, until }: StageRecord, { now }: Account): string =>
  `between ${timeOf(since)} and ${timeOf(until ?? now)} UTC`;

const seeRoutes = (account: Account): readonly string[] =>
  account.target.routes.map(({ kind, namespace, name }) =>
    kubectl(account, `get ${routeKindWords[kind].resource} ${shellWord(name)} -o yaml`, namespace),
  );

const command = (account: Account, name: "promote" | "rollback"): string => nextCommand(name, account);

const kubectl = ({ target, asked }: Account, rest: string, namespace = target.namespace): string =>
  ["kubectl", ...kubectlFlags(asked), `-n ${shellWord(namespace)}`, rest].join(" ");
