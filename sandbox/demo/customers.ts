import type { Counts, Traffic } from "../traffic.ts";
import { cyan, green, red, type Screen } from "./screen.ts";

const tick = 200;
/** The shares of the last second are shown, read at every tick. */
const ticks = 5;
const width = 30;

/** Keeps a live line about what the customers get at this moment; the answer ends it. */
export function showCustomers(traffic: Traffic, screen: Screen): () => void {
  let seen: readonly Counts[] = [];
  const timer = setInterval(() => {
    const now = traffic.counts();
    const lapped = now.requests < (seen.at(-1)?.requests ?? 0);
    seen = [...(lapped ? [] : seen), now].slice(-ticks - 1);
    const [then = now] = seen;
    screen.live(line(then, now));
  }, tick);
  return () => {
    clearInterval(timer);
    screen.live("");
  };
}

function line(then: Counts, now: Counts): string {
  const versions = Object.entries(now.byVersion)
    .map(([name, count]) => ({ name, count: count - (then.byVersion[name] ?? 0) }))
    .filter(({ count }) => count > 0)
    .sort((a, b) => a.name.localeCompare(b.name));
  const total = versions.reduce((sum, { count }) => sum + count, 0);
  if (total === 0) return "";
  const [older, ...newer] = versions;
  const share = (older?.count ?? 0) / total;
  const blocks = Math.max(newer.length > 0 ? 1 : 0, Math.round((1 - share) * width));
  const named = versions.map(({ name, count }) => `${name} ${Math.round((count / total) * 100)}%`).join(" · ");
  const bad = now.bad === 0 ? green("0 bad") : red(`${now.bad} bad`);
  return `  customers get  ${cyan("█".repeat(blocks))}${"░".repeat(width - blocks)}  ${named}  ${now.requests} requests, ${bad}`;
}
