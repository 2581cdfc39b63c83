import { type Host, readHost, sameHost } from "../istio/host.ts";
import { formatDuration } from "../lib/duration.ts";
import { count } from "../lib/numbers.ts";
import { fewestRuns } from "../rehearsal/rehearse-kinds.ts";
import type { QueryGate } from "../release/gate.ts";
import { appliesManifests, type Command } from "./commands.ts";
import { at, type Path, type Problem } from "./issue.ts";
import type { Manifest } from "./manifests.ts";
import { canaryDeployment, metricSourceOf, planOf, rehearsedInterval, stageDeadline } from "./normalise.ts";
import type { ConfigFile } from "./schema.ts";
import type { WrittenStage } from "./short-stages.ts";
import type { WrittenGate } from "./written-gate.ts";

export type Section = keyof ConfigFile;

/** A configuration in which every key is what it should be by itself. */
export type Draft = { readonly command: Command; readonly file: ConfigFile; readonly manifests: readonly Manifest[] };

/**
 * What keys must be to each other. A rule tells all its problems, and is left out when a section that it reads is
 * broken already.
 */
type ConfigRule = {
  readonly name: string;
  readonly reads: readonly Section[];
  readonly problems: (draft: Draft) => Iterable<Problem>;
};

const needed = (path: string, input: string, what: string): Problem => ({
  path: path.split("."),
  problem: `expected ${what}, in the file or as --${input}`,
  missing: true,
});

