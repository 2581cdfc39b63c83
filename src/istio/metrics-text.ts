import type { SeriesLabels } from "./counted-request.ts";

/** One line of what a proxy shows. */
export type ShownSeries = { readonly labels: SeriesLabels; readonly value: number };

const pair = /([a-zA-Z_]\w*)\s*=\s*"((?:[^"\\]|\\.)*)"/g;
const escapes: Readonly<Record<string, string>> = { "\\n": "\n", '\\"': '"', "\\\\": "\\" };

/**
 * The series of one metric in Prometheus's text format, as Envoy shows it:
 * https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format. What is no number is left out.
 */
export const seriesIn = (text: string, metric: string): readonly ShownSeries[] => shownAs(whole, text, metric);

/** The same of sums, which are no whole numbers. */
export const sumsIn = (text: string, metric: string): readonly ShownSeries[] => shownAs(decimal, text, metric);

const whole = /^\d+(\.0+)?(e\+?\d+)?$/i;
const decimal = /^\d+(\.\d+)?(e[+-]?\d+)?$/i;

function shownAs(shape: RegExp, text: string, metric: string): readonly ShownSeries[] {
  const found: ShownSeries[] = [];
  for (const line of text.split("\n")) {
    if (!line.startsWith(metric)) continue;
    const rest = line.slice(metric.length).trim();
    const end = rest.startsWith("{") ? rest.lastIndexOf("}") : 0;
    const [said = ""] = rest
      .slice(end === 0 ? 0 : end + 1)
      .trim()
      .split(/\s+/);
    if (end < 0 || !shape.test(said)) continue;
    found.push({ labels: labelsIn(rest.slice(0, end)), value: Number(said) });
  }
  return found;
}

const labelsIn = (text: string): SeriesLabels =>
  Object.fromEntries(
    [...text.matchAll(pair)].map(([, name = "", quoted = ""]) => [
      name,
      quoted.replace(/\\[n"\\]/g, (escaped) => escapes[escaped] ?? escaped),
    ]),
  );
