import { data, Evaluator, Lexer, Parser } from "@actions/expressions";

/** What the status functions of an `if:` answer with. */
export type Status = { readonly failed: boolean; readonly cancelled: boolean };

/** Plain JSON values by the names of their contexts: `github`, `inputs`, `steps`, … */
export type Contexts = Readonly<Record<string, unknown>>;

/** The value of `${{ text }}`, by GitHub's own evaluator. */
function evaluate(text: string, contexts: Contexts, status: Status): data.ExpressionData {
  const functions = statusFunctions(status);
  const expression = new Parser(new Lexer(text).lex().tokens, Object.keys(contexts), [...functions.values()]).parse();
  const dictionary = new data.Dictionary(
    ...Object.entries(contexts).map(([key, value]) => ({ key, value: toData(value) })),
  );
  return new Evaluator(expression, dictionary, functions).evaluate();
}

/** Text with every `${{ }}` in it filled. */
export const fill = (text: string, contexts: Contexts): string =>
  text.replace(/\$\{\{(.*?)\}\}/gs, (_, expression: string) =>
    evaluate(expression, contexts, { failed: false, cancelled: false }).coerceString(),
  );

/** Whether a step runs. A condition that asks for no status means `success() && (…)`, and none at all means `success()`. */
export function holds(condition: string | undefined, contexts: Contexts, status: Status): boolean {
  const given = (condition ?? "success()").replace(/^\s*\$\{\{(.*)\}\}\s*$/s, "$1");
  const asked = /\b(success|failure|always|cancelled)\s*\(/i.test(given) ? given : `success() && (${given})`;
  const value = evaluate(asked, contexts, status);
  return !["", "false", "0"].includes(value.coerceString());
}

function statusFunctions({
  failed,
  cancelled,
}: Status): Map<string, { name: string; minArgs: number; maxArgs: number; call: () => data.ExpressionData }> {
  const answers = { success: !failed && !cancelled, failure: failed && !cancelled, cancelled, always: true };
  return new Map(
    Object.entries(answers).map(([name, answer]) => [
      name,
      { name, minArgs: 0, maxArgs: 0, call: () => new data.BooleanData(answer) },
    ]),
  );
}

const toData = (value: unknown): data.ExpressionData =>
  JSON.parse(JSON.stringify(value ?? null), data.reviver) as data.ExpressionData;
