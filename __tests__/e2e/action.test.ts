import assert from "node:assert/strict";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { dump } from "js-yaml";
import { type GitHubSandbox, startGitHub } from "../../sandbox/github/github.ts";
import { openApiServer } from "./support/api-server.ts";
import { apply } from "./support/apply.ts";
import { bedFromEnvironment, testFolder } from "./support/bed.ts";
import { changed } from "./support/changed.ts";
import { envoyWeights } from "./support/envoy.ts";
import { fixedOutputs } from "./support/fixed-outputs.ts";
import { journalOf } from "./support/journal.ts";
import { newNamespace, rolledOut } from "./support/namespace.ts";
import { processesWith } from "./support/processes.ts";
import { figures } from "./support/scene.ts";
import { twoVersions } from "./support/shop.ts";
import { snapshot, withoutOurs } from "./support/snapshot.ts";
import { underTraffic } from "./support/under-traffic.ts";
import { waitFor } from "./support/wait-for.ts";
import { runWorkflow } from "./support/workflow.ts";

// The composite action in a workflow of a pull request, run by act, with GitHub's API from the sandbox.

const bed = bedFromEnvironment();
const api = openApiServer(bed.kubeconfig);
const namespace = "action";
const host = "action.example.com";
const sha = "3d3c42e5aac5ba805825da76410c181273ba90b1";

/** A repository with this action in it, and a workflow that uses it and then looks at its outputs. */
const repository = testFolder(bed, "repository");
const seenByLaterStep = join(repository, "..", "outputs.json");

const config = {
  ...{
    namespace,
    service: "shop",
    stable: { deployment: "shop-v1", subset: "v1" },
    canary: { deployment: "shop-v2", subset: "v2" },
  },
  ...{
    stages: "20:3s, 50:3s",
    gates: [{ errors: { atMost: "5%", minRequests: 20 } }],
    metrics: { prometheus: bed.prometheus, interval: "1s" },
  },
  promotion: { model: "swap", drain: "1s" },
  reporting: { environment: "bed" },
};

const workflow = {
  on: "pull_request",
  jobs: {
    release: {
      "runs-on": "ubuntu-latest",
      steps: [
        { uses: "actions/checkout@v7" },
        { id: "canary", uses: "./", with: { config: "canary.yaml", image: "registry.test/shop:$" + "{{ env.TAG }}" } },
        {
          name: "A later step",
          if: "always()",
          env: { OUTPUTS: "$" + "{{ toJSON(steps.canary.outputs) }}", OUTCOME: "$" + "{{ steps.canary.outcome }}" },
          run: 'printf \'{"outcome":"%s","outputs":%s}\' "$OUTCOME" "$OUTPUTS" >"$SEEN"',
        },
      ],
    },
  },
};

function makeRepository(): void {
  rmSync(repository, { recursive: true, force: true });
  mkdirSync(join(repository, ".github/workflows"), { recursive: true });
  for (const name of ["action.yml", "launch.sh", "dist"]) cpSync(name, join(repository, name), { recursive: true });
  writeFileSync(join(repository, "canary.yaml"), dump(config));
  writeFileSync(join(repository, ".github/workflows/release.yml"), dump(workflow));
}

