import { Agent, request } from "undici";
import type { VerifyConfig } from "../config/config.ts";
import type { Target } from "../release/target.ts";
import type { Observed } from "./verify.ts";

/** Sends requests one after the other, as somebody with curl would, and reads the version from each answer. */
export async function requestSplit(config: VerifyConfig & { readonly url: string }, target: Target): Promise<Observed | { readonly because: string }> {
  const agent = new Agent({ pipelining: 0, connect: { timeout: 5_000 } });
  const counts = { stable: 0, canary: 0, neither: 0 };
  let failure: unknown;
  try {
    for (let sent = 0; sent < config.requests; sent++) {
      const named = await ask(config, agent).catch((error: unknown) => {
        failure = error;
        return "";
      });
      counts[versionIn(named, target)]++;
    }
  } finally {
    await agent.close();
  }
  if (counts.stable + counts.canary > 0) return { ...counts, from: `${config.requests} requests to ${config.url}` };
  const why = failure instanceof Error ? failure.message : `no answer names ${target.stable.deployment} or ${target.canary.deployment}; set verify.versionFrom to a header or a JSON field that tells the version`;
  return { because: `${config.requests} requests were sent to ${config.url}: ${why}` };
}

async function ask({ url, headers, versionFrom }: VerifyConfig & { readonly url: string }, dispatcher: Agent): Promise<string> {
  const answer = await request(url, { dispatcher, headers, headersTimeout: 10_000, bodyTimeout: 10_000 });
  const body = await answer.body.text();
  if (versionFrom?.header !== undefined) return String(answer.headers[versionFrom.header.toLowerCase()] ?? "");
  if (versionFrom?.json !== undefined) return fieldOf(body, versionFrom.json);
  return body;
}

/** `a.b.c` in a JSON body; "" when it is not there. */
function fieldOf(body: string, path: string): string {
  try {
    const value = path.split(".").reduce<unknown>((at, key) => (at as Readonly<Record<string, unknown>> | undefined)?.[key], JSON.parse(body));
    return typeof value === "string" || typeof value === "number" ? String(value) : "";
  } catch {
    return "";
  }
}

/** Longer names first: `reviews-v1-canary` contains `reviews-v1`. A pod's name begins with its Deployment's. */
function versionIn(answer: string, { stable, canary }: Target): keyof Omit<Observed, "from"> {
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
