import { bold, dim, yellow } from "./screen.ts";

/**
 * A line of a step's log as GitHub's page shows it. Undefined for what the page hides, and for annotations of the outcome,
 * which say on the run's page what the log has said already.
 * https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands
 */
export function shownLine(line: string): string | undefined {
  const [, command, message = ""] = /^::([a-z-]+)[^:]*::(.*)$/.exec(line) ?? [];
  switch (command) {
    case undefined:
      return line.trim() === "" ? undefined : `  ${line.replace(/^\d\d:\d\d:\d\d/, dim)}`;
    case "group":
      return `  ${bold(decoded(message))}`;
    case "warning":
      return `  ${yellow(`warning: ${decoded(message)}`)}`;
    default:
      return undefined;
  }
}

const decoded = (text: string): string => text.replaceAll("%0A", " ").replaceAll("%0D", "").replaceAll("%25", "%");

/** Gives whole lines to `hear`, however the text was cut into pieces. */
export function byLine(hear: (line: string) => void): (piece: string) => void {
  let rest = "";
  return (piece) => {
    const lines = (rest + piece).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) hear(line);
  };
}
