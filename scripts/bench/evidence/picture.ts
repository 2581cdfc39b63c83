import { writeFileSync } from "node:fs";
import { conclude } from "../../../src/evidence/conclusion.ts";
import { defaults } from "../../../src/evidence/defaults.ts";
import { addPoll, noEvidence } from "../../../src/evidence/evidence.ts";
import { weigh } from "../../../src/evidence/weigh.ts";
import { chance } from "../../../src/rehearsal/chance.ts";
import { conclusionSentence } from "../../../src/words/conclusion-sentence.ts";
import { play, pollSeconds, polls } from "./world.ts";

type Look = { readonly minute: number; readonly weight: number; readonly harm: number; readonly safe: number };

const [width, height, left, gap] = [430, 250, 55, 65];
const [lowest, highest] = [-4, 6];

/** The decimal logarithms of both e-values after each poll, until the release fails. */
function looks(failing: number, seed: number): { readonly looks: readonly Look[]; readonly because: string } {
  const { polls: all } = play({ rate: 50, stable: () => 0.01, canary: () => failing }, chance(seed));
  const seen: Look[] = [];
  let evidence = noEvidence;
  let conclusion = conclude(evidence, defaults);
  for (const poll of all) {
    evidence = addPoll(evidence, poll, defaults);
    conclusion = conclude(evidence, defaults);
    const { metrics, safe } = weigh(evidence, defaults);
    seen.push({
      minute: (seen.length + 1) * (pollSeconds / 60),
      weight: poll.weight,
      harm: metrics.errors / Math.LN10,
      safe: safe / Math.LN10,
    });
    if (conclusion.kind === "fail") break;
  }
  return { looks: seen, because: conclusionSentence(conclusion) };
}

function panel(title: string, failing: number, seed: number, offset: number): string {
  const { looks: seen, because } = looks(failing, seed);
  const x = (minute: number): number => offset + left + (minute / ((polls * pollSeconds) / 60)) * (width - left);
  const y = (log: number): number =>
    40 + ((highest - Math.min(highest, Math.max(lowest, log))) / (highest - lowest)) * height;
  const line = (value: (look: Look) => number, colour: string): string =>
    `<polyline fill="none" stroke="${colour}" stroke-width="2" points="${seen.map((look) => `${x(look.minute).toFixed(1)},${y(value(look)).toFixed(1)}`).join(" ")}"/>`;
  const text = (at: number, down: number, words: string, extra = ""): string =>
    `<text x="${at.toFixed(1)}" y="${down.toFixed(1)}" ${extra}>${words}</text>`;
  const bars = seen.map(
    ({ minute, weight }) =>
      `<rect x="${x(minute - pollSeconds / 60).toFixed(1)}" y="${(40 + height - weight).toFixed(1)}" width="${((width - left) / polls + 0.3).toFixed(1)}" height="${weight}" fill="#d8e2ef"/>`,
  );
  return [
    ...bars,
    ...[0, 5, 10, 15, 20].map((minute) => text(x(minute), 58 + height, `${minute}`, 'text-anchor="middle"')),
    ...[-4, -2, 0, 2, 4, 6].map((log) =>
      text(
        offset + left - 8,
        y(log) + 4,
        log === 0 ? "1" : `10<tspan dy="-5" font-size="9">${log}</tspan>`,
        'text-anchor="end"',
      ),
    ),
    `<line x1="${x(0)}" x2="${x(20)}" y1="${y(Math.log10(20)).toFixed(1)}" y2="${y(Math.log10(20)).toFixed(1)}" stroke="#888" stroke-dasharray="5 4"/>`,
    text(x(20), y(Math.log10(20)) - 5, "proven: 20", 'text-anchor="end" fill="#666"'),
    line(({ harm }) => harm, "#c0392b"),
    line(({ safe }) => safe, "#27864a"),
    text(offset + left, 20, title, 'font-weight="bold"'),
    ...inLines(because).map((part, index) => text(offset + left, 78 + height + index * 15, part, 'font-size="11"')),
  ].join("\n");
}

/** As much as fits under a panel. */
function inLines(sentence: string): readonly string[] {
  const lines: string[] = [];
  for (const word of sentence.split(" ")) {
    const longer = `${lines.at(-1) ?? ""} ${word}`.trim();
    if (lines.length > 0 && longer.length <= 66) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

/** Draws docs/evidence.svg: one good and one bad release at 50 requests per second. */
export function drawPicture(): string {
  writeFileSync(new URL("../../../docs/evidence.svg", import.meta.url), picture());
  return "docs/evidence.svg is drawn.";
}

const picture = (): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${2 * width + gap + 45} ${height + 160}" font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="#fff"/>
${panel("1% failures on both versions", 0.01, 4, 0)}
${panel("1% on stable, 2% on the canary", 0.02, 4, width + gap)}
<text x="${left}" y="${height + 150}" font-size="11"><tspan fill="#c0392b">━ evidence of harm</tspan>  <tspan fill="#27864a">━ evidence of safety</tspan>  <tspan fill="#8aa2bf">■ weight, 5 to 50%</tspan>  minutes; the first two only the circuit breaker judges</text>
</svg>
`;
