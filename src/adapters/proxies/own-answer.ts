import * as z from "zod/mini";
import { type Lack, lackIn } from "../../kubernetes/role-rule.ts";

/** What the API server answers itself, of a request that it does not pass on; `lack`: of rights to ask. */
export type OwnAnswer = { readonly message: string; readonly lack: Lack | undefined };

const status = z.object({ kind: z.literal("Status"), message: z.string() });

/** Undefined for an answer of a pod's. */
export function ownAnswer(code: number, body: unknown): OwnAnswer | undefined {
  const { data } = status.safeParse(body);
  return data && { message: data.message, lack: code === 403 ? lackIn(data.message) : undefined };
}
