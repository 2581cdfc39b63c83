/** Names are people's own input until an API server has seen them: a shell must take them as one word. */
export function shellWord(text: string): string {
  if (/^[\w.:/@%+=-]+$/.test(text)) return text;
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
