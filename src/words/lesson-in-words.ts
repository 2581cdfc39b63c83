import { formatDuration } from "../lib/duration.ts";
import { plural } from "../lib/numbers.ts";
import { someOf } from "../lib/some-of.ts";
import type { Learners, Learnt, Lesson } from "../release/learnt.ts";

const things: Readonly<Record<Lesson, string>> = {
  routes: "the routes as they were written",
  canary: "the canary's pods",
  stable: "stable's pods",
};

/** How long it took until the proxies of the mesh had what was written, and how many of them were read. */
export function lessonInWords({ lesson, after, without, because, ...read }: Learnt): string {
  const what = things[lesson];
  if (because !== undefined)
    return `whether the mesh's proxies have ${what} is not known (${because}), so they are given their time`;
  const who = readersInWords(read);
  if (without.length === 0) return `the mesh's proxies had ${what} after ${formatDuration(after)}: ${who}`;
  return `after ${formatDuration(after)} not all of the mesh's proxies had ${what}: ${someOf(without, ", ", 3)} had not (read: ${who})`;
}

function readersInWords({ gateways, callers, unread }: Omit<Learners, "without" | "because">): string {
  const words: string[] = [];
  if (gateways > 0) words.push(`${gateways} ${plural(gateways, "gateway")}`);
  if (callers > 0) words.push(`${callers} ${plural(callers, "caller")}`);
  if (unread > 0) words.push(`${unread} not read`);
  return words.join(", ");
}
