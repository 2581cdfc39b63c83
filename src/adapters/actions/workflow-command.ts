import { endGroup, error, notice, setSecret, startGroup, warning } from "@actions/core";
import { clip } from "../../lib/markdown.ts";

const annotations = { notice, warning, error };

export type AnnotationLevel = keyof typeof annotations;

/** GitHub cuts longer ones. */
const longestTitle = 250;
const longestMessage = 4_096;

/** Puts a message on the run's page. */
export function annotation(level: AnnotationLevel, title: string, message: string): string {
  return textOf(() => annotations[level](clip(message, longestMessage), { title: clip(title, longestTitle) }));
}

/** Makes the runner write `***` wherever the secret would be shown. */
export const mask = (secret: string): string => textOf(() => setSecret(secret));

/** Lines until the group is closed fold under its name. */
export const openGroup = (name: string): string => textOf(() => startGroup(name));

export const closeGroup = (): string => textOf(() => endGroup());

/**
 * What a command of @actions/core is written as. It writes to process.stdout and nowhere else; but standard output is a
 * program's with --json, may be a file, in which a mask would keep the secret, and is a closed pipe once a step is
 * cancelled. So its text is caught here, and a screen writes it.
 */
function textOf(command: () => void): string {
  const { write } = process.stdout;
  let text = "";
  process.stdout.write = (chunk: string | Uint8Array): boolean => {
    text += chunk.toString();
    return true;
  };
  try {
    command();
  } finally {
    process.stdout.write = write;
  }
  return text;
}
