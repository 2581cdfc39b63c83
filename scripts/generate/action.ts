import { dump } from "js-yaml";
import { outputNames } from "../../src/adapters/actions/outputs.ts";
import { commandsThat } from "../../src/config/commands.ts";
import { actionInputs, describeInput } from "../../src/config/inputs.ts";

/** action.yml: inputs and outputs from their tables, and the two steps. */
export const actionFile =
  (): string => `# Made by scripts/generate.ts: inputs from src/config/inputs.ts, outputs from src/adapters/actions/outputs.ts.
name: Istio Canary
description: Release a new version on Istio by moving the weights of your own VirtualService, with gates, and roll it back when it is not good.
branding:
  icon: git-branch
  color: blue
${yaml({ inputs: inputsPart() })}
${yaml({ outputs: outputsPart() })}
runs:
  using: composite
  steps:
    # The runner signals one process only. \`exec\` makes the program that process, so that a cancelled job gets its traffic back to stable.
    # Inputs come as one JSON text in the environment: nothing of a user's is ever part of a script.
    - id: canary
      name: Istio Canary
      shell: bash
      run: exec sh "$GITHUB_ACTION_PATH/launch.sh"
      env:
        ISTIO_CANARY_INPUTS: \${{ toJSON(inputs) }}
    # A composite action has no \`post\`. This step runs also when the job is cancelled, and ends what the first one had to leave half-way.
    - id: settle
      name: Leave nothing half-way
      if: ${settleWhen}
      shell: bash
      run: exec sh "$GITHUB_ACTION_PATH/launch.sh" settle
      env:
        ISTIO_CANARY_INPUTS: \${{ toJSON(inputs) }}
`;

/** What was refused has begun nothing, and commands that only read leave nothing behind; any other text is settled. */
const reading = JSON.stringify(commandsThat(({ changes }) => !changes)).replaceAll(",", ", ");
const settleWhen = `always() && steps.canary.outputs.settled != 'true' && steps.canary.outputs.refused != 'true' && !contains(fromJSON('${reading}'), inputs.command)`;

const inputsPart = (): unknown =>
  Object.fromEntries(
    actionInputs.map((input) => [
      input.name,
      { description: describeInput(input), required: false, default: input.actionDefault ?? "" },
    ]),
  );

const outputsPart = (): unknown =>
  Object.fromEntries(
    Object.entries(outputNames).map(([name, description]) => [
      name,
      { description, value: `\${{ ${lastWordOn(name)} }}` },
    ]),
  );

/** The second step's word is the last one, but what the first one saw amiss at its end is not made good by it. */
function lastWordOn(name: string): string {
  const last = `steps.settle.outputs.${name} || steps.canary.outputs.${name}`;
  return name === "settled" ? `steps.canary.outputs.settled == 'false' && 'false' || ${last}` : last;
}

const yaml = (value: unknown): string => dump(value, { lineWidth: -1 }).trimEnd();