const rules: readonly ConfigRule[] = [
  {
    name: "the service is named",
    reads: ["namespace", "service"],
    *problems({ file: { namespace, service } }) {
      if (namespace === undefined) yield needed("namespace", "namespace", "the namespace of the service");
      if (service === undefined) yield needed("service", "service", "the service that is released");
    },
  },
  {
    name: "both versions are named",
    reads: ["stable", "canary"],
    *problems({ file, manifests }) {
      if (file.stable.deployment === undefined)
        yield needed("stable.deployment", "stable-deployment", "the Deployment that serves now");
      if (canaryDeployment(file, manifests) === undefined)
        yield needed("canary.deployment", "canary-deployment", "the Deployment of the version on trial");
    },
  },
  {
    name: "the versions differ",
    reads: ["namespace", "service", "stable", "canary"],
    *problems({ file, manifests }) {
      const stable = file.stable.deployment;
      const canary = canaryDeployment(file, manifests);
      if (stable === undefined || canary === undefined) return;
      if (stable === canary)
        yield {
          path: ["canary", "deployment"],
          problem: "expected another Deployment than stable's",
          found: { value: canary },
        };
      yield* destinationProblems(file);
    },
  },
  {
    name: "a clone gets a new image",
    reads: ["canary", "image"],
    *problems({ file: { canary, image } }) {
      if (canary.from === "clone" && image === undefined) yield needed("image", "image", "the image of the clone");
    },
  },
  {
    name: "labels are for clones",
    reads: ["canary"],
    *problems({ file: { canary } }) {
      if (canary.labels !== undefined && canary.from !== "clone")
        yield {
          path: ["canary", "labels"],
          problem: "labels are set on a clone's pods only; set canary.from to clone, or take them away",
        };
    },
  },
  {
    name: "manifests have the canary's Deployment",
    reads: ["namespace", "stable", "canary"],
    problems: ({ command, file, manifests }) =>
      manifests.length > 0 && appliesManifests(command) ? manifestProblems(file, manifests) : [],
  },
  {
    name: "there are stages",
    reads: ["stages"],
    *problems({ file: { stages = [] } }) {
      if (stages.length === 0)
        yield needed("stages", "stages", "weights and how long each lasts, such as 10:2m, 50:5m, 100");
    },
  },
  {
    name: "weights ascend",
    reads: ["stages"],
    *problems({ file: { stages = [] } }) {
      for (const [index, { weight }] of stages.entries()) {
        const before = stages[index - 1]?.weight ?? 0;
        // What comes before weights may have several stages.
        if (weight < before || (weight === before && weight > 0))
          yield {
            path: ["stages", index, "weight"],
            problem: `expected more than the ${before}% of the stage before`,
            found: { value: weight },
          };
      }
    },
  },
  {
    name: "a stage without a weight lets somebody in",
    reads: ["stages", "testers"],
    *problems({ file: { stages = [], testers } }) {
      for (const [index, { weight, mirror }] of stages.entries()) {
        if (weight === 0 && testers === undefined && mirror === undefined)
          yield {
            path: ["stages", index, "weight"],
            problem: "expected a weight from 1 on, or mirror, or testers, who get the canary without one",
          };
        if (weight > 0 && mirror !== undefined)
          yield {
            path: ["stages", index, "mirror"],
            problem: "expected a stage of weight 0: a canary with a share of the requests would do some of them twice",
            found: { value: mirror },
          };
      }
    },
  },
  {
    name: "a drill is for testers, and for a gate",
    reads: ["stages", "testers", "gates"],
    *problems({ file: { stages = [], testers, gates: all } }) {
      for (const [index, { drill, gates: own }] of stages.entries()) {
        if (drill === undefined) continue;
        const path = ["stages", index, "drill"];
        const gates = own ?? all;
        if (testers === undefined) yield { path, problem: "expected testers, whose requests alone have the fault" };
        if (gates !== undefined && gates.length === 0)
          yield {
            path: own ? path : ["gates"],
            problem: "expected a gate that must hold during a drill; nothing would come of it",
          };
      }
    },
  },
  {
    name: "whoever is kept on a version is known by a cookie alone",
    reads: ["affinity", "testers"],
    *problems({ file: { affinity, testers = [] } }) {
      if (affinity && testers.some(({ callers }) => callers))
        yield {
          path: ["affinity"],
          problem:
            "expected no testers.callers beside it: pods that call keep no cookies, and what they pass on are their users'",
        };
    },
  },
  {
    name: "testers can be told",
    reads: ["testers"],
    *problems({ file: { testers = [] } }) {
      for (const [index, one] of testers.entries()) {
        const path = ["testers", index];
        const cookies = Object.keys(one.cookies ?? {});
        const ofCookies = Object.keys(one.headers ?? {}).some((name) => name.toLowerCase() === "cookie");
        if (Object.keys(one).length === 0)
          yield { path, problem: "expected headers, cookies, query, method or callers; everybody is no tester" };
        if (cookies.length > 1 || (cookies.length > 0 && ofCookies))
          yield { path: [...path, "cookies"], problem: "expected one cookie: all of them are one header" };
      }
    },
  },
  {
    name: "a stage proves something",
    reads: ["stages"],
    *problems({ file: { stages = [] } }) {
      for (const [index, { weight, wait, gates = [], approval }] of stages.entries())
        if (weight !== 100 && wait === undefined && approval !== true && gates.length === 0)
          yield {
            path: ["stages", index],
            problem: `expected a time, such as ${weight}:5m, or gates or an approval of its own; ${weight}% alone proves nothing`,
          };
    },
  },
  {
    name: "deadlines leave room for the waits",
    reads: ["stages", "deadlines"],
    *problems({ file: { stages = [], deadlines } }) {
      let waits = 0;
      for (const [index, stage] of stages.entries()) {
        const { wait = 0 } = stage;
        const deadline = stageDeadline(stage);
        if (deadline < wait) yield tooShort(["stages", index, "deadline"], deadline, wait, "the stage's wait");
        waits += wait;
      }
      if (deadlines.release < waits)
        yield tooShort(["deadlines", "release"], deadlines.release, waits, "all waits together");
    },
  },
  {
    name: "gates have limits",
    reads: ["gates", "stages"],
    *problems({ file }) {
      for (const { path, gate } of everyGate(file)) yield* limitProblems(path, gate);
    },
  },
  {
    name: "gates of one stage have different names",
    reads: ["gates", "stages"],
    *problems({ file }) {
      for (const { path, gates } of gateLists(file)) {
        const names = gates.map(nameOf);
        for (const [index, name] of names.entries()) {
          const first = names.indexOf(name);
          if (first !== index)
            yield {
              path: [...path, index],
              problem: `expected a name of its own: gate ${first + 1} is called that, too`,
              found: { value: name },
            };
        }
      }
    },
  },
  {
    name: "gates of one name ask one thing",
    reads: ["gates", "stages"],
    *problems({ file }) {
      const asked = new Map<string, { readonly recipe: string; readonly list: string }>();
      for (const { path, gate } of everyGate(file)) {
        if (gate === "auto" || !("recipe" in gate)) continue;
        const here = { recipe: JSON.stringify(gate.recipe), list: path.slice(0, -2).join() };
        const first = asked.get(gate.name) ?? here;
        asked.set(gate.name, first);
        if (first.recipe !== here.recipe && first.list !== here.list)
          yield {
            path: [...path, "name"],
            problem: "expected a name of its own: a gate of another stage is called that, too, and asks something else",
            found: { value: gate.name },
          };
      }
    },
  },
  {
    name: "evidence can be judged",
    reads: ["evidence"],
    *problems({ file: { evidence } }) {
      for (const { key, fits, problem } of ranges) {
        const value = evidence[key];
        if (value !== undefined && !fits(value)) yield { path: ["evidence", key], problem, found: { value } };
      }
    },
  },
  {
    name: "gates that count requests have a Prometheus",
    reads: ["gates", "stages", "metrics"],
    *problems({ command, file }) {
      if (file.metrics.prometheus !== undefined || command === "rehearse") return;
      const isCounted = metricSourceOf(file.metrics) !== undefined;
      for (const { path, gate } of everyGate(file)) {
        if (gate !== "auto" && (needsNobody.includes(gate.kind) || (isCounted && gate.kind !== "query"))) continue;
        const which = gate === "auto" ? "the gate auto" : `a gate of the kind ${gate.kind}`;
        yield { path, problem: `${which} needs Prometheus; set metrics.prometheus, or the input prometheus` };
      }
    },
  },
  {
    name: "a release is judged, unless somebody says that it is not",
    reads: ["gates", "stages", "metrics", "evidence", "promotion", "deadlines", "canary"],
    *problems({ file }) {
      const judgedStages = planOf(file).stages.filter(({ weight, wait }) => weight < 100 || wait > 0);
      const isJudged = judgedStages.some(({ gates, approval }) => gates.length > 0 || approval);
      if (judgedStages.length > 0 && !isJudged && file.metrics.source !== "none")
        yield {
          path: file.gates === undefined ? ["stages"] : ["gates"],
          problem:
            "no stage has a gate, so that nothing would be judged; leave gates out (auto judges errors, response times and restarts), or say that it is meant: metrics.source: none",
        };
    },
  },
  {
    name: "a source that is named is there",
    reads: ["metrics"],
    *problems({ file: { metrics } }) {
      if (metrics.source === "prometheus" && metrics.prometheus === undefined)
        yield needed("metrics.prometheus", "prometheus", "the URL of Prometheus, which metrics.source names");
    },
  },
  {
    name: "the API server passes no other login on",
    reads: ["metrics"],
    *problems({ file: { metrics } }) {
      const login = Object.keys(metrics.headers).find((name) => name.toLowerCase() === "authorization");
      if (login !== undefined && metrics.prometheus?.startsWith("service:"))
        yield {
          path: ["metrics", "headers"],
          problem: `the header ${login} does not reach a Prometheus at service://…: there the API server takes it for the job's own login; leave it out, or give Prometheus's own address`,
        };
    },
  },
  {
    name: "a rehearsal has requests",
    reads: ["metrics", "rehearse"],
    *problems({ command, file: { metrics, rehearse } }) {
      if (command !== "rehearse" || metrics.prometheus !== undefined) return;
      const instead = "or a Prometheus to ask (metrics.prometheus)";
      if (rehearse.rate === undefined)
        yield needed("rehearse.rate", "rehearse-rate", `the service's requests per second, ${instead}`);
      if (rehearse.errors === undefined)
        yield needed("rehearse.errors", "rehearse-errors", `the share of them that fails, ${instead}`);
    },
  },
  {
    name: "a rehearsal ends",
    reads: ["stages", "metrics", "rehearse"],
    *problems({ command, file: { stages = [], metrics, rehearse } }) {
      if (command !== "rehearse") return;
      const polls = Math.ceil(
        stages.reduce((sum, { wait = 0 }) => sum + wait, 0) / rehearsedInterval({ metrics, stages }),
      );
      const { runs = fewestRuns } = rehearse;
      if (polls * runs <= mostRehearsedPolls) return;
      const atMost = Math.floor(mostRehearsedPolls / polls);
      if (atMost >= fewestRuns)
        yield {
          path: ["rehearse", "runs"],
          problem: `expected at most ${count(atMost)} releases of a plan with ${count(polls)} polls`,
          found: { value: runs },
        };
      else
        yield {
          path: ["metrics", "interval"],
          problem: `expected a longer interval: a plan with ${count(polls)} polls takes too long to be rehearsed`,
        };
    },
  },
  {
    name: "verify has something to ask",
    reads: ["metrics", "verify"],
    *problems({ command, file: { metrics, verify } }) {
      if (command === "verify" && metricSourceOf(metrics) === undefined && verify.url === undefined)
        yield needed("verify.url", "verify-url", "a URL to send requests to, or another metrics.source than none");
      if (verify.versionFrom?.header !== undefined && verify.versionFrom.json !== undefined)
        yield { path: ["verify", "versionFrom"], problem: "expected header or json, not both" };
    },
  },
];

