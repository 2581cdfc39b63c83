import type { Destination, WeightedDestination } from "../../istio/destination.ts";
import type { NamespacedName } from "../../istio/host.ts";
import type { RouteRule } from "../../istio/route-rule.ts";
import { routeWord } from "../../release/route-kind.ts";
import type { RuleBefore } from "./before.ts";
import type { RouteShape } from "./route-shape.ts";

/** How people find an object: "VirtualService shop/reviews". */
export const objectWord = ({ kind }: Pick<RouteShape, "kind">, { namespace, name }: NamespacedName): string =>
  routeWord({ kind, namespace, name });

/** `route "primary"`, or `route #0` by its place, as a configuration names it; `tls route #0` in another section. */
export function ruleWord(
  { words: { rule }, sections }: RouteShape,
  { name, section, index }: Pick<RuleBefore, "name" | "section" | "index">,
): string {
  if (name !== undefined) return `${rule} "${name}"`;
  const [first] = Object.keys(sections);
  if (section === first) return `${rule} #${index}`;
  return `${section} ${rule} #${index}`;
}

/** `spec.http[1].route[0]` of a rule whose JSON Pointer is `/spec/http/1`, and of what is below. */
export const fieldPath = ({ path }: Pick<RouteRule, "path">, below = ""): string =>
  path
    .slice(1)
    .replace(/\/(\d+)/g, "[$1]")
    .replaceAll("/", ".") + below;

/** Host, subset and port as they stand there: `reviews subset v1 port 9080`. */
export function destinationWord({ host, subset, port }: Destination): string {
  const words = [host.text || "a destination without a host"];
  if (subset !== undefined) words.push(`subset ${subset}`);
  if (port !== undefined) words.push(`port ${port}`);
  return words.join(" ");
}

/** How a rule divides requests: `v1 90, v2 10`, or `v1 alone`. */
export function splitWord(destinations: readonly WeightedDestination[]): string {
  const [only, ...more] = destinations;
  if (!only) return "no destination";
  if (more.length === 0 && only.counts > 0) return `${labelOf(only, destinations)} alone`;
  return destinations.map((one) => `${labelOf(one, destinations)} ${weightWord(one)}`).join(", ");
}

const weightWord = ({ weight }: WeightedDestination): string =>
  weight === undefined ? "without a weight" : JSON.stringify(weight);

const shortName = ({ host }: Destination): string => host.text.split(".")[0] ?? host.text;

const labels: readonly ((of: Destination) => string)[] = [
  (one) => one.subset ?? shortName(one),
  ({ subset, host }) => (subset === undefined ? host.text : `${host.text}/${subset}`),
  destinationWord,
];

/** The shortest name that tells a destination from the others of its rule. */
function labelOf(destination: Destination, among: readonly Destination[]): string {
  const isTelling = (label: (of: Destination) => string): boolean =>
    among.filter((other) => label(other) === label(destination)).length === 1;
  return (labels.find(isTelling) ?? destinationWord)(destination);
}
