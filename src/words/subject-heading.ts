import { clip, plain } from "../lib/markdown.ts";
import type { Target } from "../release/target.ts";
import { versionWord } from "./version-word.ts";

/** What a heading in Markdown begins with: `### ❌ shop/reviews 1.4.0`. */
export function subjectHeading(
  mark: string,
  { namespace, service }: Pick<Target, "namespace" | "service">,
  versions: string | undefined,
): string {
  const subject = `### ${mark} ${plain(`${namespace}/${service}`)}`;
  return versions === undefined ? subject : `${subject} ${versions}`;
}

/** An image by its version, as Markdown. */
export const versionOf = (image: string | undefined): string | undefined =>
  image === undefined ? undefined : inHeading(versionWord(image));

/** A tag may be long. */
export const inHeading = (version: string): string => plain(clip(version, 80));
