import { isHandedOver, mebibyte, readText } from "./adapters/files/read-text.ts";
import { init } from "./commands/init.ts";
import { plan } from "./commands/plan.ts";
import { promote } from "./commands/promote.ts";
import { rehearse } from "./commands/rehearse.ts";
import { release } from "./commands/release.ts";
import { replay } from "./commands/replay.ts";
import { report } from "./commands/report.ts";
import { rollback } from "./commands/rollback.ts";
import type { Desk, ExitCode, Session } from "./commands/session.ts";
import { settle } from "./commands/settle.ts";
import { status } from "./commands/status.ts";
import { tellingRefusals } from "./commands/telling-refusals.ts";
import { undo } from "./commands/undo.ts";
import { verify } from "./commands/verify.ts";
import { withRoutes, withRoutesIfFound } from "./commands/with-routes.ts";
import { compose, composeFiles, composeInit, desk, type FilesSession, type Surroundings } from "./compose.ts";
import type { Command, CommandInCluster } from "./config/commands.ts";
import type { Config } from "./config/config.ts";
import { RefusedError } from "./lib/errors.ts";

export const commandsInCluster: Readonly<Record<CommandInCluster, (session: Session) => Promise<ExitCode>>> = {
  release: tellingRefusals(withRoutes(release)),
  plan: tellingRefusals(withRoutes<Session>(plan)),
  status: withRoutesIfFound(status),
  verify,
  rollback: withRoutesIfFound(rollback),
  undo: tellingRefusals(withRoutesIfFound(undo)),
  promote: withRoutesIfFound(promote),
  settle: withRoutesIfFound(settle),
};

const atDesk: Readonly<Record<Exclude<Command, CommandInCluster | "init">, (desk: Desk) => Promise<ExitCode>>> = {
  rehearse,
  replay,
  report,
};

export const isInCluster = (command: Command): command is CommandInCluster => Object.hasOwn(commandsInCluster, command);

/** Does what the configuration asks for, with what it takes. */
export async function dispatch(config: Config, surroundings: Surroundings): Promise<ExitCode> {
  const { command, files } = config;
  if (command === "plan" && files !== undefined)
    return tellingRefusals(withRoutes<FilesSession>(plan))(await composeFiles(config, files, surroundings));
  if (command === "init") return init(await composeInit(await withoutPipe(config, surroundings), surroundings));
  if (isInCluster(command))
    return commandsInCluster[command](compose(await withoutPipe(config, surroundings), surroundings));
  return atDesk[command](desk(config, surroundings));
}

/** A kubeconfig that comes through a pipe (`<(…)`) comes once, and not at once. */
async function withoutPipe(config: Config, here: Surroundings): Promise<Config> {
  const { kubeconfig = here.env.KUBECONFIG ?? "" } = config.cluster;
  if (!isHandedOver(kubeconfig)) return config;
  const text = await readText(kubeconfig, mebibyte, here).catch((cause: unknown) => {
    throw new RefusedError(`the kubeconfig ${kubeconfig} cannot be read.`, { cause });
  });
  return { ...config, cluster: { ...config.cluster, kubeconfig: text } };
}
