/** The first few of many, and how many more. */
export function someOf(words: readonly string[], separator = "; ", most = 5): string {
  const more = words.length - most;
  return more > 0 ? `${words.slice(0, most).join(separator)}${separator}and ${more} more` : words.join(separator);
}
