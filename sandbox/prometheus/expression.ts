import type { Millis } from "../../src/lib/duration.ts";
import type { Matcher } from "./storage.ts";

/** Where in time a selector looks. `at` in ms, instead of the moment of the evaluation. */
export type When = { readonly offset: Millis; readonly at?: number };

export type Operator =
  | "+"
  | "-"
  | "*"
  | "/"
  | "%"
  | "^"
  | "atan2"
  | "=="
  | "!="
  | ">"
  | "<"
  | ">="
  | "<="
  | "and"
  | "or"
  | "unless";

/** How the two sides of an operation find each other. Without `on`, `labels` are the ignored ones. */
export type Matching = {
  readonly on: boolean;
  readonly labels: readonly string[];
  /** The side with several series for one of the other side. */
  readonly many?: "left" | "right";
  /** Labels that the many side takes from the one side. */
  readonly include: readonly string[];
};

export type Expression =
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "string"; readonly text: string }
  | { readonly kind: "selector"; readonly matchers: readonly Matcher[]; readonly when: When }
  | { readonly kind: "range"; readonly matchers: readonly Matcher[]; readonly range: Millis; readonly when: When }
  | {
      readonly kind: "subquery";
      readonly of: Expression;
      readonly range: Millis;
      readonly step?: Millis;
      readonly when: When;
    }
  | { readonly kind: "call"; readonly name: string; readonly args: readonly Expression[] }
  | {
      readonly kind: "aggregate";
      readonly op: string;
      readonly args: readonly Expression[];
      readonly grouping: { readonly by: boolean; readonly labels: readonly string[] };
    }
  | {
      readonly kind: "binary";
      readonly op: Operator;
      readonly left: Expression;
      readonly right: Expression;
      readonly bool: boolean;
      readonly matching?: Matching;
    }
  | { readonly kind: "negate"; readonly of: Expression };

export const comparisons: ReadonlySet<string> = new Set(["==", "!=", ">", "<", ">=", "<="]);
export const setOperators: ReadonlySet<string> = new Set(["and", "or", "unless"]);
