/** What a container does. Its image's tag says so, because an image is all that a release changes. */
export type Behaviour = {
  /** The tag up to its first dash. */
  readonly version: string;
  /** Percent of requests that are answered with 500, evenly spread. */
  readonly errors: number;
  /** Milliseconds that each answer takes. */
  readonly slow: number;
  /** Seconds until it is ready; Infinity for never. */
  readonly start: number;
  readonly image: "good" | "missing" | "misconfigured";
  /** Milliseconds until it ends with code 1; every later run ends at once. Undefined: it runs for ever. */
  readonly dies?: number;
  /** It says it is ready, yet nobody listens on its ports. */
  readonly refuses: boolean;
};

/** Reads `shop:v2-err20-slow300`: any of `-errN -slowN -startN -notready -crash -dieN -pullfail -configerr -refuse`, in any order. */
export function behaviourOf(image: string): Behaviour {
  const tag = /:([^:/@]+)(@.*)?$/.exec(image)?.[1] ?? "latest";
  const [version = tag, ...words] = tag.split("-");
  const number = (name: string): number | undefined => {
    const digits = words
      .map((word) => new RegExp(`^${name}(\\d+)$`).exec(word)?.[1])
      .find((match) => match !== undefined);
    return digits === undefined ? undefined : Number(digits);
  };
  const crash = words.includes("crash") ? 300 : undefined;
  const seconds = number("die");
  const dies = crash ?? (seconds === undefined ? undefined : seconds * 1_000);
  return {
    version,
    errors: number("err") ?? 0,
    slow: number("slow") ?? 0,
    start: words.includes("notready") || crash !== undefined ? Number.POSITIVE_INFINITY : (number("start") ?? 0),
    image: words.includes("pullfail") ? "missing" : words.includes("configerr") ? "misconfigured" : "good",
    ...(dies === undefined ? {} : { dies }),
    refuses: words.includes("refuse"),
  };
}
