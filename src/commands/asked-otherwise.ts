import { isDeepStrictEqual } from "node:util";
import { RefusedError } from "../lib/errors.ts";
import { askedLast } from "../release/asked-with.ts";
import { knownImage } from "../release/known-image.ts";
import { type Stage, stageAt } from "../release/plan.ts";
import type { ReleaseRecord } from "../release/release-record.ts";
import { nextCommand } from "../words/next-command.ts";
import { serviceInWords } from "../words/standing-text.ts";
import type { Session } from "./session.ts";

/**
 * A release that waits goes on as it began, whatever the configuration says by now: that is told. Refuses where somebody
 * names an image that is not the one that waits.
 */
export function unlessAskedOtherwise({ config, messages }: Session, record: ReleaseRecord): void {
  const { target, plan } = record;
  const waits = knownImage(record);
  const what = `${serviceInWords(target)}: the release that waits is of ${waits}`;
  const asked = askedLast(record.asked, config.asked);
  if (isOther(config.namedImage, waits))
    throw new RefusedError(`${what}, and not of ${config.namedImage}.`, {
      next: `Nothing was changed. To go on with it: ${nextCommand("promote", { target, asked })}. To end it: ${nextCommand("rollback", { target, asked })}. Then the other can be released.`,
    });
  if (!config.release) return;
  const { image } = config.release.target;
  if (isOther(image, waits))
    messages.warn(`${what}, which it goes on with; the configuration names ${image} by now, for the next release`);
  // Gates that nobody wrote follow from whether requests are counted, which this job need not have been told.
  const knowsGates = (config.metrics === undefined) === (record.metrics === undefined);
  const others = otherStages(plan.stages, config.release.plan.stages, knowsGates);
  if (others.length > 0)
    messages.warn(
      `${serviceInWords(target)}: the release goes on by the stages that it began with (${namesOf(plan.stages)}); those of the configuration have changed since, for the next release: ${others.join("; ")}`,
    );
}

const facets = {
  name: "name",
  weight: "weight",
  wait: "wait",
  deadline: "time at most",
  approval: "approval",
} as const;

/** What is not as it began, in words. */
function otherStages(begun: readonly Stage[], written: readonly Stage[], knowsGates: boolean): readonly string[] {
  if (!isDeepStrictEqual(begun.map(weightOf), written.map(weightOf))) return [`they are ${namesOf(written)}`];
  return begun.flatMap((stage, index) => {
    const changed = otherFacets(stage, stageAt({ stages: written }, index), knowsGates);
    return changed.length === 0 ? [] : [`stage ${index + 1} has another ${changed.join(", ")}`];
  });
}

function otherFacets(stage: Stage, other: Stage, knowsGates: boolean): readonly string[] {
  const changed: string[] = Object.entries(facets)
    .filter(([facet]) => stage[facet as keyof typeof facets] !== other[facet as keyof typeof facets])
    .map(([, word]) => word);
  if (knowsGates && !isDeepStrictEqual(asKept(stage.gates), asKept(other.gates))) changed.push("choice of gates");
  return changed;
}

/** The journal has no key without a value. */
const asKept = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

const weightOf = ({ weight }: Stage): number => weight;

/** Where it is not known which one waits, or none was named, nothing can be said. */
const isOther = (image: string | undefined, waits: string | undefined): boolean =>
  image !== undefined && waits !== undefined && image !== waits;

const namesOf = (stages: readonly Stage[]): string => stages.map(({ name }) => name).join(", ");
