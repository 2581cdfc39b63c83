import { clip } from "../../lib/markdown.ts";

export type AnnotationLevel = "notice" | "warning" | "error";

/** GitHub cuts a longer message. */
const longestMessage = 4_096;

/** A workflow command that puts a message on the run's page: https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands#setting-a-notice-message */
export function annotation(level: AnnotationLevel, title: string, message: string): string {
  return `::${level} title=${escapeProperty(clip(title, 250))}::${escapeMessage(clip(message, longestMessage))}\n`;
}

/** Makes the runner write `***` wherever the secret would be shown. */
export const mask = (secret: string): string => `::add-mask::${escapeMessage(secret)}\n`;

const escapeMessage = (text: string): string =>
  text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
const escapeProperty = (text: string): string => escapeMessage(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
