import { block, clip, plain } from "../lib/markdown.ts";
import { logList } from "./log-list.ts";

/** GitHub takes a megabyte, and nobody reads more than a screen or two. */
const longest = 60_000;

/** What a command that only looks has said, for the job summary: a reviewer need not open the log. */
export const answerSummary = (command: string, subject: string, text: string): string =>
  `### ${["Istio Canary", command, plain(subject)].filter(Boolean).join(" ")}\n\n${block(clip(text, longest), "text")}`;

/** A job that was refused before anything was changed: why, a line each. */
export function refusalSummary(command: string, text: string): string {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const told = logList(lines, { most: 50, longest: 600, more: "more lines" });
  const what = ["Istio Canary", command].filter(Boolean).join(" ");
  return [`### ❌ ${what}: refused, and nothing was changed`, "", ...told].join("\n");
}
