import { formatDuration } from "../../src/lib/duration.ts";
import type { Comment } from "../github/repository.ts";
import { imageOf } from "../shop.ts";
import type { Act } from "./act.ts";
import { bold, green, padEnd, padStart, red } from "./screen.ts";

/** Something that has to be so at the end of the demo. */
export type Check = { readonly what: string; readonly holds: boolean };

export type Acts = { readonly good: Act; readonly bad: Act };

/** Both releases as figures, one above the other. */
export function figures({ good, bad }: Acts): string {
  const toRollback =
    bad.result.outputs.outcome === "rolled-back" ? between(bad.counts.firstBad, bad.routedAt) : "never";
  const rows: readonly (readonly string[])[] = [
    ["", "good release", "bad release"],
    ["outcome", good.result.outputs.outcome ?? "", bad.result.outputs.outcome ?? ""],
    ["requests of the customers", ...both({ good, bad }, ({ counts }) => String(counts.requests))],
    ["… answered by", ...both({ good, bad }, ({ counts }) => versions(counts.byVersion))],
    ["bad answers", ...both({ good, bad }, ({ counts }) => String(counts.bad))],
    ["first bad answer to rollback", "—", toRollback],
    [
      "bad answers afterwards",
      ...both({ good, bad }, ({ afterwards }) => `${afterwards.bad} of ${afterwards.requests}`),
    ],
  ];
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map(
      ([name = "", ...cells]) =>
        `  ${padEnd(name, widths[0] ?? 0)}${cells.map((cell, index) => `   ${padStart(cell, widths[index + 1] ?? 0)}`).join("")}`,
    )
    .join("\n");
}

const both = ({ good, bad }: Acts, tell: (act: Act) => string): readonly string[] => [tell(good), tell(bad)];

const versions = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([version, count]) => `${version} ${count}`)
    .join(", ");

const between = (from: number | undefined, to: number | undefined): string =>
  from === undefined || to === undefined ? "—" : formatDuration(to - from);

/** Every claim of the demo, held against what was seen from outside. */
export function checks(
  { good, bad }: Acts,
  { comments, violations }: { readonly comments: readonly Comment[]; readonly violations: readonly string[] },
): readonly Check[] {
  const { "Deployment reviews": old = "", ...others } = good.before;
  const [comment, ...more] = comments;
  return [
    {
      what: "the good release succeeded, and its job is green",
      holds: good.result.conclusion === "success" && good.result.outputs.outcome === "succeeded" && settled(good),
    },
    { what: "it cost no customer a bad answer", holds: good.counts.requests > 0 && good.counts.bad === 0 },
    {
      what: "VirtualService and DestinationRule are as before, byte for byte; the Deployment has the new image, and nothing else changed",
      holds: same(good.after, { ...others, "Deployment reviews": old.replace(imageOf("v1"), imageOf("v2")) }),
    },
    {
      what: "the bad release was rolled back, and its job is red",
      holds: bad.result.conclusion === "failure" && bad.result.outputs.outcome === "rolled-back" && settled(bad),
    },
    { what: "it did harm, so there was something to roll back", holds: bad.counts.bad > 0 },
    { what: "every object is as before it, byte for byte", holds: same(bad.after, bad.before) },
    {
      what: "customers who came afterwards got good answers of v2 alone",
      holds: [good, bad].every(
        ({ afterwards }) => afterwards.bad === 0 && afterwards.byVersion.v2 === afterwards.requests,
      ),
    },
    {
      what: "one comment tells of both, and GitHub's own API description allows every request",
      holds: comment !== undefined && more.length === 0 && violations.length === 0,
    },
  ];
}

const settled = ({ result }: Act): boolean => result.outputs.settled === "true";

const same = (one: Act["before"], other: Act["before"]): boolean =>
  JSON.stringify(Object.entries(one).sort()) === JSON.stringify(Object.entries(other).sort());

export const checkLine = ({ what, holds }: Check): string =>
  `  ${holds ? green("✔") : red("✖")} ${holds ? what : bold(what)}`;
