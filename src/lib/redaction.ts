/** Keeps secrets out of everything that people or machines can read. */
export type Redaction = {
  /**
   * From now on `secret` is nowhere shown, nor what it becomes in a URL, in JSON and in base64. Of several lines each
   * one counts, so a whole file is no secret: register what is secret in it.
   */
  readonly register: (secret: string) => void;
  readonly redact: (text: string) => string;
  /** The same value with every string in it redacted. */
  readonly redactAll: <T>(value: T) => T;
};

/** A shorter secret occurs by chance in every other line, and taking it out would give it away. */
const shortestSecret = 4;

const shown = "***";

/** `announce` hears of each new secret once: on GitHub it tells the runner to mask it. */
export function createRedaction(announce: (secret: string) => void = () => {}): Redaction {
  const secrets = new Set<string>();
  let longestFirst: readonly string[] = [];

  function register(secret: string): void {
    const fresh = secret
      .split(/\r?\n/)
      .map((line) => line.trim())
      .filter((line) => line.length >= shortestSecret && !secrets.has(line));
    for (const line of fresh) {
      announce(line);
      for (const form of formsOf(line)) secrets.add(form);
    }
    longestFirst = [...secrets].sort((a, b) => b.length - a.length); // one secret may be a part of another
  }

  const redact = (text: string): string => longestFirst.reduce((left, secret) => left.replaceAll(secret, shown), text);

  function inside(value: unknown): unknown {
    if (typeof value === "string") return redact(value);
    if (Array.isArray(value)) return value.map(inside);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, inside(inner)]));
  }

  // plain data keeps its shape: strings stay strings
  return { register, redact, redactAll: <T>(value: T) => (secrets.size === 0 ? value : (inside(value) as T)) };
}

function formsOf(secret: string): readonly string[] {
  return [
    secret,
    encodeURIComponent(secret),
    JSON.stringify(secret).slice(1, -1),
    Buffer.from(secret).toString("base64").replace(/=+$/, ""),
  ];
}
