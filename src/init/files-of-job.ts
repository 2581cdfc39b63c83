import { chooseContainer, readDeployment } from "../kubernetes/deployment.ts";
import type { KubernetesObject } from "../kubernetes/object.ts";
import type { Labels } from "../kubernetes/selector.ts";
import { type InitGround, inOwnNamespace } from "./ground.ts";
import type { ProposedFile } from "./proposal.ts";
import templates from "./templates.json" with { type: "json" };

/** What the configuration of the first release says. */
export type Chosen = {
  readonly stable: { readonly deployment: string; readonly subset?: string; readonly host?: string };
  readonly canary: {
    readonly deployment: string;
    readonly subset?: string;
    readonly host?: string;
    readonly labels?: Labels | undefined;
  };
  readonly routes: readonly KubernetesObject[];
  readonly from: "existing" | "clone" | "manifests";
  readonly made?: KubernetesObject | undefined;
  /** The image that runs, as stable's Deployment has it. */
  readonly image: string | undefined;
  readonly ambient: boolean;
};

/** Whether a file is one of what this program proposes to be applied. */
export const isProposed = (path: string): boolean => /(^|\/)istio-canary\/[^/]+\.yaml$/.test(path);

/** Where a repository has them, unless it says otherwise. */
export const configurationPath = ".github/canary.yaml";
const workflowPath = ".github/workflows/release.yml";
const manifestPath = "istio-canary/manifests/canary.yaml";

/** What a job of the repository needs: an account, the configuration, and the workflow. */
export function filesOfJob(ground: InitGround, chosen: Chosen): readonly ProposedFile[] {
  const { service, namespace } = ground;
  const made: ProposedFile[] = [];
  if (chosen.made)
    made.push({
      path: manifestPath,
      whys: [{ kind: "canary-deployment", stable: chosen.stable.deployment, label: chosen.canary.deployment }],
      use: "repository",
      objects: [chosen.made],
    });
  const workflow = templates.workflow
    .replaceAll("reviews", service)
    .replaceAll("examples/clone.yaml", configurationPath);
  return [
    ...made,
    {
      path: "istio-canary/account.yaml",
      whys: [{ kind: "access" }],
      use: "apply",
      objects: [],
      text: `${loginSteps(namespace)}${templates.access
        .split(/^---\n/m)
        .map((one) => accessOf(namespace, one))
        .join("---\n")}`,
    },
    {
      path: configurationPath,
      whys: [{ kind: "configuration" }],
      use: "repository",
      objects: [configurationOf(ground, chosen)],
    },
    { path: workflowPath, whys: [{ kind: "workflow" }], use: "repository", objects: [], text: workflow },
  ];
}

/** What is bound outside of the namespace has its name, so that one account's binding takes nothing from another's. */
function accessOf(namespace: string, document: string): string {
  const isShared =
    /^kind: (Cluster)?RoleBinding$/m.test(document) && !/^metadata:\n.*\n {2}namespace: shop$/m.test(document);
  const named = isShared ? document.replace(/^( {2}name: istio-canary\S*)$/m, `$1-${namespace}`) : document;
  return named.replaceAll(/^(\s*namespace:) shop$/gm, `$1 ${namespace}`);
}

/** As comments; the first step applies the account, which is said beside it. */
const loginSteps = (namespace: string): string =>
  templates.login
    .trimEnd()
    .split("\n")
    .slice(1)
    .map((line) => `#   ${line.replaceAll("--namespace shop", `--namespace ${namespace}`)}\n`)
    .join("");

/** The least that can be said. What is undefined is not written. */
function configurationOf(ground: InitGround, { stable, canary, routes, from, image, ambient }: Chosen): object {
  const { namespace, service } = ground;
  const { deployment, labels, ...destination } = canary;
  const isNamed = from === "existing" || deployment !== `${stable.deployment}-canary`;
  const source = { existing: {}, clone: { from: "clone" }, manifests: { from: { manifests: [manifestPath] } } }[from];
  const named = isNamed ? deployment : undefined;
  return {
    namespace,
    service,
    stable,
    canary: { deployment: named, ...source, ...destination, labels },
    promotion: from === "existing" ? undefined : "update",
    image: image === undefined ? undefined : imageOfCommit(image),
    routes: routesIn(ground, routes),
    stages: "10:5m, 50:5m, 100",
    metrics: ambient ? { prometheus: "service://istio-system/prometheus:9090" } : undefined,
  };
}

/** Undefined where no configuration can name it. */
export function imageOf(ground: InitGround, name: string): string | undefined {
  const found = inOwnNamespace(ground, "Deployment").find(({ metadata }) => metadata.name === name);
  if (!found) return undefined;
  const deployment = readDeployment(found);
  const choice = chooseContainer(deployment);
  const image = "problem" in choice ? deployment.containers[0]?.image : choice.image;
  return image && isPlain.test(image) ? image : undefined;
}

/** A reference as registries know it: of anything else, such as `${NAME}`, the configuration would make something. */
const isPlain = /^[a-z0-9][\w.-]*(:\d+)?(\/[\w.-]+)*(:[\w.-]+)?(@[a-z0-9]+:[a-f0-9]+)?$/i;

/** Its repository, with the commit that a workflow releases. */
const imageOfCommit = (image: string): string => `${image.replace(/@.*$/, "").replace(/:[^/:]*$/, "")}:\${GITHUB_SHA}`;

/** The VirtualService with the service's name is found by itself. */
function routesIn({ namespace, service }: InitGround, routes: readonly KubernetesObject[]): unknown {
  const [first, ...more] = routes;
  const isUsual = first?.kind === "VirtualService" && first.metadata.name === service;
  if (more.length === 0 && isUsual && first.metadata.namespace === namespace) return undefined;
  return routes.map(({ kind, metadata }) => {
    const name = metadata.namespace === namespace ? metadata.name : `${metadata.namespace}/${metadata.name}`;
    return { [keyOf(kind)]: name };
  });
}

const keyOf = (kind: string): string => kind.replace(/^(HTTP|GRPC|TLS|TCP|V)/, (start) => start.toLowerCase());
