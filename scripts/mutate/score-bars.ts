/** What is mutated, and how many of a hundred mutants a test must notice. */
export const scoreBars: readonly (readonly [place: string, bar: number])[] = [
  ["src/engine", 80],
  ["src/commands", 80],
  ["src/compose.ts", 80],
  ["src/main.ts", 80],
  ["src/dispatch.ts", 80],
  ["src/entry.ts", 80],
  ["src/adapters/kubernetes/lease-lock.ts", 80],
  ["src/release", 90],
  ["src/preflight", 90],
  ["src/config", 90],
  ["src/words", 90],
  ["src/evidence", 90],
  ["src/rehearsal", 90],
  ["src/kubernetes", 90],
  ["src/istio", 90],
  ["src/lib", 90],
  ["src/world", 90],
  ["src/ports", 90],
  ["src/routes", 90],
  ["src/init", 90],
  ["src/cli", 90],
  ["src/reporting", 90],
  ["src/adapters/actions", 90],
  ["src/adapters/deployment", 90],
  ["src/adapters/files", 90],
  ["src/adapters/gates", 90],
  ["src/adapters/gateway-route", 90],
  ["src/adapters/github", 90],
  ["src/adapters/kubernetes", 90],
  ["src/adapters/node", 90],
  ["src/adapters/prometheus", 90],
  ["src/adapters/proxies", 90],
  ["src/adapters/terminal", 90],
  ["src/adapters/virtual-service", 90],
  ["src/adapters/webhooks", 90],
  ["src/adapters/weighted-rules", 90],
];

/** The place of the table that a file belongs to: the most exact one. */
export function placeOf(path: string): string | undefined {
  const places = scoreBars.map(([place]) => place).filter((place) => path === place || path.startsWith(`${place}/`));
  return places.sort((a, b) => b.length - a.length)[0];
}
