import { isUtf8 } from "node:buffer";

/** What a text says to somebody who decodes it, and where each of its characters stands in the text. */
export type ReadText = {
  readonly text: string;
  readonly from: Uint32Array;
  readonly to: Uint32Array;
  /** What somebody reads who joins what was broken: without white space and what is not seen. */
  readonly isJoined: boolean;
};

/** JSON in a URL in JSON is three; nobody writes more. */
const mostRounds = 4;

/**
 * A text as it is, and then with its escapes decoded, again and again as long as there are any; each also joined. A
 * secret that is looked for in all of them need not be written in every way in which something may encode it.
 */
export function readingsOf(text: string): readonly ReadText[] {
  const from = new Uint32Array(text.length).map((_, index) => index);
  let reading: ReadText = { text, from, to: from.map((index) => index + 1), isJoined: false };
  const readings = [reading];
  for (let round = 0; round < mostRounds && hasEscapes.test(reading.text); round++) {
    reading = rewritten(reading, escapes, decoded);
    readings.push(reading);
  }
  const broken = readings.filter((reading) => isBroken.test(reading.text));
  return [...readings, ...broken.map((reading) => ({ ...rewritten(reading, unseen, () => []), isJoined: true }))];
}

/** A part of what was written, by its length, and what it means. */
type Meaning = { readonly length: number; readonly text: string };

function rewritten(before: ReadText, pattern: RegExp, meant: (written: string) => readonly Meaning[]): ReadText {
  const parts: string[] = [];
  const from = new Uint32Array(before.text.length); // nothing means more than it was written with
  const to = new Uint32Array(before.text.length);
  let [at, size] = [0, 0];
  const keepUntil = (end: number): void => {
    parts.push(before.text.slice(at, end));
    from.set(before.from.subarray(at, end), size);
    to.set(before.to.subarray(at, end), size);
    [at, size] = [end, size + end - at];
  };
  const write = ({ text, length }: Meaning): void => {
    parts.push(text);
    from.fill(before.from[at] ?? 0, size, size + text.length);
    to.fill(before.to[at + length - 1] ?? 0, size, size + text.length);
    [at, size] = [at + length, size + text.length];
  };
  for (const { 0: written, index } of before.text.matchAll(pattern)) {
    keepUntil(index);
    meant(written).forEach(write);
    at = index + written.length;
  }
  keepUntil(before.text.length);
  return { ...before, text: parts.join(""), from: from.subarray(0, size), to: to.subarray(0, size) };
}

/** Of URLs, of Python's bytes, of JSON and of HTML. */
const written =
  /(?:%[\da-f]{2})+|(?:\\x[\da-f]{2})+|\\u[\da-f]{4}|\\[\\/"'bfnrt]|&(?:#\d{1,7}|#x[\da-f]{1,6}|[a-z]{2,4});/;
const hasEscapes = new RegExp(written, "i");
const escapes = new RegExp(written, "gi");

function decoded(written: string): readonly Meaning[] {
  if (written.startsWith("%")) return charactersOf(written, 3);
  if (/^\\x/i.test(written)) return charactersOf(written, 4);
  return [{ text: characterOf(written), length: written.length }];
}

/** Bytes, each of which is written in so many characters; several are one character. */
function charactersOf(bytes: string, width: number): readonly Meaning[] {
  const read = Buffer.from(bytes.replace(/%|\\x/gi, ""), "hex");
  const encoding = isUtf8(read) ? "utf8" : "latin1";
  return Array.from(read.toString(encoding), (character) => ({
    text: character,
    length: Buffer.byteLength(character, encoding) * width,
  }));
}

function characterOf(written: string): string {
  if (/^\\u/i.test(written)) return String.fromCharCode(Number.parseInt(written.slice(2), 16));
  if (written.startsWith("\\")) return controls.has(written.slice(1)) ? " " : written.slice(1);
  const [, hex, decimal, name = ""] = /^&(?:#x([\da-f]+)|#(\d+)|([a-z]+));$/i.exec(written) ?? [];
  if (hex === undefined && decimal === undefined) return named[name.toLowerCase()] ?? written;
  const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
  return code <= 0x10ffff ? String.fromCodePoint(code) : written;
}

const controls: ReadonlySet<string> = new Set(["b", "f", "n", "r", "t"]);
const named: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: " " };

/** White space, a terminal's colours, and characters that nobody sees. */
const invisible = "\\u001b\\[[\\d;]*[A-Za-z]|[\\s\\p{Cc}\\p{Cf}]";
const isBroken = new RegExp(invisible, "u");
const unseen = new RegExp(invisible, "gu");
