/** A length of time in milliseconds. */
export type Millis = number;

/** A moment: milliseconds since the Unix epoch. */
export type Instant = number;

const units: Readonly<Record<string, Millis>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Reads `90s`, `1m30s`, `500ms`, `2h`. A number without a unit is refused: nobody knows what `10` means. */
export function parseDuration(text: string): Millis | undefined {
  const parts = [...text.trim().matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)];
  if (parts.length === 0 || parts.map(([whole]) => whole).join("") !== text.trim()) return undefined;
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * (units[unit ?? ""] ?? 0), 0);
}

/** Writes at most two units, `1m30s`, as the configuration takes them: enough to read at a glance. No length is negative. */
export function formatDuration(millis: Millis): string {
  if (millis < 1_000) return `${Math.max(0, Math.round(millis))}ms`;
  if (millis < 10_000 && millis % 1_000 >= 50) return `${(millis / 1_000).toFixed(1)}s`;
  const seconds = Math.round(millis / 1_000);
  const parts: readonly (readonly [number, string])[] = [
    [Math.floor(seconds / 86_400), "d"],
    [Math.floor(seconds / 3_600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "m"],
    [seconds % 60, "s"],
  ];
  const shown = parts.filter(([count]) => count > 0).slice(0, 2);
  return shown.map(([count, unit]) => `${count}${unit}`).join("");
}
