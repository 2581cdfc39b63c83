import { inert } from "../../lib/lines.ts";
import { clip } from "../../lib/markdown.ts";
import type { Redact } from "../../lib/redaction.ts";

/** A stream for people, such as stdout. Writing to it never throws and never ends the process. No secret gets there. */
export type Screen = {
  readonly write: (text: string) => void;
  /** Undefined where nobody looks at it live: a file, a pipe, a runner. */
  readonly columns: number | undefined;
  /** How many lines fit; undefined where nobody knows. */
  readonly rows?: number | undefined;
};

/** The same, as the entry has it. */
export type StandardStream = Screen & {
  /** What has been looked through already, or tells the runner what to hide. */
  readonly writeAsItIs: (text: string) => void;
  /** Resolves when all of it is out: a pipe takes 64 KiB, and the rest when somebody has read that. */
  readonly written: () => Promise<void>;
};

/** What is needed of process.stdout. */
export type Stream = {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  write(text: string, done?: () => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
};

/**
 * After a cancelled step its pipe is closed, and an EPIPE that nobody listens for ends the process in the middle of a
 * rollback. Every stream that is written to needs this, stderr too.
 */
export function screenOn(stream: Stream, redact: Redact): StandardStream {
  let open = true;
  stream.on("error", () => {
    open = false;
  });
  function write(text: string, done: () => void = () => {}): void {
    try {
      if (open) stream.write(text, done);
      else done();
    } catch {
      open = false;
      done();
    }
  }
  return {
    write: (text) => write(redact(text)),
    writeAsItIs: (text) => write(text),
    written: () => new Promise((resolve) => write("", resolve)),
    get columns() {
      if (stream.isTTY) return stream.columns ?? 80;
      return undefined;
    },
    get rows() {
      if (stream.isTTY) return stream.rows;
      return undefined;
    },
  };
}

/** A line as long as people read. */
export const line = (text: string, limit = 2_000): string => clip(inert(text), limit);
