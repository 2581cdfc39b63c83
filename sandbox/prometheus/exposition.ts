import type { Instant } from "../../src/lib/duration.ts";
import type { Histogram, Labels } from "./value.ts";

/** One line of a target's metrics, the metric's name among the labels. */
export type Exposed = {
  readonly labels: Labels;
  readonly value: number;
  /** When it was so, where the target says it; otherwise now. */
  readonly at?: Instant;
  readonly histogram?: Histogram;
};

const line = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+(-?\d+))?\s*$/;
const pair = /([a-zA-Z_]\w*)\s*=\s*"((?:[^"\\]|\\.)*)"/g;
const escapes: Readonly<Record<string, string>> = { "\\n": "\n", '\\"': '"', "\\\\": "\\" };

/** Reads https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format. Throws where a line is none of it. */
export function parseExposition(text: string): readonly Exposed[] {
  return text
    .split("\n")
    .filter((each) => each.trim() !== "" && !each.startsWith("#"))
    .map((each) => {
      const [, name, labels = "", value, at] = line.exec(each.trim()) ?? [];
      if (name === undefined || value === undefined) throw new Error(`no line of metrics: ${each}`);
      const pairs = [...labels.matchAll(pair)].map(
        ([, label, quoted = ""]) =>
          [label, quoted.replace(/\\[n"\\]/g, (escaped) => escapes[escaped] ?? escaped)] as const,
      );
      return {
        labels: { ...Object.fromEntries(pairs), __name__: name },
        value: numberOf(value),
        ...(at === undefined ? {} : { at: Number(at) }),
      };
    });
}

const numberOf = (text: string): number =>
  /^[+-]?inf$/i.test(text) ? (text.startsWith("-") ? -Infinity : Infinity) : Number(text);