describe("the action in a workflow", () => {
  let github: GitHubSandbox;
  let remove: () => Promise<void>;
  before(async () => {
    makeRepository();
    github = await startGitHub({ pulls: [{ number: 7, state: "open", commits: [sha] }] });
    remove = await newNamespace(api, namespace);
    await apply(api, twoVersions({ host, v1: 100, v2: 0, canary: "shop:v1" }), namespace);
    await rolledOut(api, namespace, "shop-v1", "shop-v2");
    await waitFor(async () => (await envoyWeights(bed, host)).v1 === 100, "the route in Envoy", 30_000);
  });
  after(async () => {
    await remove?.();
    await github?.close();
    await api.close();
  });

  /** What came of a run by act, and what the step after the action saw of it. */
  type Ran = {
    readonly code: number;
    readonly log: string;
    readonly outcome: string;
    readonly outputs: Readonly<Record<string, string>>;
  };

  async function run(tag: string): Promise<Ran> {
    rmSync(seenByLaterStep, { force: true });
    const { code, stdout, stderr } = await runWorkflow(bed, {
      ...{
        folder: repository,
        workflow: "release.yml",
        event: "pull_request",
        payload: { pull_request: { number: 7, head: { sha } } },
      },
      secrets: { GITHUB_TOKEN: "ghs_token" },
      environment: {
        ...{ TAG: tag, SEEN: seenByLaterStep, KUBECONFIG: bed.kubeconfig },
        ...{ GITHUB_API_URL: github.url, GITHUB_REPOSITORY: "acme/shop" },
      },
    });
    const later = JSON.parse(readFileSync(seenByLaterStep, "utf8")) as Pick<Ran, "outcome" | "outputs">;
    return { code, log: stdout + stderr, ...later };
  }

  /** The same for every run: the pull request has one comment of ours, and GitHub had nothing to object to. */
  function theComment(outputs: Ran["outputs"]): string {
    const [comment, ...more] = github.comments(7);
    assert.deepEqual([comment?.author, more, github.violations], ["github-actions[bot]", [], []]);
    assert.equal(outputs["comment-url"], comment?.url);
    return comment?.body ?? "";
  }

  const ofPlans = { duration: "", errors: "", findings: "" };
  const all = { ...ofPlans, report: "canary-report.json", settled: "true" };
  const back = {
    ...all,
    outcome: "rolled-back",
    phase: "rolled-back",
    stage: "1",
    weight: "0",
  };

  test("a bad release is rolled back: the job is red, a later step sees why, and the pull request is told", async (t) => {
    const was = await snapshot(api, namespace);
    const { result, counts, weights } = await underTraffic({ bed, api, namespace, host }, () => run("v2-err20"));
    t.diagnostic(figures(counts));
    assert.equal(result.code, 1, result.log);
    assert.equal(result.outcome, "failure");
    const { because = "", logs } = result.outputs;
    assert.equal(logs, "canary-logs");
    const rest = fixedOutputs(result.outputs, "comment-url", "observed-split", "because");
    assert.match(because, /^errors: \d+ of \d+ canary requests failed \([\d.]+%\), limit ≤ 5%$/);
    assert.deepEqual(rest, back);
    assert.deepEqual(weights, [{ v1: 100 }, { v1: 80, v2: 20 }, { v1: 100 }]);
    assert.deepEqual(withoutOurs(await snapshot(api, namespace), "shop"), was);

    const body = theComment(result.outputs);
    assert.match(
      body,
      /^### ❌ action\/shop \S+ → v2-err20 rolled back at 20% \(stage 1 of 2\), all users are on \S+ again: errors [\d.]+%, limit ≤ 5%$/m,
    );
    assert.match(body, /^All requests go to <code>shop-v1<\/code> again, since /m);
    assert.ok(body.includes(`**Why:** ${because}`), body);
    assert.match(body, /^\| ❌ \| 1\s·\s20% \| \*\*[\d.]+%\*\* \| [\d.]+% \| \d+ \|/m);
    assert.match(body, /^\* ❌ stage 1, errors: [\d.]+%, limit ≤ 5%$/m);
    assert.match(result.log, /Summary - ### ❌ action\/shop \S+ → v2-err20 rolled back/);
  });

  test("a first step that is killed leaves the job red, and the second one gives the traffic back", async () => {
    const was = withoutOurs(await snapshot(api, namespace), "shop");
    const running = run("v2");
    await waitFor(
      async () => (await journalOf(api, namespace, "shop"))?.state.phase === "baking",
      "a stage",
      30_000,
      50,
    );
    for (const pid of processesWith(`SEEN=${seenByLaterStep}`)) process.kill(pid, "SIGKILL");
    const { code, log, outcome, outputs } = await running;
    assert.equal(code, 1, log);
    assert.equal(outcome, "failure");
    const rest = fixedOutputs(outputs, "comment-url", "observed-split");
    assert.deepEqual(rest, { ...back, because: "the job was cancelled, or ended before the release did" });
    assert.deepEqual(await envoyWeights(bed, host), { v1: 100 });
    assert.deepEqual(withoutOurs(await snapshot(api, namespace), "shop"), was);
    assert.match(theComment(outputs), /^### ❌ action\/shop .*rolled back/m);
  });

  test("a good release is green, loses no request, and its comment is the same one with the earlier results in it", async (t) => {
    const was = withoutOurs(await snapshot(api, namespace), "shop");
    const { result, counts, weights } = await underTraffic({ bed, api, namespace, host }, () => run("v2"));
    t.diagnostic(figures(counts));
    assert.equal(result.code, 0, result.log);
    assert.equal(result.outcome, "success");
    const rest = fixedOutputs(result.outputs, "comment-url", "observed-split");
    assert.deepEqual(rest, {
      ...{
        ...all,
        outcome: "succeeded",
        phase: "succeeded",
        stage: "2",
        weight: "100",
      },
      because: "every stage passed: the canary is the new stable",
    });
    assert.equal(counts.bad, 0, counts.badSamples.join("\n"));
    assert.deepEqual(weights, [{ v1: 100 }, { v1: 80, v2: 20 }, { v1: 50, v2: 50 }, { v2: 100 }]);
    assert.deepEqual(
      withoutOurs(await snapshot(api, namespace), "shop"),
      changed(
        was,
        ["VirtualService/shop", "spec.http.0.route.0.weight", 0],
        ["VirtualService/shop", "spec.http.0.route.1.weight", 100],
        ["Deployment/shop-v1", "spec.replicas", 0],
        ["Deployment/shop-v2", "spec.template.spec.containers.0.image", "registry.test/shop:v2"],
      ),
    );

    const body = theComment(result.outputs);
    assert.match(body, /^### ✅ action\/shop \S+ → v2 released in .*$/m);
    const earlier = body.slice(body.indexOf("<summary>Earlier releases</summary>"));
    assert.deepEqual(earlier.match(/shop:v[\w-]+/g), ["shop:v2", "shop:v2-err20"]);
  });
});
