import { type Figures, type Neighbours, per1000, quantile } from "./measure.ts";

/** What the code of `src` keeps to. */
export const limits = {
  /**
   * Code of 11,589 lines at 160 characters was 14,253 at 120, by the formatter alone. The rest is what unfolding takes:
   * statements for nested choices, reasons as data beside their words, and the schema of the journal: 16,009. Guards
   * against faults, the fence, `undo` and holds that end brought it to 18,619; reading what a swap would strand, what
   * manifests and copies would do, who sees the weights, and what may leave the program to 22,933; callers
   * who give up, rounds of scrapes, pods that differ, and eyes without Prometheus to some 26,000; a second family of
   * routes, of the Gateway API, and what it shares with the first took some 600; gates of the user's own, pods that
   * differ, figures beside their doubts, and waypoints, Sidecars and policies as they decide some 1,200: 28,332.
   * Room for the other ways that Istio routes (testers, mirrors, tls and tcp, `init`), and for what people read.
   * Copies, affinity, `init`, what proxies have heard, kept logs and webhooks took some 3,400: 35,762.
   */
  lines: 37_000,
  ternariesPer1000: 35,
  conditionalSpreadsPer1000: 1,
  /** A share of the lines of code. */
  longLines: 0.02,
  /** Half of the functions have at most so many lines, and nine in ten. */
  functionP50: 8,
  functionP90: 20,
  typesTwice: 0,
  cycles: 0,
} as const;

/** What is beyond the bars, a sentence for each. */
export function beyond(figures: Figures, { typesTwice, cycles }: Neighbours): readonly string[] {
  const { lines, ternaries, conditionalSpreads, longLines, functions } = figures;
  const measured: readonly (readonly [figure: number, limit: number, what: string])[] = [
    [lines, limits.lines, "lines of code"],
    [per1000(ternaries, lines), limits.ternariesPer1000, "ternaries in 1,000 lines"],
    [per1000(conditionalSpreads, lines), limits.conditionalSpreadsPer1000, "conditional spreads in 1,000 lines"],
    [lines === 0 ? 0 : longLines / lines, limits.longLines, "of the lines are longer than 120 characters"],
    [quantile(functions, 0.5), limits.functionP50, "lines in a function of the middle"],
    [quantile(functions, 0.9), limits.functionP90, "lines in a function at nine tenths"],
    [typesTwice.length, limits.typesTwice, "type names that mean two things"],
    [cycles.length, limits.cycles, "rings of files that import each other"],
  ];
  return measured
    .filter(([figure, limit]) => figure > limit)
    .map(([figure, limit, what]) => `${Math.round(figure * 1000) / 1000} ${what}, at most ${limit}`);
}
