import { RefusedError } from "../lib/errors.ts";
import { plural } from "../lib/numbers.ts";
import { askedLast } from "../release/asked-with.ts";
import { isCounting } from "../release/gate.ts";
import type { Stage } from "../release/plan.ts";
import type { ReleaseRecord } from "../release/release-record.ts";
import { nextCommand } from "../words/next-command.ts";
import { shellWord } from "../words/shell-word.ts";
import { metricsFor, needsSecrets } from "./known-metrics.ts";
import { unlessRefused } from "./preconditions.ts";
import type { Session } from "./session.ts";

/**
 * Refuses where the stages that are left could not be judged: the canary would get more requests, nobody would look,
 * and in the end a good version would be lost as well.
 */
export async function judgeable(session: Session, record: ReleaseRecord): Promise<void> {
  unlessUntold(session, record);
  const stages = stagesLeft(record).filter(isCounted);
  if (stages.length === 0) return;
  const names = stages.map(({ name }) => name).join(", ");
  const what = `${session.config.namespace}/${session.config.service}: the stages that are left (${names}) are judged by Prometheus`;
  if (!metricsFor(session.config, record)) throw unknownMetrics(session, record, what);
  const findings = await session.inspectMetrics(record, { ...record.plan, stages });
  unlessRefused(session, findings, `${what}, and could not be. Nothing was changed:`);
}

const stagesLeft = ({ plan, state }: ReleaseRecord): readonly Stage[] =>
  state.phase === "waiting" ? plan.stages.slice(state.stage + 1) : [];

const isCounted = ({ gates }: Stage): boolean => gates.some((gate) => isCounting(gate) || gate.kind === "query");

/** What programs and URLs are asked stands in no journal. */
function unlessUntold({ config }: Session, record: ReleaseRecord): void {
  const gates = stagesLeft(record).flatMap((stage) => stage.gates);
  const untold = gates.filter(({ kind, name }) => (kind === "run" || kind === "json") && !config.recipes.has(name));
  if (untold.length === 0) return;
  const { config: file = "canary.yaml" } = askedLast(record.asked, config.asked) ?? {};
  const names = [...new Set(untold.map(({ name }) => name))];
  throw new RefusedError(
    `${config.namespace}/${config.service}: the stages that are left are judged by the ${plural(names.length, "gate")} ${names.join(", ")}, and this command was not told what that asks.`,
    { next: `Nothing was changed. Add --config ${shellWord(file)}.` },
  );
}

function unknownMetrics({ config }: Session, { metrics, ...record }: ReleaseRecord, what: string): RefusedError {
  const asked = askedLast(record.asked, config.asked);
  const file = asked.config ?? "canary.yaml";
  if (!metrics || !needsSecrets(metrics))
    return new RefusedError(`${what}, and this command has none.`, {
      next: `Nothing was changed. Add --config ${shellWord(file)} (or --prometheus URL).`,
    });
  const { url, login, headers } = metrics;
  const secrets = headers.map((name) => `the header ${name}`);
  if (login) secrets.push("a login in its address");
  const flags = [`--prometheus ${shellWord(url)}`, ...headers.map((name) => `--metrics-headers ${shellWord(name)}=…`)];
  const command = nextCommand("promote", { ...record, asked });
  return new RefusedError(`${what}, which is asked with ${secrets.join(", ")}; the journal does not keep secrets.`, {
    next: `Nothing was changed. Give them by the configuration (--config ${shellWord(file)}, with what it takes from the environment), or say: ${command} ${flags.join(" ")}`,
  });
}
