import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** Whether a test ever came to a place of a file. */
export type Reach = (path: string, offset: number) => boolean;

type Range = { readonly startOffset: number; readonly endOffset: number; readonly count: number };
type Script = { readonly url: string; readonly functions: readonly { readonly ranges: readonly Range[] }[] };

/**
 * From what V8 has written into a folder, a file for each process. Node takes types out by putting blanks in their place,
 * so its offsets are those of the sources: https://nodejs.org/api/cli.html#node_v8_coveragedir
 */
export function reachIn(coverage: string, root: string): Reach {
  const scripts = new Map<string, (readonly Range[])[]>();
  const prefix = `${pathToFileURL(root)}/`;
  for (const file of readdirSync(coverage)) {
    const { result } = JSON.parse(readFileSync(join(coverage, file), "utf8")) as { result: readonly Script[] };
    for (const { url, functions } of result) {
      if (!url.startsWith(`${prefix}src/`)) continue;
      const path = url.slice(prefix.length).replace(/\?.*/, "");
      const ranges = functions.flatMap((one) => one.ranges);
      scripts.set(path, [...(scripts.get(path) ?? []), ranges]);
    }
  }
  // What decides about `b` in `a ?? b` is counted with `b`, although `a` alone comes by.
  return (path, offset) =>
    (scripts.get(path) ?? []).some((ranges) => [offset - 1, offset].some((at) => innermost(ranges, at) > 0));
}

/** The count of the smallest range around a place. */
function innermost(ranges: readonly Range[], offset: number): number {
  let count = 0;
  let length = Number.POSITIVE_INFINITY;
  for (const { startOffset, endOffset, count: times } of ranges) {
    if (offset < startOffset || offset >= endOffset || endOffset - startOffset > length) continue;
    [count, length] = [times, endOffset - startOffset];
  }
  return count;
}
