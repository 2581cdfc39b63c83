import type { Millis } from "../../lib/duration.ts";
import { tell } from "../../lib/errors.ts";
import type { Inquiry, Respondent } from "../../ports/respondent.ts";
import type { AskedGate } from "../../release/gate.ts";
import type { Reading } from "../../release/observation.ts";
import type { Recipe } from "../../release/recipe.ts";
import type { Clock } from "../../world/clock.ts";
import { within } from "../../world/within.ts";

/** An answer on its way. */
export type Trial = {
  /** Never rejects. */
  readonly reading: Promise<Reading>;
  readonly stop: () => void;
};

/** Begins to find the answer that a recipe of this kind gives. */
type Begin<Asked extends AskedGate, Kind extends Recipe["kind"]> = (
  gate: Asked,
  recipe: Extract<Recipe, { kind: Kind }>,
  about: Inquiry,
) => Trial;

/** What answers at once is told at once; nobody waits longer, since requests are counted meanwhile. */
const patience: Millis = 500;

/** A job that goes on with a release knows of its gates what the journal says, and that says neither addresses nor programs. */
const untold = "this job was not told what the gate asks; it needs the configuration that the release was begun with";

/** Asks once at a time for each gate, and tells the answer when it is there. */
export function inBackground<Asked extends AskedGate & { readonly kind: Recipe["kind"] }>(
  kind: Asked["kind"],
  recipeOf: (name: string) => Recipe | undefined,
  clock: Clock,
  begin: Begin<Asked, Asked["kind"]>,
): Respondent<Asked> {
  const trials = new Map<string, Trial & { answer?: Reading }>();

  function end(): void {
    for (const { stop } of trials.values()) stop();
    trials.clear();
  }

  /** Whatever cannot be begun is no data. */
  function begun(gate: Asked, recipe: Extract<Recipe, { kind: Asked["kind"] }>, about: Inquiry): Trial {
    try {
      return begin(gate, recipe, about);
    } catch (error) {
      return { reading: Promise.resolve({ at: about.at, because: tell(error) }), stop: () => {} };
    }
  }

  function start(gate: Asked, recipe: Extract<Recipe, { kind: Asked["kind"] }>, about: Inquiry): Promise<void> {
    const trial: Trial & { answer?: Reading } = begun(gate, recipe, about);
    trials.set(gate.name, trial);
    return trial.reading.then((reading) => {
      trial.answer = reading;
    });
  }

  return {
    async ask(gate, about, signal) {
      signal.throwIfAborted();
      const recipe = recipeOf(gate.name);
      if (recipe?.kind !== kind) return { at: about.at, because: untold };
      if (!trials.has(gate.name)) {
        signal.addEventListener("abort", end, { once: true });
        const answered = start(gate, recipe as Extract<Recipe, { kind: Asked["kind"] }>, about);
        await within(
          answered.finally(() => signal.removeEventListener("abort", end)),
          patience,
          clock,
        );
        signal.throwIfAborted();
      }
      const answer = trials.get(gate.name)?.answer;
      if (answer) trials.delete(gate.name);
      return answer;
    },
    end,
  };
}