/** Gates that no requests are counted for. */
const needsNobody: readonly Exclude<WrittenGate, "auto">["kind"][] = ["restarts", "json", "run"];

/** Of each kind of canary: some minutes. */
const mostRehearsedPolls = 20_000_000;

const aChance = {
  fits: (value: number) => value > 0 && value < 0.5,
  problem: "expected a percentage above 0 and below 50%",
};
const aPart = {
  fits: (value: number) => value > 0 && value < 0.75,
  problem: "expected a percentage above 0 and below 75%",
};

/** Where the tests of evidence mean something. */
const ranges = [
  { key: "alpha", ...aChance },
  { key: "beta", ...aChance },
  { key: "objective", ...aPart },
  { key: "budget", ...aPart },
  { key: "safeRatio", fits: (value: number) => value > 1, problem: "expected a factor above 1" },
  { key: "latencyMargin", fits: (value: number) => value >= 1, problem: "expected a factor of at least 1" },
  { key: "dispersion", fits: (value: number) => value >= 1, problem: "expected a factor of at least 1" },
] as const;

/** Everything that the rules find, apart from sections that are broken already. */
export const breaches = (draft: Draft, broken: ReadonlySet<PropertyKey>): readonly Problem[] =>
  rules
    .filter(({ reads }) => !reads.some((section) => broken.has(section)))
    .flatMap(({ problems }) => [...problems(draft)]);

