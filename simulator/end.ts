import { isDeepStrictEqual } from "node:util";
import type { StoredObject } from "../sandbox/api-server/object.ts";
import { storedKind } from "../sandbox/api-server/store.ts";
import { namespace } from "./cluster.ts";
import type { CommandEnd } from "./command.ts";
import { type Disturbance, type NetworkAct, type PersonAct, ruleActs } from "./disturbance.ts";
import { isBad } from "./image.ts";
import { trafficBy } from "./mesh.ts";
import type { Scene } from "./scene.ts";
import { callersOf, shopOf } from "./shop.ts";
import { phaseOf, trafficText } from "./watch.ts";

/** What must hold when everything is over. */
export function atEnd(scene: Scene): void {
  const { watch } = scene;
  watch.exposure();
  checkTold(scene);
  checkRollbacks(scene);
  checkGoodRelease(scene);
  checkComment(scene);
  checkOverwrites(scene);
  if (isLeftToPeople(scene)) return;
  checkTraffic(scene);
  checkObjects(scene);
}

const second = 1_000;

const personsActs = ({ happened }: Scene): readonly PersonAct[] =>
  happened.flatMap(({ disturbance }) => (disturbance.by === "person" ? [disturbance.act] : []));

/** What a person may do without taking part in the release. */
const harmless: ReadonlySet<PersonAct> = new Set([
  "changes a time-out",
  "scales stable",
  "deletes the journal",
  "deletes the lease",
  ...ruleActs,
]);

/** Whoever takes an object away, or writes what a release writes, has to say how it shall be; and somebody may be asked. */
function isLeftToPeople(scene: Scene): boolean {
  const state = scene.watch.journal()?.state;
  const isAwaited = state?.phase === "waiting";
  return isAwaited || isStillBroken(scene) || personsActs(scene).some((act) => !harmless.has(act));
}

/** A fault that goes on to the end. */
const isStillBroken = ({ happened, timeline }: Scene): boolean =>
  happened.some(
    ({ disturbance, at }) =>
      disturbance.by === "network" &&
      disturbance.times === Infinity &&
      at + disturbance.lasts > timeline.now() - 120 * second,
  );

function checkTraffic(scene: Scene): void {
  const { cluster, watch, scenario } = scene;
  const traffic = trafficBy(cluster.store, callersOf(scenario));
  const { deployment, image } = watch.base();
  const [only] = traffic;
  if (traffic.length === 1 && only?.deployment === deployment && only.image === image) return;
  watch.violate(
    "stable alone or the promoted version alone at the end",
    `requests go to ${trafficText(traffic)} instead of ${deployment} (${image}) alone; the journal says ${phaseOf(watch.journal())}`,
  );
}

/** Byte for byte as it was, but for what a promotion changes and what people changed. */
function checkObjects(scene: Scene): void {
  const { cluster, watch, scenario, routesAtFirst } = scene;
  const wasSwapped = watch.base().deployment !== (shopOf(scenario)[0]?.metadata?.name ?? "");
  const acts = personsActs(scene);
  // Without a journal nobody knows how destinations were written before; who serves is checked all the same.
  const isForgotten = wasSwapped || acts.includes("deletes the journal");
  for (const first of routesAtFirst) {
    const { kind, metadata } = first;
    const live = cluster.store.get(storedKind(first), namespace, metadata.name);
    const expected = withTimeout(shown(first), acts.includes("changes a time-out"));
    const found = live && plain(shown(live));
    if (isDeepStrictEqual(isForgotten ? withoutRoute(found) : found, isForgotten ? withoutRoute(expected) : expected))
      continue;
    watch.violate(
      "nothing of the user's changed",
      `${kind} is ${JSON.stringify(found)}, not ${JSON.stringify(expected)}`,
    );
  }
}

const shown = ({ metadata: { labels, annotations }, spec }: StoredObject) => ({
  metadata: { labels, annotations },
  spec,
});

const plain = (object: object): object => JSON.parse(JSON.stringify(object)) as object;

const withTimeout = (object: object, changed: boolean): object =>
  changed
    ? (JSON.parse(JSON.stringify(object).replace(/"(timeout|request)":"5s"/, '"$1":"7s"')) as object)
    : plain(object);

const destinations: ReadonlySet<string> = new Set(["route", "backendRefs"]);

const withoutRoute = (object: object | undefined): unknown =>
  JSON.parse(JSON.stringify(object ?? null), (key, value) => (destinations.has(key) ? "left out" : value));

/** Exit code, `settled`, journal and store say the same, each time that a command has ended. */
function checkTold({ untruths, watch }: Scene): void {
  for (const untruth of untruths) watch.violate("what is told agrees with the store", untruth);
}

/** The sign that a comment shows first, by how the release ended. */
const marks: Readonly<Record<string, string>> = { succeeded: "✅", "rolled-back": "❌", waiting: "✋" };

