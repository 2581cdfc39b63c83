import { firstLabel } from "./host.ts";
import { type Entry, isRaw } from "./rule.ts";

/** How people find an object: "VirtualService shop/reviews". */
export const virtualServiceWord = ({
  namespace,
  name,
}: {
  readonly namespace: string;
  readonly name: string;
}): string => `VirtualService ${namespace}/${name}`;

/** `route "primary"`, or `route #0` by its place, as a configuration names it. */
export const routeWord = ({ name, index }: { readonly name?: string | undefined; readonly index: number }): string =>
  name === undefined ? `route #${index}` : `route "${name}"`;

/** Host, subset and port as they stand there: `reviews subset v1 port 9080`. */
export const destinationWord = ({ host, subset, port }: Pick<Entry, "host" | "subset" | "port">): string =>
  [
    host || "a destination without a host",
    ...(subset === undefined ? [] : [`subset ${subset}`]),
    ...(port === undefined ? [] : [`port ${port}`]),
  ].join(" ");

/** How a rule divides requests: `v1 90, v2 10`, or `v1 alone`. */
export function splitWord(entries: readonly Entry[]): string {
  const [only, ...more] = entries;
  if (!only) return "no destination";
  if (more.length === 0) return `${labelOf(only, entries)} alone`;
  return entries
    .map(
      (entry) =>
        `${labelOf(entry, entries)} ${entry.weight === undefined ? "without a weight" : JSON.stringify(entry.weight)}`,
    )
    .join(", ");
}

/** The shortest name that tells a destination from the others of its rule. */
function labelOf(entry: Entry, among: readonly Entry[]): string {
  const names: readonly ((of: Entry) => string)[] = [
    ({ subset, host }) => subset ?? firstLabel(host),
    ({ subset, host }) => (subset === undefined ? host : `${host}/${subset}`),
    destinationWord,
  ];
  const telling =
    names.find((name) => among.filter((other) => name(other) === name(entry)).length === 1) ?? destinationWord;
  return telling(entry);
}

/** The first few of many, and how many more. */
export function someOf(words: readonly string[], separator = "; ", most = 5): string {
  const more = words.length - most;
  return more > 0 ? `${words.slice(0, most).join(separator)}${separator}and ${more} more` : words.join(separator);
}

/** The VirtualService that a rule hands its requests to; its namespace is the root's unless it says otherwise. */
export function delegateWord(delegate: unknown, namespace: string): string {
  const { name, namespace: own } = isRaw(delegate) ? delegate : {};
  return virtualServiceWord({ namespace: typeof own === "string" && own !== "" ? own : namespace, name: String(name) });
}

/** `part` is from 0 to 1. */
export const percentWord = (part: number): string => `${Number((part * 100).toFixed(1))} %`;
