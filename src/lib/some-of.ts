/** The first few of many, and how many more. */
export function someOf(words: readonly string[], separator = "; ", most = 5): string {
  const more = words.length - most;
  if (more <= 0) return words.join(separator);
  return `${words.slice(0, most).join(separator)}${separator}and ${more} more`;
}
