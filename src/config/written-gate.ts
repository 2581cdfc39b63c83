import type { Gate, JsonGate, RunGate } from "../release/gate.ts";
import type { Recipe } from "../release/recipe.ts";

/** A gate whose question no plan has. */
type ToldGate =
  | (JsonGate & { readonly recipe: Extract<Recipe, { kind: "json" }> })
  | (RunGate & { readonly recipe: Extract<Recipe, { kind: "run" }> });

/** A gate as somebody wrote it. `auto` is what the release knows by itself: evidence and restarts. */
export type WrittenGate = Exclude<Gate, JsonGate | RunGate> | ToldGate | "auto";

export const noRestarts: Gate = { kind: "restarts", name: "restarts", atMost: 0 };

/** The gates that are meant. Somebody who names a gate on restarts has said how many there may be. */
export function gatesIn(written: readonly WrittenGate[]): readonly Gate[] {
  const saysRestarts = written.some((gate) => gate !== "auto" && gate.kind === "restarts");
  const auto: Gate[] = [{ kind: "evidence", name: "evidence" }];
  if (!saysRestarts) auto.push(noRestarts);
  return written.flatMap((gate) => (gate === "auto" ? auto : [withoutRecipe(gate)]));
}

function withoutRecipe(gate: Exclude<WrittenGate, "auto">): Gate {
  if (!("recipe" in gate)) return gate;
  const { recipe: _, ...kept } = gate;
  return kept;
}

/** What gates ask, by their names. */
export const recipesIn = (written: readonly WrittenGate[]): ReadonlyMap<string, Recipe> =>
  new Map(written.flatMap((gate) => (gate !== "auto" && "recipe" in gate ? [[gate.name, gate.recipe]] : [])));
