/** Nobody reads a longer one, and it would take for ever. */
const mostLines = 2_000;

/** A line that only one of two texts has, marked as `diff` marks it: `-` of the first, `+` of the second. */
export function lineDifference(first: string, second: string): readonly string[] {
  const [one = [], other = []] = [first, second].map((text) => text.trimEnd().split("\n").slice(0, mostLines));
  const common = longestCommon(one, other);
  const lines: string[] = [];
  let [at, to] = [0, 0];
  while (at < one.length || to < other.length) {
    const [removed, added] = [one[at], other[to]];
    if (removed !== undefined && removed === added) {
      at += 1;
      to += 1;
    } else if (
      added === undefined ||
      (removed !== undefined && lengthAt(common, at + 1, to) >= lengthAt(common, at, to + 1))
    ) {
      lines.push(`- ${removed}`);
      at += 1;
    } else {
      lines.push(`+ ${added}`);
      to += 1;
    }
  }
  return lines;
}

type Lengths = readonly Readonly<Uint16Array>[];

const lengthAt = (lengths: Lengths, at: number, to: number): number => lengths[at]?.[to] ?? 0;

/** How many lines the rests of both texts have in common, from each pair of lines on. */
function longestCommon(one: readonly string[], other: readonly string[]): Lengths {
  const lengths = Array.from({ length: one.length + 1 }, () => new Uint16Array(other.length + 1));
  for (let at = one.length - 1; at >= 0; at--)
    for (let to = other.length - 1; to >= 0; to--) {
      const row = lengths[at] ?? new Uint16Array();
      row[to] =
        one[at] === other[to]
          ? lengthAt(lengths, at + 1, to + 1) + 1
          : Math.max(lengthAt(lengths, at + 1, to), lengthAt(lengths, at, to + 1));
    }
  return lengths;
}
