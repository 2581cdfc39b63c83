import type { Release } from "./world.ts";

/** What became of a release under one tool. `at` counts polls: the release was rolled back after that many. */
export type Outcome =
  | { readonly end: "rolled back"; readonly at: number }
  | { readonly end: "passed" | "sound" | "undecided" | "held" };

export type Judge = (release: Release) => Outcome;
