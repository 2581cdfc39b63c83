/** Of an action's outputs those that are the same each time it is played; `more`: others that a test does not ask for. */
export function fixedOutputs(
  outputs: Readonly<Record<string, string>>,
  ...more: readonly string[]
): Readonly<Record<string, string>> {
  const left = new Set(["failed-requests", "next-command", "image", "cluster", "logs", ...more]);
  return Object.fromEntries(Object.entries(outputs).filter(([name]) => !left.has(name)));
}
