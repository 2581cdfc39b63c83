import { type ReadText, readingsOf } from "./readings.ts";
import { formsOfSecret } from "./secret-forms.ts";

/** Takes the secrets out of a text. */
export type Redact = (text: string) => string;

/** Keeps secrets out of everything that people or machines can read. */
export type Redaction = {
  /**
   * From now on `secret` is nowhere shown, nor what it becomes in URLs, JSON, HTML and base64. Of several lines each one
   * counts, so a whole file is no secret: register what is secret in it.
   */
  readonly register: (secret: string) => void;
  readonly redact: Redact;
  /** The same value with every string in it redacted, but for those under a key that is left `asTheyAre`. */
  readonly redactAll: <T>(value: T, asTheyAre?: ReadonlySet<string>) => T;
};

/** A shorter secret occurs by chance in every other line, and taking it out would give it away. */
const shortestSecret = 4;

/** In two words that stand beside each other a shorter one occurs by chance. */
const shortestJoined = 8;

/** The lines around a key in PEM are everybody's. */
const noSecret = /^-----(BEGIN|END) [A-Z0-9 ]+-----$/;

/** So much of a longer one is not shown either: servers cut what they repeat. */
const longestPart = 15;

const shown = "***";

/** `announce` hears of each new secret once: on GitHub it tells the runner to mask it. */
export function createRedaction(announce: (secret: string) => void = () => {}): Redaction {
  const secrets = new Set<string>();
  const forms: FormsByBeginning = new Map();

  function register(secret: string): void {
    const fresh = secret
      .split(/\r?\n/)
      .map((line) => line.trim())
      .filter((line) => line.length >= shortestSecret && !noSecret.test(line) && !secrets.has(line));
    for (const line of fresh) {
      secrets.add(line);
      announce(line);
      for (const form of formsOfSecret(line)) addForm(forms, form);
    }
  }

  function redact(text: string): string {
    if (forms.size === 0 || text.length < shortestSecret) return text;
    const found = readingsOf(text)
      .flatMap((reading) => hitsIn(reading, forms))
      .sort((one, other) => one.from - other.from || other.to - one.to);
    let left = "";
    let at = 0;
    for (const { from, to } of found) {
      if (from >= at) left += text.slice(at, from) + shown;
      at = Math.max(at, to);
    }
    return left + text.slice(at);
  }

  function inside(value: unknown, asTheyAre: ReadonlySet<string>): unknown {
    if (typeof value === "string") return redact(value);
    if (Array.isArray(value)) return value.map((item) => inside(item, asTheyAre));
    if (typeof value !== "object" || value === null) return value;
    const redacted = Object.entries(value).map(([key, inner]) => [
      key,
      typeof inner === "string" && asTheyAre.has(key) ? inner : inside(inner, asTheyAre),
    ]);
    return Object.fromEntries(redacted);
  }

  return {
    register,
    redact,
    // plain data keeps its shape: strings stay strings
    redactAll: <T>(value: T, asTheyAre: ReadonlySet<string> = new Set()) =>
      forms.size === 0 ? value : (inside(value, asTheyAre) as T),
  };
}

/** By their first characters, so that a text is gone through once, however many there are. */
type FormsByBeginning = Map<number, Set<string>>;

/** Others may have the same number. */
const beginningAt = (text: string, at: number): number =>
  ((text.charCodeAt(at) * 128 + text.charCodeAt(at + 1)) * 128 + text.charCodeAt(at + 2)) * 128 +
  text.charCodeAt(at + 3);

function addForm(forms: FormsByBeginning, form: string): void {
  const beginning = beginningAt(form, 0);
  const same = forms.get(beginning);
  if (same) same.add(form);
  else forms.set(beginning, new Set([form]));
}

/** Where it stands in what was written, whatever it was read as. */
type Hit = { readonly from: number; readonly to: number };

function hitsIn({ text, from, to, isJoined }: ReadText, forms: FormsByBeginning): readonly Hit[] {
  const hits: Hit[] = [];
  for (let at = 0; at <= text.length - shortestSecret; at++) {
    const candidates = forms.get(beginningAt(text, at));
    if (!candidates) continue;
    const length = Math.max(...[...candidates].map((form) => secretLength(form, text, at)));
    if (length < (isJoined ? shortestJoined : 1)) continue;
    hits.push({ from: from[at] ?? 0, to: to[at + length - 1] ?? 0 });
    at += length - 1;
  }
  return hits;
}

/** How much of what stands there is the form of a secret, whole or cut; 0 where it is none. */
function secretLength(form: string, text: string, at: number): number {
  let same = 0;
  while (same < form.length && form[same] === text[at + same]) same++;
  return same === form.length || same > longestPart ? same : 0;
}
