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

/** The lines around a key in PEM are everybody's. */
const noSecret = /^-----(BEGIN|END) [A-Z0-9 ]+-----$/;

/** So much of a longer one is not shown either: servers cut what they repeat. */
const longestPart = 15;

const shown = "***";

/** `announce` hears of each new secret once: on GitHub it tells the runner to mask it. */
export function createRedaction(announce: (secret: string) => void = () => {}): Redaction {
  const secrets = new Set<string>();
  const forms = new Set<string>();
  let anyBeginning: RegExp | undefined;

  function register(secret: string): void {
    const fresh = secret
      .split(/\r?\n/)
      .map((line) => line.trim())
      .filter((line) => line.length >= shortestSecret && !noSecret.test(line) && !secrets.has(line));
    for (const line of fresh) {
      secrets.add(line);
      announce(line);
      for (const form of formsOfSecret(line)) forms.add(form);
      anyBeginning = undefined;
    }
  }

  function redact(text: string): string {
    if (forms.size === 0) return text;
    anyBeginning ??= oneOf(new Set([...forms].map((form) => form.slice(0, longestPart + 1))));
    let left = "";
    let at = 0;
    for (const { index } of text.matchAll(anyBeginning)) {
      if (index < at) continue;
      left += text.slice(at, index) + shown;
      at = index + Math.max(...[...forms].map((form) => secretLength(form, text, index)));
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

/** How much of what stands there is the form of a secret, whole or cut; 0 where it is none. */
function secretLength(form: string, text: string, at: number): number {
  let same = 0;
  while (same < form.length && form[same] === text[at + same]) same++;
  return same === form.length || same > longestPart ? same : 0;
}

/** The longest first: one may be a part of another. */
const oneOf = (texts: ReadonlySet<string>): RegExp =>
  new RegExp(
    [...texts]
      .sort((a, b) => b.length - a.length)
      .map(literal)
      .join("|"),
    "g",
  );

const literal = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
