/**
 * What a terminal obeys: commands of the operating system up to their end, others by their form
 * (https://en.wikipedia.org/wiki/ANSI_escape_code). Nothing is read twice: Node's own `stripVTControlCharacters` looks for
 * an end behind each beginning, and 64 KB of beginnings without one took 20s. A command that does not end stays as text.
 */
const commands =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what they are made of.
  /\u001B\][^\u0007\u001B\u009C]*(?:\u0007|\u001B\\|\u009C)|(?:\u001B\[|\u009B)[0-?]*[ -/]*[@-~]|\u001B[ -/]+[0-~]/g;

/** Control characters, and those that end a line or turn the direction of writing around. */
const unseen = /[\p{Cc}\u2028\u2029\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]+/gu;

/**
 * Text from outside as one line that does nothing. A terminal obeys control characters. A runner obeys `::x::` at the
 * beginning of a line and `##[x]` anywhere in it (https://github.com/actions/runner/blob/main/src/Runner.Common/ActionCommand.cs);
 * others repeat what they are told in lines of their own.
 */
export const inert = (text: string): string =>
  text
    .replace(commands, "")
    .replace(unseen, " ")
    .replaceAll("##[", "## [")
    .replace(/^\s*::/, " : :")
    .replace(/::(?=[a-z][\w-]*( [^:]*)?::)/gi, ": :")
    .trimEnd();

/** Several lines as one text. What comes from outside makes no line of its own. */
export const inLines = (lines: readonly string[]): string => lines.map(inert).join("\n");
