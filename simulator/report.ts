import { halfNumbers, prometheusActs } from "./disturbance.ts";
import { faultIn, peerFaults } from "./peers.ts";
import { foundFaults } from "./record.ts";
import { simulate } from "./simulation.ts";
import type { FaultRow, Tally } from "./tally.ts";

/** docs/reliability.md: what was played, how it ended, and what was found. */
export async function reliabilityReport({ seeds, failed, byFault }: Tally): Promise<string> {
  const first = seeds[0]?.seed ?? 0;
  const last = seeds.at(-1)?.seed ?? 0;
  const commands = seeds.reduce((sum, each) => sum + each.commands, 0);
  return [
    "# Reliability",
    "<!-- Made by `npm run simulate -- --seeds N --report docs/reliability.md`; do not edit. -->",
    `${figure(seeds.length)} simulated releases (seeds ${first} to ${last}, ${figure(commands)} commands), each in a world of its own with up to three disturbances; [testing.md](testing.md#the-simulator) says what is simulated, and [ARCHITECTURE.md](../ARCHITECTURE.md#invariants) what has to hold. In ${failed.length === 0 ? "none of them" : String(failed.length)} an invariant did not hold.`,
    "## Faults",
    "*Survived*: every invariant held. *On a bad version*: the longest time that requests went to a version that fails or dies, in all releases that met this fault, whatever else they met. A rollback takes up to three looks (5 to 15s each); a job that was killed is followed by its second step, or by a person within a minute; while the API server is away nobody can give the requests back.",
    ...parts.flatMap(({ title, by }) => [`### ${title}`, faultTable(byFault, by)]),
    foundSection(),
    "## What happened to others",
    "Faults that were reported of Argo Rollouts and Flagger, each played as a scenario (`simulator/peers.ts`).",
    table(["Fault", "Reported", "Here"], await peerRows()),
  ].join("\n\n");
}

/** What was found, as it stands in the report. */
export const foundSection = (): string =>
  [
    "## What was found",
    "Where a seed stands, the mend was taken back in this version and the seed broke the invariant beside it; where none does, the fault was found by other means, or in an older version, whose seeds are other stories now. To see one again: take the commit's change of `src` back in a scratch copy (not as a whole: others rest on it), and `npm run simulate -- --seed N --trace` there; with the mend no invariant is broken.",
    table(
      ["Fault", "Seed", "It breaks", "Mended by", "Held by"],
      foundFaults.map(({ what, seed, shows = "–", mended, held }) => [
        what,
        seed === undefined ? "–" : String(seed),
        shows,
        mended,
        `\`${held}\``,
      ]),
    ),
  ].join("\n\n");

/** Faults by where they come from, as their names begin. */
const parts: readonly { readonly title: string; readonly by: string }[] = [
  { title: "On the way to the API server", by: "kubernetes" },
  { title: "On the way to Prometheus", by: "prometheus: way" },
  { title: "What Prometheus says", by: "prometheus" },
  { title: "On the way to GitHub", by: "github" },
  { title: "People, and controllers that write what is in Git", by: "person" },
  { title: "Other jobs", by: "job" },
  { title: "The job's own process", by: "process" },
  { title: "Nothing at all", by: "none" },
];

/** Prometheus has faults of its own, and others on the way to it. */
const partOf = (fault: string): string => {
  const [by = ""] = fault.split(": ");
  const isOwn = [...prometheusActs, halfNumbers].some((act) => fault === `prometheus: ${act}`);
  return by === "prometheus" && !isOwn ? "prometheus: way" : by;
};

function faultTable(byFault: Tally["byFault"], by: string): string {
  const rows = [...byFault].filter(([fault]) => partOf(fault) === by).sort(([a], [b]) => (a < b ? -1 : 1));
  return table(["Fault", "Tried", "Survived", "On a bad version"], rows.map(faultRow));
}

const faultRow = ([fault, { tried, survived, exposure }]: readonly [string, FaultRow]): readonly string[] => [
  fault.replace(/^\w+: /, ""),
  figure(tried),
  figure(survived),
  exposure === 0 ? "–" : `${Math.round(exposure / 1_000)}s`,
];

const figure = (count: number): string => count.toLocaleString("en");

async function peerRows(): Promise<readonly (readonly string[])[]> {
  const rows: (readonly string[])[] = [];
  for (const peer of peerFaults) {
    const fault = faultIn(peer, await simulate(peer.scenario));
    rows.push([
      peer.what,
      peer.reported.map(link).join(", "),
      fault === undefined ? `Does not happen: ${peer.instead}` : `**Happens**: ${fault}`,
    ]);
  }
  return rows;
}

function link(reported: string): string {
  const [repository = "", number] = reported.split("#");
  return number === undefined
    ? reported
    : `[${repository.split("/")[1]}#${number}](https://github.com/${repository}/issues/${number})`;
}

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
