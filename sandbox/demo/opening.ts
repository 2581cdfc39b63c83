import { bar } from "../../src/words/observed-split.ts";
import { dim, padEnd } from "./screen.ts";

const course: readonly (readonly [moment: string, weight: number, what: string])[] = [
  ["before", 0, "v1 serves everybody"],
  ["stage 1, 4s", 20, "both are compared, second by second"],
  ["stage 2, 4s", 50, "the same; a bad one is out at once"],
  ["at the end", 100, "a good one serves everybody"],
];

/** The stages of both releases, for the action. */
export const stages = "20:4s, 50:4s, 100";

/** What is going to happen, as a picture of how the requests divide. */
export const opening = (): string =>
  course
    .map(([moment, weight, what]) => {
      const split = `old ${bar(100 - weight, 20)} new ${`${weight}%`.padStart(4)}`;
      return `  ${padEnd(moment, 11)}  ${split}   ${dim(what)}`;
    })
    .join("\n");
