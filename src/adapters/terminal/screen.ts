import { stripVTControlCharacters } from "node:util";
import { clip } from "../../lib/markdown.ts";

/** A stream for people, such as stdout. Writing to it never throws and never ends the process. */
export type Screen = {
  readonly write: (text: string) => void;
  /** Undefined where nobody looks at it live: a file, a pipe, a runner. */
  readonly columns: number | undefined;
};

/** What is needed of process.stdout. */
export type Stream = {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
};

/**
 * After a cancelled step its pipe is closed, and an EPIPE that nobody listens for ends the process in the middle of a
 * rollback. Every stream that is written to needs this, stderr too.
 */
export function screenOn(stream: Stream): Screen {
  let open = true;
  stream.on("error", () => {
    open = false;
  });
  return {
    write(text) {
      try {
        if (open) stream.write(text);
      } catch {
        open = false;
      }
    },
    get columns() {
      return stream.isTTY ? (stream.columns ?? 80) : undefined;
    },
  };
}

/**
 * One line from outside: what a terminal or a runner would take as a command is taken out of it (`##[…]` works anywhere
 * in a line).
 */
export const line = (text: string, limit = 2_000): string =>
  clip(
    stripVTControlCharacters(text)
      .replace(/[\p{Cc}\u2028\u2029\u202A-\u202E\u2066-\u2069]+/gu, " ")
      .replaceAll("##[", "## [")
      .replace(/^\s*::/, " : :")
      .trimEnd(),
    limit,
  );