function* destinationProblems({ namespace, service, stable, canary }: ConfigFile): Iterable<Problem> {
  const hostOf = ({ host = service }: { readonly host?: string | undefined }): Host =>
    readHost(host ?? "", namespace ?? "");
  if (!sameHost(hostOf(stable), hostOf(canary))) return;
  if (stable.subset === undefined && canary.subset === undefined)
    yield {
      path: ["canary"],
      problem: "expected another destination than stable's: give both a subset, or the canary a host of its own",
    };
  else if (stable.subset === canary.subset)
    yield {
      path: ["canary", "subset"],
      problem: "expected another subset than stable's on the same host",
      found: { value: canary.subset },
    };
  else if (stable.subset === undefined) yield withoutSubset("stable");
  else if (canary.subset === undefined) yield withoutSubset("canary");
}

const withoutSubset = (version: "stable" | "canary"): Problem => ({
  path: [version, "subset"],
  problem: `expected a subset: both versions have the same host, and without one ${version}'s share goes to the pods of both`,
});

function* manifestProblems(file: ConfigFile, manifests: readonly Manifest[]): Iterable<Problem> {
  for (const manifest of manifests) yield* notToBeApplied(file, manifest);
  for (const { place, object } of manifests) {
    const namespace = at(object, ["metadata", "namespace"]);
    if (namespace !== undefined && namespace !== file.namespace)
      yield {
        path: ["canary", "from", "manifests"],
        place: `${place}.metadata.namespace`,
        problem: `expected ${file.namespace ?? "none"}, the namespace of the service`,
        found: { value: namespace },
      };
  }
  const canary = canaryDeployment(file, manifests);
  const deployments = manifests
    .filter(({ object }) => object.kind === "Deployment")
    .map(({ object }) => at(object, ["metadata", "name"]));
  if (canary !== undefined && !deployments.includes(canary))
    yield {
      path: ["canary", "deployment"],
      problem: `expected a Deployment of the manifests (found: ${deployments.join(", ") || "none"})`,
      found: { value: canary },
    };
}

