import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { load } from "js-yaml";
import { actionFile } from "../../scripts/generate/action.ts";
import { outputNames } from "../../src/adapters/actions/outputs.ts";
import { actionInputs as inputs } from "../../src/config/inputs.ts";

const text = readFileSync(join(import.meta.dirname, "../../action.yml"), "utf8");
const action = load(text) as {
  readonly inputs: Readonly<Record<string, { readonly required: boolean; readonly default: string }>>;
  readonly outputs: Readonly<Record<string, { readonly value: string }>>;
  readonly runs: { readonly steps: readonly { readonly id: string; readonly run: string; readonly if?: string }[] };
};

test("action.yml has at most twenty inputs, those of the table, and none has to be given", () => {
  assert.ok(inputs.length <= 20);
  for (const input of Object.values(action.inputs)) assert.equal(input.required, false);
  assert.deepEqual(
    Object.keys(action.inputs),
    inputs.map(({ name }) => name),
  );
});

test("an input has a default in action.yml only where it may win over the configuration file", () => {
  assert.deepEqual(
    Object.entries(action.inputs).map(([name, input]) => [name, input.default]),
    inputs.map(({ name, actionDefault = "" }) => [name, actionDefault]),
  );
});

test("action.yml has the outputs that the program writes, the second step's word being the last", () => {
  const last = (name: string): string => `steps.settle.outputs.${name} || steps.canary.outputs.${name}`;
  const unlessAmiss = (name: string): string => `steps.canary.outputs.${name} == 'false' && 'false' || ${last(name)}`;
  assert.deepEqual(
    Object.entries(action.outputs).map(([name, { value }]) => [name, value]),
    Object.keys(outputNames).map((name) => {
      const word = name === "settled" ? unlessAmiss(name) : last(name);
      return [name, `\${{ ${word} }}`];
    }),
  );
});

test("no expression is a part of a script, where its value would be executed", () => {
  for (const { id, run } of action.runs.steps) assert.doesNotMatch(run, /\$\{\{/, id);
});

test("the step that releases can be cancelled, and the one that settles runs all the same", () => {
  const [canary, settle] = action.runs.steps;
  assert.equal(canary?.if, undefined, "a condition with always() would make it deaf");
  assert.match(settle?.if ?? "", /^always\(\) && /);
});

test("action.yml is what the generator makes", () => {
  assert.equal(text, actionFile());
});
