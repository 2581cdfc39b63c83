import { type FillText, fillBy, type Reference, type Variables } from "./environment.ts";

/** The names that may be filled in manifests, with their values; null is the environment's. */
export type WrittenVariables = Readonly<Record<string, string | null>>;

/** What was filled in, and what was met and left as it is. */
export type Filling = {
  readonly filled: readonly {
    readonly name: string;
    readonly from: "environment" | "configuration";
    /** `k8s/v2.yaml[1].spec.template.spec.containers[0].image` */
    readonly places: readonly string[];
  }[];
  readonly left: readonly string[];
};

/**
 * A manifest may hold a script, whose `${HOME}` is none of ours: only what somebody named is filled, and the rest stays
 * to the letter.
 */
export const fromListed = (variables: WrittenVariables, env: Variables): FillText =>
  fillBy((name) => {
    const written = Object.hasOwn(variables, name) ? variables[name] : undefined;
    if (written === undefined) return undefined;
    return written === null ? { from: "environment", value: env[name] } : { from: "configuration", value: written };
  });

/** @param references by the place of what they were met in */
export function fillingOf(references: readonly (Omit<Reference, "path"> & { readonly place: string })[]): Filling {
  const filled = Map.groupBy(references, ({ name, from }) => JSON.stringify([name, from]));
  const left = references.filter(({ from }) => from === undefined).map(({ name }) => name);
  return {
    filled: [...filled.values()].flatMap((of) => {
      const [{ name, from } = { name: "", from: undefined }] = of;
      return from === undefined ? [] : [{ name, from, places: [...new Set(of.map(({ place }) => place))] }];
    }),
    left: [...new Set(left)].sort(),
  };
}
