import { closeSync, openSync, readSync } from "node:fs";

/** Reads a file that grows, line by line, ten times a second. `stop` reads what is there still. */
export function follow(path: string, seen: (line: string) => void): { readonly stop: () => void } {
  const file = openSync(path, "r");
  const buffer = Buffer.alloc(64 * 1024);
  let rest = "";
  const read = (): void => {
    for (let length = readSync(file, buffer); length > 0; length = readSync(file, buffer)) {
      const lines = (rest + buffer.toString("latin1", 0, length)).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) seen(line);
    }
  };
  const timer = setInterval(read, 100);
  return {
    stop() {
      clearInterval(timer);
      read();
      closeSync(file);
    },
  };
}
