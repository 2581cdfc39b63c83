import type { VerifyConfig } from "../config/config.ts";
import { placeOf } from "../lib/credentials.ts";
import type { Target } from "../release/target.ts";
import type { CountedSplit } from "../words/split-count-text.ts";
import { send } from "../world/send.ts";
import type { Network } from "../world/world.ts";

/** Sends requests one after the other, as somebody with curl would, and reads the version from each answer. */
export async function requestSplit(
  config: VerifyConfig & { readonly url: string },
  target: Target,
  network: Network,
): Promise<CountedSplit | { readonly because: string }> {
  const counts = { stable: 0, canary: 0, neither: 0 };
  let failure: unknown;
  for (let sent = 0; sent < config.requests; sent++) {
    const named = await ask(config, network).catch((error: unknown) => {
      failure = error;
      return "";
    });
    counts[versionIn(named, target)]++;
  }
  if (counts.stable + counts.canary > 0)
    return { ...counts, from: `${config.requests} requests to ${placeOf(config.url)}` };
  let why = `no answer names ${target.stable.deployment} or ${target.canary.deployment}; set verify.versionFrom to a header or a JSON field that tells the version`;
  if (failure instanceof Error) why = failure.message;
  return { because: `${config.requests} requests were sent to ${placeOf(config.url)}: ${why}` };
}

async function ask(
  { url, headers, versionFrom }: VerifyConfig & { readonly url: string },
  network: Network,
): Promise<string> {
  const request = { method: "GET", url: new URL(url), headers, ownConnection: true } as const;
  const { text: body, ...answer } = await send(network, request, 10_000);
  if (versionFrom?.header !== undefined) return String(answer.headers[versionFrom.header.toLowerCase()] ?? "");
  if (versionFrom?.json !== undefined) return fieldOf(body, versionFrom.json);
  return body;
}

/** `a.b.c` in a JSON body; "" when it is not there. */
function fieldOf(body: string, path: string): string {
  try {
    const value = path
      .split(".")
      .reduce<unknown>((at, key) => (at as Readonly<Record<string, unknown>> | undefined)?.[key], JSON.parse(body));
    return typeof value === "string" || typeof value === "number" ? String(value) : "";
  } catch {
    return "";
  }
}

/** Longer names first: `reviews-v1-canary` contains `reviews-v1`. A pod's name begins with its Deployment's. */
function versionIn(answer: string, { stable, canary }: Target): keyof Omit<CountedSplit, "from"> {
  const names = [
    { version: "stable", marks: [stable.deployment, stable.subset] },
    { version: "canary", marks: [canary.deployment, canary.subset] },
  ] as const;
  const found = names
    .flatMap(({ version, marks }) => marks.filter((mark) => mark !== undefined).map((mark) => ({ version, mark })))
    .sort((a, b) => b.mark.length - a.mark.length)
    .find(({ mark }) => answer === mark || answer.includes(mark));
  return found?.version ?? "neither";
}
