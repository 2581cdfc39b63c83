import { count, plural } from "../lib/numbers.ts";
import { type Finding, note, type Preflight, refuse, warn } from "../ports/preflight.ts";
import { routeWord } from "../release/route-kind.ts";
import type { Target } from "../release/target.ts";
import { listed } from "./finding.ts";

/** What is known of a world of which there are some files. */
export type KnownFiles = {
  readonly folder: string;
  /** `VirtualService shop/reviews`, and the files that it stands in. */
  readonly places: ReadonlyMap<string, readonly string[]>;
  /** What was not read or not understood, and why. */
  readonly unread: readonly string[];
};

/** The preflight over files: what stands in none of them is not known, which is less than missing. */
export const preflightOfFiles = (preflight: Preflight, files: KnownFiles, target: Target): Preflight => ({
  async inspect() {
    const found = await preflight.inspect();
    const rest = found.filter((one) => one.unseen === undefined);
    return [...aboutFiles(files, target), ...rest, ...notKnown(files, found), noWebhook(files)];
  },
});

function aboutFiles({ folder, places, unread }: KnownFiles, { namespace, routes }: Target): readonly Finding[] {
  const ours = new Set([namespace, ...routes.map((route) => route.namespace)]);
  const twice = [...places].filter(([word, files]) => files.length > 1 && ours.has(namespaceIn(word)));
  const missing = routes.map(routeWord).filter((word) => !places.has(word));
  const findings = missing.map((word) =>
    refuse(
      `${word} stands in no file of ${folder}, so nothing about its weights was checked.`,
      "Give the folder that it is in, or correct its name.",
    ),
  );
  if (twice.length > 0) findings.unshift(severalPlaces(twice));
  if (unread.length > 0) findings.push(unreadFiles(unread));
  return findings;
}

const namespaceIn = (word: string): string => word.split(/[ /]/)[1] ?? "";

const unreadFiles = (unread: readonly string[]): Finding =>
  warn(
    `Not read, so that nothing is known of what stands there: ${listed(unread, 5)}.`,
    "Templates are to be rendered first: helm template, kubectl kustomize.",
  );

function severalPlaces(twice: readonly (readonly [string, readonly string[]])[]): Finding {
  const files = [...new Set(twice.flatMap(([, files]) => files))];
  return refuse(
    `In several files (${listed(files, 5)}) ${plural(twice.length, "stands", "stand")} ${listed(
      twice.map(([word]) => word),
      5,
    )}, and nobody knows which one counts.`,
    "Give a folder in which each object stands once, such as what kubectl kustomize or helm template writes.",
  );
}

/** What a release needs, and what others have that may concern it. */
function notKnown({ folder }: KnownFiles, found: readonly Finding[]): readonly Finding[] {
  const wordsOf = (some: readonly Finding[]): readonly string[] => [
    ...new Set(some.flatMap(({ unseen }) => unseen ?? [])),
  ];
  const isNeeded = ({ level, code }: Finding): boolean => level === "refuse" || code !== undefined;
  const [needed, others] = [wordsOf(found.filter(isNeeded)), wordsOf(found.filter((one) => !isNeeded(one)))];
  const next = "A plan without --files looks for them in the cluster.";
  const findings: Finding[] = [];
  if (needed.length > 0) findings.push(note(`In no file of ${folder}, and so not known: ${listed(needed, 20)}.`, next));
  const told = needed.length > 0 ? undefined : next;
  if (others.length > 0)
    findings.push(note(`Nor is known what others have beside these files: ${listed(others, 20)}.`, told));
  return findings;
}

const noWebhook = ({ folder, places }: KnownFiles): Finding =>
  note(
    `${count(places.size)} ${plural(places.size, "object")} of ${folder} ${plural(places.size, "was", "were")} looked at as if applied and running; no API server has tried the writes out, and nobody was asked for counters, or for a release that is under way.`,
  );
