import type { LiveLine, Tone } from "../../words/live-view.ts";
import type { Screen } from "./screen.ts";

/** Lines at the bottom of a terminal that are drawn anew, in place. */
export type Frame = {
  readonly draw: (lines: readonly LiveLine[]) => void;
  /** Takes them away: what is written next stands there, and stays. */
  readonly wipe: () => void;
};

/** https://en.wikipedia.org/wiki/ANSI_escape_code#Select_Graphic_Rendition_parameters */
const colours: Readonly<Record<Tone, string | undefined>> = {
  good: "32",
  bad: "31",
  now: "33",
  dim: "2",
  plain: undefined,
};

/** `coloured`: nobody asked for none (https://no-color.org). */
export function frameOn(screen: Screen, coloured: boolean): Frame {
  let height = 0;
  const up = (): string => `\r${height > 1 ? `\u001b[${height - 1}A` : ""}\u001b[J`;
  const shown = ({ text, tone }: LiveLine): string => {
    const colour = colours[tone];
    if (coloured && colour !== undefined) return `\u001b[${colour}m${text}\u001b[0m`;
    return text;
  };
  return {
    draw(lines) {
      const fitting = lines.slice(0, Math.max(1, (screen.rows ?? 24) - 1));
      screen.write(`${up()}${fitting.map(shown).join("\n")}`);
      height = fitting.length;
    },
    wipe() {
      screen.write(up());
      height = 0;
    },
  };
}
