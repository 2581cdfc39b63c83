/** What tells an image from the one before: its tag, or the beginning of its digest. */
export function versionWord(image: string): string {
  const [name = "", digest] = image.split("@");
  const tag = /:([^/:]+)$/.exec(name)?.[1];
  if (tag !== undefined) return tag;
  if (digest === undefined) return "latest";
  return digest.slice(0, "sha256:".length + 12);
}