/** Who is told last on the pull request hears what the last job had to tell, unless GitHub did not listen. */
function checkComment({ scenario, happened, ends, github, watch }: Scene): void {
  const toldLast = ends
    .filter(({ running, end }) => running.place.runId !== undefined && end.account !== undefined)
    .at(-1);
  const undisturbed = happened.every(
    ({ disturbance }) => disturbance.by === "person" || disturbance.by === "prometheus",
  );
  const mark = marks[toldLast?.end.account?.state.phase ?? ""];
  if (!scenario.github || !undisturbed || mark === undefined || toldLast?.end.settled !== true) return;
  const comment =
    github.comments
      .at(-1)
      ?.split("\n")
      .find((line) => line.startsWith("#")) ?? "nothing";
  if (!comment.includes(mark))
    watch.violate("what is told agrees with the store", `the comment says ${comment}, not ${mark}`);
}

/** A process that dies before it journals why, or whose journal is never saved, has told its log. */
function checkOverwrites(scene: Scene): void {
  const { happened, watch } = scene;
  if (isStillBroken(scene)) return;
  const untold = happened.some(({ disturbance }) => disturbance.by === "process") ? undefined : watch.untold();
  if (untold !== undefined) watch.violate("no weight of somebody else's is written over without a word", untold);
}

/** A release that is over has nothing to be rolled back, and that is a refusal. */
const isRefused = ({ exit, error }: CommandEnd): boolean => exit === 2 && /nothing was rolled back/i.test(error ?? "");

/** Somebody who rolls back has the release, unless the API server was away or others took part. */
function checkRollbacks(scene: Scene): void {
  if (scene.happened.some(({ disturbance }) => disturbance.by !== "job" && !(disturbance.by === "prometheus"))) return;
  const rollbacks = scene.ends.filter(({ running }) => running.command === "rollback");
  const isDone = rollbacks.some(({ end }) => end.exit === 0);
  for (const { end, overtaken } of rollbacks)
    if (!(overtaken && isDone) && end.exit !== 0 && !isRefused(end))
      scene.watch.violate(
        "rollback by hand gets the release",
        `it ended with ${end.exit}: ${end.error ?? end.account?.differences?.join("; ")}`,
      );
}

/** Faults that the way to a server has: none of them says that the release is refused. */
const passing: ReadonlySet<NetworkAct> = new Set([
  "held back",
  "answered late",
  "request lost",
  "answer lost",
  "request swallowed",
  "answer swallowed",
  "doubled",
  "answered 429",
  "answered 500",
  "answered 503",
  "answered 504 after it was applied",
  "answered without JSON",
  "refused",
]);

/** A good version whose release met nothing but faults that pass within its patience is released, or waits as planned. */
function checkGoodRelease(scene: Scene): void {
  const { scenario, happened, ends, watch } = scene;
  if (isBad(scenario.image) || !happened.every(({ disturbance }) => isShort(disturbance)) || sumOf(scene) > 45 * second)
    return;
  const ended = ends.find(({ running }) => running.place.name === "job 1" && running.command === "release")?.end;
  // Who undoes it may do so as soon as it was released.
  const isReleased = watch.base().image === scenario.image || ended?.account?.state.phase === "succeeded";
  if (ended === undefined || ended.exit === 0 || isReleased) return;
  const others = happened.some(({ disturbance }) => disturbance.by === "job");
  // Before anything was changed, whoever cannot look at everything says so.
  if (ended.exit === 2 && (happened.length > 0 || others || scenario.skew !== 0)) return;
  if (ended.account === undefined && happened.length > 0 && watch.journal() === undefined) return;
  const because =
    ended.error ?? `${ended.account?.state.phase}: ${JSON.stringify(ended.account?.reason).slice(0, 200)}`;
  watch.violate("no good release lost to a fault shorter than patience", `it ended with ${ended.exit}: ${because}`);
}

function isShort(disturbance: Disturbance): boolean {
  switch (disturbance.by) {
    case "network":
      return disturbance.link === "github" || passing.has(disturbance.act);
    case "person":
      return disturbance.act === "changes a time-out" || disturbance.act === "deletes the lease";
    case "process":
      return disturbance.act === "frozen";
    case "job":
      return disturbance.act !== "rolls back by hand" && disturbance.act !== "promotes";
    case "prometheus":
      return true;
  }
}

/** How long the cluster was away, all in all. */
const sumOf = ({ happened }: Scene): number =>
  happened.reduce((sum, { disturbance }) => {
    if (disturbance.by === "process") return sum + disturbance.lasts + (happened.length > 1 ? 60 * second : 0);
    if (disturbance.by === "prometheus") return sum + disturbance.lasts;
    if (disturbance.by !== "network" || disturbance.link === "github") return sum;
    return sum + (Number.isFinite(disturbance.times) ? 10 * second * disturbance.times : disturbance.lasts);
  }, 0);
