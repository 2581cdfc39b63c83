import { stripVTControlCharacters, styleText } from "node:util";

export interface Screen {
  /** A line, or several, that stay. */
  print(text?: string): void;
  /** The one line at the bottom that changes; nothing where nobody sees it change. Empty takes it away. */
  live(text: string): void;
}

/** A terminal, or a file that gets the same without what moves. */
export function screenOn(stream: NodeJS.WriteStream): Screen {
  let drawn = "";
  const wipe = (): void => {
    if (drawn !== "") stream.write("\r\u001b[2K");
    drawn = "";
  };
  return {
    print(text = "") {
      const again = drawn;
      wipe();
      stream.write(`${text}\n`);
      if (again !== "") this.live(again);
    },
    live(text) {
      if (!stream.isTTY || text === drawn) return;
      wipe();
      const fits = stripVTControlCharacters(text).length < (stream.columns || 80);
      drawn = fits ? text : "";
      stream.write(drawn);
    },
  };
}

// They leave text as it is where standard output is no terminal, or NO_COLOR is set.
export const bold = (text: string): string => styleText("bold", text);
export const dim = (text: string): string => styleText("dim", text);
export const red = (text: string): string => styleText("red", text);
export const green = (text: string): string => styleText("green", text);
export const cyan = (text: string): string => styleText("cyan", text);
export const yellow = (text: string): string => styleText("yellow", text);

/** Signs of the East Asian kind, as emoji are, take two columns. */
export const widthOf = (text: string): number =>
  [...stripVTControlCharacters(text)].reduce(
    (sum, character) => sum + (/\p{Emoji_Presentation}/u.test(character) ? 2 : 1),
    0,
  );

export const padEnd = (text: string, width: number): string => text + " ".repeat(Math.max(0, width - widthOf(text)));
export const padStart = (text: string, width: number): string => " ".repeat(Math.max(0, width - widthOf(text))) + text;
