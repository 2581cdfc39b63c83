import { clip, plain } from "../lib/markdown.ts";
import { count } from "../lib/numbers.ts";

/** Lines that the log has as well, as a list in Markdown: the first of them, and how many more there are. */
export function logList(
  lines: readonly string[],
  { most, longest, more = "more" }: { readonly most: number; readonly longest: number; readonly more?: string },
): readonly string[] {
  const told = lines.slice(0, most).map((line) => `* ${plain(clip(line, longest))}`);
  if (lines.length <= most) return told;
  return [...told, `* … and ${count(lines.length - most)} ${more}, in the log`];
}