function* notToBeApplied({ stable, canary: { from } }: ConfigFile, { place, object }: Manifest): Iterable<Problem> {
  const path = ["canary", "from", "manifests"];
  if (object.kind === "Secret" && typeof from === "object" && !from.allowSecrets)
    yield {
      path,
      place,
      problem:
        "a Secret is not taken: a release keeps its manifests in its journal, a ConfigMap, in clear; apply it beforehand, or set canary.from.allowSecrets",
    };
  if (object.kind === "Deployment" && at(object, ["metadata", "name"]) === stable.deployment)
    yield {
      path,
      place,
      problem: `Deployment ${stable.deployment} is stable's, which a release does not touch before its end; take it out of the manifests`,
    };
}

const tooShort = (path: Path, deadline: number, wait: number, what: string): Problem => ({
  path,
  problem: `expected at least ${formatDuration(wait)}, ${what}, and not ${formatDuration(deadline)}`,
});

function* limitProblems(path: Path, gate: WrittenGate): Iterable<Problem> {
  if (gate === "auto") return;
  switch (gate.kind) {
    case "errors":
      if (gate.atMost === undefined && gate.aboveStable === undefined)
        yield { path, problem: "expected a limit: atMost, aboveStable or both" };
      break;
    case "latency":
      if (gate.atMost === undefined && gate.timesStable === undefined)
        yield { path, problem: "expected a limit: atMost, timesStable or both" };
      break;
    case "query":
    case "json":
      if (gate.atMost === undefined && gate.atLeast === undefined)
        yield { path, problem: "expected a limit: atMost, atLeast or both" };
      yield* crossedLimits(path, gate);
      break;
    case "run":
      yield* crossedLimits(path, gate);
      break;
    case "restarts":
    case "evidence":
      break;
  }
}

function* crossedLimits(path: Path, { atLeast, atMost }: Pick<QueryGate, "atLeast" | "atMost">): Iterable<Problem> {
  if ((atLeast ?? -Infinity) > (atMost ?? Infinity))
    yield {
      path: [...path, "atLeast"],
      problem: `expected no more than atMost, which is ${atMost}`,
      found: { value: atLeast },
    };
}

const gateLists = ({
  gates,
  stages = [],
}: ConfigFile): readonly { readonly path: Path; readonly gates: readonly WrittenGate[] }[] => [
  { path: ["gates"], gates: gates ?? [] },
  ...stages.map(({ gates = [] }: WrittenStage, index) => ({ path: ["stages", index, "gates"], gates })),
];

/** Every gate with its place in the file: `gates[0].errors`, and `gates[1]` for a query. */
const everyGate = (file: ConfigFile): readonly { readonly path: Path; readonly gate: WrittenGate }[] =>
  gateLists(file).flatMap(({ path, gates }) =>
    gates.map((gate, index) => ({ path: [...path, index, ...keyOf(gate)], gate })),
  );

const keyOf = (gate: WrittenGate): Path => (gate === "auto" || gate.kind === "query" ? [] : [gate.kind]);

/** `auto` stands for the gate that is called evidence in reports. */
const nameOf = (gate: WrittenGate): string => (gate === "auto" ? "evidence" : gate.name);
