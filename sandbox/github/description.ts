import { join } from "node:path";
import { OpenAPIBackend, type Request } from "openapi-backend";

export type Call = {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
};

export type Match = { readonly operation: string; readonly parameters: Readonly<Record<string, string>> };

type Fields = Readonly<Record<string, unknown>>;

/** What GitHub's own OpenAPI description says about requests and answers. */
export type Description = {
  match(call: Call): Match | undefined;
  /** What is wrong with a request, in words. */
  faultsOfRequest(call: Call, operation: string): readonly string[];
  /** What is wrong with an answer, in words. Nothing for a status that the description does not list: GitHub gives those, too. */
  faultsOfAnswer(operation: string, status: number, body: unknown): readonly string[];
  /** One object as the operation answers it, with every field, and `meaning` put over it. */
  shaped(operation: string, meaning: Fields): Fields;
};

let known: Promise<Description> | undefined;

/** Read once: its checks are compiled when they are first used, which takes longer than everything else here. */
export function readDescription(): Promise<Description> {
  known ??= read();
  return known;
}

async function read(): Promise<Description> {
  const api = new OpenAPIBackend({
    definition: join(import.meta.dirname, "openapi.json"),
    quick: true,
    coerceTypes: true,
    ajvOpts: { strict: false, allErrors: true },
    customizeAjv: (ajv) =>
      ajv
        .addFormat("uri", (text: string) => URL.canParse(text))
        .addFormat("date-time", (text: string) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(text)),
  });
  await api.init();

  const request = ({ method, path, query, headers, body }: Call): Request => ({
    method,
    path,
    query: { ...query },
    headers: { ...headers },
    body,
  });
  const described = (operation: string, status: number): boolean =>
    String(status) in (api.getOperation(operation)?.responses ?? {});

  return {
    match(call) {
      const operation = api.matchOperation(request(call));
      if (operation?.operationId === undefined) return undefined;
      const names = [...operation.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? "");
      const values =
        new RegExp(`^${operation.path.replaceAll(/\{\w+\}/g, "([^/]+)")}$`).exec(call.path)?.slice(1) ?? [];
      return {
        operation: operation.operationId,
        parameters: Object.fromEntries(names.map((name, index) => [name, decodeURIComponent(values[index] ?? "")])),
      };
    },
    faultsOfRequest: (call, operation) => inWords(api.validateRequest(request(call), operation).errors),
    faultsOfAnswer: (operation, status, body) =>
      described(operation, status) ? inWords(api.validateResponse(body, operation, status).errors) : [],
    shaped(operation, meaning) {
      const { mock } = api.mockResponseForOperation(operation) as { readonly mock: unknown };
      return over(Array.isArray(mock) ? mock[0] : mock, meaning);
    },
  };
}

const inWords = (
  errors: readonly { readonly instancePath: string; readonly message?: string }[] | null | undefined,
): readonly string[] =>
  (errors ?? []).map(({ instancePath, message }) => `${instancePath || "/"} ${message ?? "is not valid"}`);

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function over(base: unknown, meaning: Fields): Fields {
  const changed = Object.entries(meaning).map(
    ([key, value]) => [key, isFields(value) && isFields(base) ? over(base[key], value) : value] as const,
  );
  return { ...(isFields(base) ? base : {}), ...Object.fromEntries(changed) };
}
