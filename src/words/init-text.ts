import type { FileReason, InitNote, ProposedFile, Unready } from "../init/proposal.ts";
import { withNext } from "../lib/errors.ts";
import { inLines } from "../lib/lines.ts";
import { plural } from "../lib/numbers.ts";
import { someOf } from "../lib/some-of.ts";
import { shellWord } from "./shell-word.ts";

type Said<T extends { readonly kind: string }, Words = string> = {
  readonly [K in T["kind"]]: (one: Extract<T, { kind: K }>) => Words;
};

const said = <T extends { readonly kind: string }, Words>(table: Said<T, Words>, one: T): Words =>
  (table[one.kind as T["kind"]] as (one: T) => Words)(one);

const and = (words: readonly string[]): string => words.join(" and ");

/** Why a file is there: it stands at its top, too. */
const reasons: Said<FileReason> = {
  subsets: ({ host, names, isNew }) =>
    `${isNew ? "Tells" : "Now tells"} the versions of ${host} apart by the labels of their pods: ${plural(names.length, "subset")} ${and(names)}.`,
  route: ({ stable, canary }) =>
    `Sends every request to ${stable} and none to ${canary}, before there are pods of a second version; a release moves these weights.`,
  "unpinned-route": ({ word, rules, to }) =>
    `${word} sends by ${plural(rules.length, "rule")} ${and(rules)} to every pod of the Service, the canary's too; now to ${to} alone. All else is as it was.`,
  "route-host": ({ word, host }) => `${word} is for ${host}, too, by the Gateway.`,
  gateway: ({ host, secret, namespace }) =>
    `Takes requests for ${host} by TLS, with the certificate of Secret ${namespace}/${secret}, which you have to make; plain ones are sent there by a redirect.`,
  redirect: ({ host }) => `Sends plain requests for ${host} to https.`,
  backends: ({ service, names }) =>
    `Routes of the Gateway API know no subsets: ${and(names)} ${plural(names.length, "has", "have")} the pods of one version of ${service} each.`,
  ports: ({ service, ports }) =>
    `${service}: ${plural(ports.length, "port")} ${and(ports.map(String))} did not say the protocol, and routes apply only to what is known to be HTTP. If it is gRPC, write grpc instead of http.`,
  waypoint: ({ service, isNew }) =>
    isNew
      ? "In an ambient mesh weights are read by a waypoint; this is one for the namespace's Services."
      : `${service} uses the waypoint from now on.`,
  "pod-label": ({ deployment, label }) =>
    `The pods of ${deployment} have no label that tells them from the canary's: this adds ${label} to the pod template, by which they start anew. It cannot be added to the selector, which nobody can change, and need not be.`,
  "canary-deployment": ({ stable, label }) =>
    `The selector of ${stable} has no label that tells versions apart, and cannot get one, so that a copy's pods would be its own: this is ${label}, a Deployment for the canary alone. Keep it like ${stable}; a release gives it the image.`,
  access: () =>
    "The account of the job: a ServiceAccount, its Roles, and why it needs each; at its top, how the job gets its login. What is optional says so, and may be taken out.",
  configuration: () => "What is released, and how: every key is in docs/configuration.md.",
  workflow: () =>
    "Shows in a pull request what its release would do; a push to main does it. OWNER is where you keep the action; the build of the image comes before it.",
};

const notes: Said<InitNote> = {
  versions: ({ stable, canary, made }) =>
    made
      ? `Deployment ${stable} serves; a release puts ${canary} beside it, and takes it away at the end.`
      : `Deployment ${stable} is stable, ${canary} the canary; after a release they have exchanged their roles.`,
  "both-serve": ({ stable, canary, others }) =>
    `${and([canary, ...others])} ${plural(others.length + 1, "has", "have")} pods behind the Service, too: from when the route is applied ${stable} alone has requests. If another one should, take --stable-deployment.`,
  "others-serve": ({ words }) =>
    `${someOf(words, ", ")} ${plural(words.length, "has", "have")} pods behind the Service, too, which no release moves.`,
  releasable: ({ words }) =>
    `${someOf(words, ", ")} can be released as ${plural(words.length, "it is", "they are")}: nothing to write.`,
  "several-places": ({ word, files }) =>
    `${word} stands in ${someOf(files, ", ")}: it is the first that was looked at.`,
  "no-image": ({ deployment }) =>
    `The image of Deployment ${deployment} is no plain reference: the configuration names none, so give it by --image, or as image there.`,
  "no-proxies": () =>
    "Nothing says that the pods get Istio's proxies: label the namespace istio-injection=enabled and restart them, or nobody follows weights.",
};

export const fileReason = ({ whys }: ProposedFile): string => whys.map((why) => said(reasons, why)).join(" ");

export type RefusedInit = { readonly message: string; readonly next: string };

/** Why nothing was written, and what to do. */
export function unreadyInWords(unready: Unready, service: string, where: string): RefusedInit {
  const known = (names: readonly string[]): string => someOf(names, ", ", 10) || "none";
  const table: Said<Unready, readonly [message: string, next: string]> = {
    "no-service": ({ services }) => [
      `There is no Service ${service} ${where} (Services: ${known(services)}).`,
      "Correct --service or --namespace, or make the Service and its Deployment first.",
    ],
    "no-selector": () => [
      `Service ${service} ${where} has no selector, so that nobody knows its pods.`,
      "Name a Service that selects the pods of a Deployment.",
    ],
    "no-deployment": ({ others, selector }) => [
      `No Deployment ${where} has pods that Service ${service} selects (${selector})${others.length > 0 ? `; ${known(others)} has` : ""}.`,
      others.length > 0
        ? "Only Deployments can be released: make it one."
        : "Correct the selector, or make the Deployment first.",
    ],
    "unknown-deployment": ({ name, known: all }) => [
      `Deployment ${name} is not behind Service ${service} ${where} (Deployments: ${known(all)}).`,
      "Correct --stable-deployment, or stable.deployment in the file.",
    ],
    "routed-elsewhere": ({ word, hosts }) => [
      `${word} is for ${service} and sends its requests to ${known(hosts)}, which has no pods of a Deployment behind ${service}.`,
      "Name the service that has them: --service.",
    ],
    "other-family": ({ words }) => [
      `${known(words)} ${plural(words.length, "routes", "route")} the requests of ${service}, and Istio supports no second kind of route beside it.`,
      "Leave --route out, or take the host out of the other first.",
    ],
    "no-gateway-api": () => [
      `Routes of the Gateway API are not served ${where}.`,
      "Install its custom resources, or leave --route out.",
    ],
  };
  const [message, next] = said(table, unready);
  return { message, next };
}

