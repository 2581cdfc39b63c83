import { RefusedError, withNext } from "../lib/errors.ts";
import type { Finding } from "../ports/preflight.ts";
import type { Plan } from "../release/plan.ts";
import type { Target } from "../release/target.ts";
import type { Session } from "./session.ts";

/** Makes every preflight check, tells what was found, and refuses if anything forbids the release. */
export async function allowed(session: Session, target: Target, plan: Plan): Promise<void> {
  const findings = await session.preflight(target, plan).inspect();
  for (const finding of findings) if (finding.level === "warn") session.warn(textOf(finding));
  const refusals = findings.filter(({ level }) => level === "refuse");
  if (refusals.length === 0) return;
  throw new RefusedError(
    `${target.namespace}/${target.service} cannot be released, and nothing was changed:\n${refusals.map((finding) => `  ✗ ${textOf(finding)}`).join("\n")}`,
  );
}

export const textOf = ({ what, next }: Finding): string => withNext(what, next);
