import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { basename, dirname, extname, join } from "node:path";
import type { Reporter } from "../../ports/reporter.ts";
import type { KeptLog } from "../../release/kept-logs.ts";
import { writeWhole } from "./report-file.ts";

/** Beside `out/canary-report.json` it is `out/canary-logs`; beside `out/reviews.json`, `out/reviews-logs`. */
export function logFolderBeside(report: string): string {
  const name = basename(report, extname(report)).replace(/-?report$/, "");
  return join(dirname(report), `${name || "canary"}-logs`);
}

/** Writes each log that is kept as a file. Those of an earlier release go first: nobody shall take them for this one's. */
export function logFolder(folder: string): Reporter {
  const written = new Map<string, number>();

  function write(log: KeptLog): void {
    const file = fileOf(log);
    if (written.get(file) === log.lines.length) return;
    writeWhole(join(folder, file), `${log.lines.join("\n")}\n`);
    written.set(file, log.lines.length);
  }

  return {
    report({ logs: kept }) {
      const logs = kept?.logs ?? [];
      if (logs.length > 0 && written.size === 0) emptied(folder);
      for (const log of logs) write(log);
    },
    flush: async () => {},
  };
}

function emptied(folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (const file of readdirSync(folder)) if (file.endsWith(".log")) rmSync(join(folder, file));
}

/** Names of pods and containers are those of DNS; who answers in the API server's place may say anything. */
const fileOf = ({ pod, container, previous }: KeptLog): string =>
  `${[pod, container, previous ? "previous.log" : "log"].map((part) => part.replaceAll(/[^\w.-]/g, "_")).join(".")}`;
