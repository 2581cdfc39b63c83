import type { Bed } from "./bed.ts";

export type Sample = { readonly metric: Readonly<Record<string, string>>; readonly value: number };

/** An instant query's samples. */
export async function queryPrometheus(bed: Bed, query: string): Promise<readonly Sample[]> {
  const response = await fetch(`${bed.prometheus}/api/v1/query`, {
    method: "POST",
    body: new URLSearchParams({ query }),
  });
  const answer = (await response.json()) as {
    readonly status: string;
    readonly error?: string;
    readonly data: {
      readonly result: readonly { readonly metric: Sample["metric"]; readonly value: readonly [number, string] }[];
    };
  };
  if (answer.status !== "success") throw new Error(`Prometheus: ${answer.error}`);
  return answer.data.result.map(({ metric, value }) => ({ metric, value: Number(value[1]) }));
}

/** The sum of an instant query's samples; 0 when it has none. */
export const sumOf = async (bed: Bed, query: string): Promise<number> =>
  (await queryPrometheus(bed, query)).reduce((sum, { value }) => sum + value, 0);
