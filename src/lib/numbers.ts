/*
 * Numbers for people, the same in every report: three digits that count, and thousands with commas.
 * Two digits hid what a judgement was about (a limit of 1.25% read "1.2%"), and a fixed place after the point made
 * rare failures vanish ("0.0%"). What is not all is never written as all, and what is not nothing never as nothing.
 */

/** `12,345`: a whole number, the same on every machine. */
export const count = (value: number): string => String(value).replace(/\B(?=(\d{3})+$)/g, ",");

/** `poll` of one, and `polls` of any other number. */
export const plural = (value: number, one: string, many = `${one}s`): string => (value === 1 ? one : many);

/** `0.0312`, `13.5`, `12,345`: three digits that count, and never less than the whole number. */
export function number(value: number): string {
  if (value < 0) return `-${number(-value)}`;
  const rounded = value < 1_000 ? Number(value.toPrecision(3)) : Math.round(value);
  return rounded < 1_000 ? String(rounded) : count(rounded);
}

/** `3.14%` of a ratio of 0.0314. Only 1 and more is `100%`. */
export function percent(ratio: number): string {
  const almostAll = ratio < 1 && ratio > 0.999;
  return `${number(almostAll ? 99.9 : ratio * 100)}%`;
}

/** `33.3%` of a part from 0 to 1, as weights give it: what is planned needs no third digit. */
export const percentWord = (part: number): string => `${Number((part * 100).toFixed(1))}%`;

/** Numbers that stand beside each other: where two would read the same and are not, every digit counts. */
export function numbersApart(values: readonly number[]): readonly string[] {
  const [different, readable] = [values, values.map(number)].map((each) => new Set<number | string>(each).size);
  return values.map(different === readable ? number : String);
}
