import type { Millis } from "../../src/lib/duration.ts";

/** Which requests are meant: a method (`PATCH`), and a part of the path with its query, or an expression for it. */
export type RequestMatch = { readonly method?: string; readonly path?: string | RegExp };

/** What goes wrong with the next requests that match. */
export type Fault = RequestMatch & { readonly times?: number } & (
    | { readonly status: number; readonly message?: string; readonly headers?: Readonly<Record<string, string>> }
    | { readonly delay: Millis }
    /** It is on its way for as long as this takes. */
    | { readonly hold: () => Promise<void> }
    /** The connection breaks: before anything was done, or when it was done but before the answer. */
    | { readonly drop: "before" | "after" }
  );

/** A request that was answered, or not: `status` is 0 when the connection was dropped. */
export type LoggedRequest = {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly user: string;
  readonly body: string;
};

export interface Faults {
  /** Once, if `times` does not say otherwise; the answer takes it back. */
  add(fault: Fault): () => void;
  /** The fault of this request, which counts as one of its times. */
  take(method: string, path: string): Fault | undefined;
}

export const matchesRequest = (match: RequestMatch, method: string, path: string): boolean =>
  (match.method ?? method) === method &&
  (match.path === undefined || (typeof match.path === "string" ? path.includes(match.path) : match.path.test(path)));

export function createFaults(): Faults {
  const left = new Map<Fault, number>();
  return {
    add(fault) {
      left.set(fault, fault.times ?? 1);
      return () => left.delete(fault);
    },
    take(method, path) {
      const found = [...left].find(([fault, times]) => times > 0 && matchesRequest(fault, method, path));
      if (found === undefined) return undefined;
      const [fault, times] = found;
      left.set(fault, times - 1);
      return fault;
    },
  };
}

export interface RequestLog {
  all(match?: RequestMatch): readonly LoggedRequest[];
  /** How many requests matched: what tests of exact API calls ask. */
  count(match?: RequestMatch): number;
  clear(): void;
  add(request: LoggedRequest): void;
}

export function createRequestLog(): RequestLog {
  let requests: LoggedRequest[] = [];
  const all = (match: RequestMatch = {}): readonly LoggedRequest[] =>
    requests.filter(({ method, path }) => matchesRequest(match, method, path));
  return {
    all,
    count: (match) => all(match).length,
    clear() {
      requests = [];
    },
    add: (request) => void requests.push(request),
  };
}
