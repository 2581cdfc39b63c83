import { loadavg } from "node:os";

/** One measured figure. `limit` is what it may be at most; a figure without one is only told. */
export type Figure = {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  readonly limit?: number;
  readonly how?: string;
};

const isWithin = ({ value, limit }: Figure): boolean => limit === undefined || value <= limit;

/** Prints a table and the load under which it was measured, and tells whether every figure is within its limit. */
export function printFigures(figures: readonly Figure[]): boolean {
  const rows = figures.map((figure) => [
    isWithin(figure) ? "✔" : "✖",
    figure.what,
    `${Number(figure.value.toPrecision(3))} ${figure.unit}`.trim(),
    figure.limit === undefined ? "" : `≤ ${Number(figure.limit.toPrecision(3))}`,
    figure.how ?? "",
  ]);
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  for (const row of rows)
    console.log(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    );
  console.log(
    `\nLoad of the machine: ${loadavg()
      .map((load) => load.toFixed(1))
      .join(" ")} (times grow with it; counts and sizes do not).`,
  );
  return figures.every(isWithin);
}