/** What became of one proposed file. */
export type WrittenFile = ProposedFile & {
  readonly became: "written" | "same" | "other";
  /** How the one that is there differs. */
  readonly difference: readonly string[];
};

export type InitAnswer = {
  readonly where: string;
  readonly files: readonly WrittenFile[];
  readonly notes: readonly InitNote[];
  readonly left: readonly { readonly level: string; readonly what: string; readonly next?: string | undefined }[];
  readonly namespace: string;
  readonly image: string;
  readonly folder: string;
};

const mostShown = 30;

/** What was found, which files were written and why, and what to do next. */
export function initText(answer: InitAnswer): string {
  const { where, files, notes: found, left } = answer;
  const lines = [`Looked ${where}. Nothing was applied.`, ""];
  for (const note of found) lines.push(`· ${said(notes, note)}`);
  const written = files.filter(({ became }) => became === "written");
  lines.push("", written.length > 0 ? "Written, to be reviewed:" : "Nothing was written: all of it is there.");
  for (const file of written) lines.push(`  ${file.path}`, `      ${fileReason(file)}${replacing(file)}`);
  lines.push(...alreadyThere(files));
  if (left.length > 0) lines.push("", "What a plan would say of it, once all of it is applied:");
  for (const { level, what, next } of left) lines.push(`${level === "refuse" ? "✗" : "!"} ${withNext(what, next)}`);
  lines.push("", "Next:", ...nextSteps(answer).map((step, at) => `  ${at + 1}. ${step}`));
  return inLines(lines);
}

const replacing = ({ replaces = [] }: WrittenFile): string =>
  replaces.length === 0 ? "" : ` It takes the place of the one in ${someOf(replaces, ", ")}.`;

function alreadyThere(files: readonly WrittenFile[]): readonly string[] {
  const same = files.filter(({ became }) => became === "same");
  const lines: string[] = [];
  if (same.length > 0) lines.push("", `There, as they would be written: ${same.map(({ path }) => path).join(", ")}.`);
  for (const { path, difference } of files.filter(({ became }) => became === "other")) {
    lines.push("", `${path} is there, and was left alone. It differs (- what it has, + what would be written):`);
    for (const line of difference.slice(0, mostShown)) lines.push(`    ${line}`);
    if (difference.length > mostShown) lines.push(`    … and ${difference.length - mostShown} more lines`);
  }
  return lines;
}

/**
 * Commands that work as they stand. What routes refer to is there before them, and pods have their label before anything
 * selects by it: https://istio.io/latest/docs/ops/best-practices/traffic-management/#avoid-503-errors-while-reconfiguring-service-routes
 */
function nextSteps({ files, namespace, image, folder }: InitAnswer): readonly string[] {
  const inFolder = (path: string): string => shellWord(folder === "." ? path : `${folder}/${path}`);
  const apply = (paths: readonly string[]): string =>
    `kubectl apply ${paths.map((path) => `--filename ${inFolder(path)}`).join(" ")}`;
  const pathsIn = (phase: keyof typeof phases): readonly string[] =>
    files.filter((file) => isIn(phases[phase], file)).map(({ path }) => path);
  const steps = files.flatMap(({ path, whys }) =>
    whys.flatMap((why) => {
      if (why.kind !== "pod-label") return [];
      const of = `deployment ${shellWord(why.deployment)} --namespace ${namespace}`;
      return `kubectl patch ${of} --patch-file ${inFolder(path)} && kubectl rollout status ${of}`;
    }),
  );
  const waypoints = pathsIn("waypoints");
  if (waypoints.length > 0)
    steps.push(
      `${apply(waypoints)} && kubectl wait --for condition=Programmed --namespace ${namespace} gateways.gateway.networking.k8s.io/waypoint`,
    );
  const referredTo = pathsIn("referredTo");
  const isOrdered = referredTo.length > 0 && pathsIn("routes").length > 0;
  const before = isOrdered ? `${apply(referredTo)} && sleep 5 && ` : "";
  return [
    ...steps,
    `${before}${apply(["istio-canary"])}`,
    `istio-canary plan --config ${inFolder(".github/canary.yaml")} --image ${shellWord(image)}`,
    `git add ${inFolder("istio-canary")} ${inFolder(".github")} && git commit --message "Prepare releases" && git push`,
  ];
}

/** By their reasons: what is waited for first, what routes refer to, and the routes. */
const phases = {
  waypoints: ["waypoint"],
  referredTo: ["subsets", "backends", "ports", "gateway"],
  routes: ["route", "unpinned-route", "route-host"],
} as const satisfies Readonly<Record<string, readonly FileReason["kind"][]>>;

const isIn = (phase: readonly FileReason["kind"][], { whys }: WrittenFile): boolean =>
  whys.some((why) => phase.includes(why.kind) && !(why.kind === "waypoint" && !why.isNew));
