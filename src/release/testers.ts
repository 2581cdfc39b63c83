/** What a text of a request must be. */
export type TextMatch = { readonly exact: string } | { readonly prefix: string } | { readonly regex: string };

type Texts = Readonly<Record<string, TextMatch>>;

/** Requests that get the canary, whatever its weight: those for which everything here holds. */
export type Testers = {
  readonly headers?: Texts;
  readonly cookies?: Texts;
  readonly query?: Texts;
  readonly method?: string;
  /** Labels of the pods that call: those of another service's canary, say. */
  readonly callers?: Readonly<Record<string, string>>;
};

/** A request of theirs, as far as one can be written down: of a regular expression nobody knows a text that fits. */
export type TesterRequest = {
  readonly method?: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly query: readonly (readonly [name: string, value: string])[];
};

/** A request that one of these lets in, for a program that tests; undefined where none can be written down. */
export function requestOf(testers: readonly Testers[] = []): TesterRequest | undefined {
  const [first] = testers.flatMap((one) => requestBy(one) ?? []);
  return first;
}

function requestBy({ headers, cookies, query, method, callers }: Testers): TesterRequest | undefined {
  const [ofHeaders, ofCookies, ofQuery] = [headers, cookies, query].map(valuesOf);
  if (callers || !ofHeaders || !ofCookies || !ofQuery) return undefined;
  const cookie = ofCookies.map(([name, value]) => ["cookie", `${name}=${value}`] as const);
  return { ...(method === undefined ? {} : { method }), headers: [...ofHeaders, ...cookie], query: ofQuery };
}

function valuesOf(texts: Texts = {}): readonly (readonly [string, string])[] | undefined {
  const values = Object.entries(texts).flatMap(([name, match]) => {
    if ("exact" in match) return [[name, match.exact] as const];
    if ("prefix" in match) return [[name, match.prefix] as const];
    return [];
  });
  if (values.length === Object.keys(texts).length) return values;
  return undefined;
}
