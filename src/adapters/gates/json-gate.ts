import { placeOf } from "../../lib/credentials.ts";
import { tell } from "../../lib/errors.ts";
import type { Redact } from "../../lib/redaction.ts";
import type { Inquiry, Respondent } from "../../ports/respondent.ts";
import type { JsonGate } from "../../release/gate.ts";
import type { Reading } from "../../release/observation.ts";
import { type Recipe, type UrlName, urlNames } from "../../release/recipe.ts";
import { requestJson } from "../../world/request-json.ts";
import type { Network } from "../../world/world.ts";
import { inBackground } from "./in-background.ts";

type Question = Extract<Recipe, { kind: "json" }>;

export type JsonGateOptions = {
  readonly network: Network;
  /** Takes secrets out of what was answered, before it is cut. */
  readonly redact: Redact;
  /** What this job was told of each gate. */
  readonly recipeOf: (name: string) => Recipe | undefined;
};

/** A number has few digits, and whatever is around it need not be read to its end. */
const mostBytes = 1_048_576;

/** So much that no secret of what is shown is cut, and it takes no time. */
const mostRedacted = 65_536;

/** Numbers that URLs answer as JSON. */
export const jsonGate = ({ network, redact, recipeOf }: JsonGateOptions): Respondent<JsonGate> =>
  inBackground("json", recipeOf, network.clock, (_gate, question, about) => {
    const over = new AbortController();
    const { at } = about;
    const reading = answerTo(question, about, { network, redact }, over.signal).then(
      (answer) => ({ at, ...answer }),
      (error: unknown) => ({ at, because: tell(error) }),
    );
    return { reading, stop: () => over.abort("over") };
  });

/** Nothing is followed: the headers are for the host that was written, and for no other one. */
async function answerTo(
  { url, path, headers, body, timeout }: Question,
  about: Inquiry,
  { network, redact }: Pick<JsonGateOptions, "network" | "redact">,
  signal: AbortSignal,
): Promise<Pick<Reading, "value" | "because">> {
  const address = filled(url, about);
  const method = body === undefined ? "GET" : "POST";
  const request = { method, url: address, headers: lowerCase(headers), body, timeout, mostBytes, retries: 0 } as const;
  const answer = await requestJson(network, { ...request, signal });
  const { status } = answer;
  if (status >= 300 && status < 400)
    return {
      because: `${placeOf(address)} answered ${status}: it redirects, and nothing is followed; set the gate's url to where it leads`,
    };
  if (status >= 400) return { because: `${placeOf(address)} answered ${status}` };
  return numberAt(answer.body, path, redact);
}

const lowerCase = (headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));

function filled(url: string, { target, since, at }: Inquiry): string {
  const values: Readonly<Record<UrlName, string | number>> = {
    namespace: target.namespace,
    service: target.service,
    stable: target.stable.deployment,
    canary: target.canary.deployment,
    from: since,
    to: at,
    fromSeconds: Math.floor(since / 1_000),
    toSeconds: Math.floor(at / 1_000),
  };
  return urlNames.reduce((text, name) => text.replaceAll(`{${name}}`, encodeURIComponent(values[name])), url);
}

/** Numbers are written as text, too: a JSON number loses digits. */
function numberAt(body: unknown, path: Question["path"], redact: Redact): Pick<Reading, "value" | "because"> {
  if (typeof body === "string") return { because: "the answer is no JSON" };
  const found = path.reduce(below, body);
  const value = typeof found === "string" && /^-?\d+(\.\d+)?(e[-+]?\d+)?$/i.test(found) ? Number(found) : found;
  if (typeof value === "number" && Number.isFinite(value)) return { value };
  return { because: `the answer has no number at ${path.join(".")}, but ${inWords(found, redact)}` };
}

function below(value: unknown, part: string | number): unknown {
  if (Array.isArray(value)) return typeof part === "number" ? value.at(part) : undefined;
  if (typeof value !== "object" || value === null) return undefined;
  return Object.hasOwn(value, part) ? (value as Readonly<Record<string, unknown>>)[part] : undefined;
}

function inWords(value: unknown, redact: Redact): string {
  if (value === undefined) return "nothing";
  if (typeof value === "number") return "a number that is too large";
  try {
    return redact(JSON.stringify(value).slice(0, mostRedacted)).slice(0, 100);
  } catch {
    return "lists or mappings within each other, too many to show"; // the stack has an end
  }
}
