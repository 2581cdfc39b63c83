import { nameOf } from "./disturbance.ts";
import type { Scenario } from "./scenario.ts";
import type { Result } from "./simulation.ts";

/** What a seed's story may take on a screen. */
const longest = 60;

/** What happened in a simulation, and what was wrong with it; of long ones what is around the first violation. */
export function storyOf(result: Result, whole = false): string {
  const head = [
    headOf(result.scenario),
    `  seed ${result.scenario.seed}: npm run simulate -- --seed ${result.scenario.seed} --trace`,
  ];
  const lines = result.story.map((line) => (whole ? line : clipped(line)));
  if (whole || lines.length + head.length <= longest) return [...head, ...lines].join("\n");
  const room = longest - head.length - 2;
  const first = Math.max(
    0,
    result.story.findIndex((line) => line.includes("VIOLATION")),
  );
  const end = Math.min(lines.length, Math.max(first + 10, room));
  const from = Math.max(0, end - room);
  const before = from > 0 ? [`            … ${from} lines before`] : [];
  const after = end < lines.length ? [`            … ${lines.length - end} lines more`] : [];
  return [...head, ...before, ...lines.slice(from, end), ...after].join("\n");
}

const clipped = (line: string): string => (line.length > 220 ? `${line.slice(0, 219)}…` : line);

function headOf({
  shape,
  image,
  gates,
  stages,
  interval,
  prometheuses,
  testing,
  latency,
  inAction,
  disturbances,
}: Scenario): string {
  const facts = [
    `${shape} of ${image.split(":")[1]}`,
    `stages ${stages.map(({ weight, wait, approval }) => `${weight}:${wait / 1_000}s${approval ? " with approval" : ""}`).join(", ")}`,
    `${gates} gates every ${interval / 1_000}s`,
    `${latency.most}ms away at most`,
    inAction ? "in the action" : "by hand",
  ];
  if (testing)
    facts.push(`testers by ${testing.by}${testing.alone ? ` alone at first, ${testing.drill ?? "no"} drill` : ""}`);
  if (prometheuses > 1) facts.push(`${prometheuses} Prometheus replicas`);
  if (disturbances.length > 0) facts.push(disturbances.map(nameOf).join(" + "));
  return facts.join("; ");
}
