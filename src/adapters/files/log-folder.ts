import { lstatSync, mkdirSync } from "node:fs";
import { basename, dirname, extname, join } from "node:path";
import { tell } from "../../lib/errors.ts";
import type { Reporter } from "../../ports/reporter.ts";
import type { KeptLog, KeptLogs } from "../../release/kept-logs.ts";
import { writeWhole } from "./report-file.ts";

/** Beside `out/canary-report.json` it is `out/canary-logs`; beside `out/reviews.json`, `out/reviews-logs`. */
export function logFolderBeside(report: string): string {
  const name = basename(report, extname(report)).replace(/-?report$/, "");
  return join(dirname(report), `${name || "canary"}-logs`);
}

/**
 * Writes each log that is kept as a file, and tells everybody else of the folder once something lies there. Nothing is
 * deleted: the folder may have been the user's own before, and pods' names are no second pod's.
 */
export function logFolder(folder: string, rest: Reporter, warn: (warning: string) => void): Reporter {
  const written = new Map<string, number>();

  function write(log: KeptLog): void {
    const file = fileOf(log);
    if (written.get(file) === log.lines.length) return;
    mkdirSync(folder, { recursive: true });
    if (lstatSync(folder).isSymbolicLink()) throw new Error("it is a symbolic link, and none is followed");
    writeWhole(join(folder, file), `${log.lines.join("\n")}\n`);
    written.set(file, log.lines.length);
  }

  function isWritten(log: KeptLog): boolean {
    try {
      write(log);
    } catch (error) {
      warn(`logs of the canary could not be written to ${folder}/: ${tell(error)}`);
    }
    return written.has(fileOf(log));
  }

  function placed(kept: KeptLogs): KeptLogs {
    const unwritten = new Set(kept.logs.filter((log) => !isWritten(log)).map(({ pod }) => pod)).size;
    return { ...kept, unwritten, folder: written.size > 0 ? folder : undefined };
  }

  return {
    report: ({ logs, ...account }) => rest.report({ ...account, logs: logs && placed(logs) }),
    flush: (limit) => rest.flush(limit),
  };
}

/** Names of pods and containers are those of DNS; who answers in the API server's place may say anything. */
const fileOf = ({ pod, container, previous }: KeptLog): string =>
  [pod, container, previous ? "previous.log" : "log"].map((part) => part.replaceAll(/[^\w.-]/g, "_")).join(".");
