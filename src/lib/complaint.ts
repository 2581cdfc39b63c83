import type * as z from "zod/mini";

/**
 * What is wrong with a text from outside that a schema refused, by the first place where it is: "state.phase: expected
 * preparing, shifting or baking". Of a text that is no JSON at all, or no object, the place is the text itself.
 */
export function complaintOf({ issues: [issue] }: z.core.$ZodError, whole: string): string {
  const place = issue?.path.join(".") || whole;
  return `${place}: ${expectation(issue)}`;
}

function expectation(issue: z.core.$ZodIssue | undefined): string {
  switch (issue?.code) {
    case "invalid_type":
      return `expected ${article(issue.expected)}`;
    case "invalid_value":
      return `expected ${issue.values.map(String).join(" or ")}`;
    case "too_small":
      return `expected at least ${issue.minimum}`;
    case "too_big":
      return `expected at most ${issue.maximum}`;
    default:
      return "not what is expected there";
  }
}

const article = (type: string): string => `${/^[aeiou]/.test(type) ? "an" : "a"} ${type}`;
