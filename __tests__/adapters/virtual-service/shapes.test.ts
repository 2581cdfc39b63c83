import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import test from "node:test";
import { load } from "js-yaml";
import type { PatchOperation } from "../../../src/adapters/kubernetes/kubernetes-client.ts";
import { virtualServiceShape } from "../../../src/adapters/virtual-service/virtual-service-shape.ts";
import { ruleWord, splitWord } from "../../../src/adapters/weighted-rules/describe.ts";
import { selectRules } from "../../../src/adapters/weighted-rules/select-rules.ts";
import type { KubernetesObject } from "../../../src/kubernetes/object.ts";
import type { Aim } from "../../../src/release/aim.ts";
import { assertGolden } from "../../support/golden.ts";
import { beforeWith, type Given, patched, patchTo, targetOf, virtualService } from "./given.ts";

/** Shapes of VirtualServices on which other tools went wrong; R and W are where they were collected. */
const folder = join(import.meta.dirname, "../../golden/patches");

type Shape = Given & { readonly about: string; readonly weight?: number; readonly spec: unknown };

for (const file of globSync(join(folder, "*.yaml")).sort()) {
  const name = basename(file, ".yaml");
  const shape = load(readFileSync(file, "utf8")) as Shape;
  test(`${name}: ${shape.about}`, () => assertGolden(`patches/${name}.txt`, account(shape)));
}

/** What the router makes of a shape: why it refuses, or each patch and the routes after it. */
function account(shape: Shape): string {
  const target = targetOf(shape);
  const original = virtualService(shape.spec, shape);
  const [choice = assert.fail()] = target.routes;
  const { rules, problems } = selectRules(virtualServiceShape, original, choice, target);
  if (problems.length > 0)
    return lines([
      shape.about,
      ...problems.flatMap(({ what, next = "" }) => ["", `refused: ${what}`, `         ${next}`]),
    ]);

  const before = beforeWith(original, rules);
  const step = (
    from: KubernetesObject,
    aim: Aim,
  ): { readonly object: KubernetesObject; readonly words: readonly string[] } => {
    const patch = patchTo(from, before, target, aim);
    const object = patched(from, patch);
    return {
      object,
      words: [
        ...patch.map(operationWord),
        ...virtualServiceShape
          .rulesOf(object)
          .map((rule) => `  → ${ruleWord(virtualServiceShape, rule)}: ${splitWord(rule.destinations)}`),
      ],
    };
  };
  const weight = shape.weight ?? 20;
  const shifted = step(original, { to: "split", canary: weight });
  const back = step(shifted.object, { to: "before" });
  const swapped = step(step(shifted.object, { to: "split", canary: 100 }).object, { to: "swapped" });
  assert.equal(JSON.stringify(back.object), JSON.stringify(original), "the way back does not lead back");
  const chosen = ["", `moves ${rules.map((rule) => ruleWord(virtualServiceShape, rule)).join(", ")}`];
  return lines([
    shape.about,
    ...chosen,
    "",
    `write ${weight}%`,
    ...shifted.words,
    "",
    "then back",
    ...back.words,
    "",
    "or all of it and a swap",
    ...swapped.words,
  ]);
}

const lines = (words: readonly string[]): string => `${words.join("\n")}\n`;

const operationWord = (operation: PatchOperation): string =>
  `  ${[operation.op, operation.path, ...("value" in operation ? [JSON.stringify(operation.value)] : [])].join(" ")}`;
