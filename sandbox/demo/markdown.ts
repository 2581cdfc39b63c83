import { bold, cyan, dim, padEnd, padStart, widthOf } from "./screen.ts";

/** What is folded and longer than this stays folded. */
const openUpTo = 3;

/** The Markdown of a comment as a terminal can show it: what GitHub hides is hidden. */
export function rendered(markdown: string): string {
  const text = markdown
    .replace(/<!--.*?-->\n*/gs, "")
    .replace(/<details><summary>(.*?)<\/summary>\n\n(.*?)\n\n<\/details>/gs, (_, title: string, body: string) =>
      unfolded(title, body),
    );
  return text
    .split(/\n{2,}/)
    .map(block)
    .join("\n\n");
}

function unfolded(title: string, body: string): string {
  const lines = body.split("\n").length;
  return lines > openUpTo ? `▸ ${title} (${lines} lines)` : `▾ ${title}\n${body}`;
}

function block(text: string): string {
  if (text.startsWith("```")) return text.split("\n").slice(1, -1).join("\n");
  if (text.startsWith("| ")) return table(text);
  if (text.startsWith("> [!")) return inline(text.replace(/^> \[!(\w+)\]/, "$1:").replace(/^> /gm, "  "));
  const [, heading] = /^#+ (.*)$/s.exec(text) ?? [];
  return heading === undefined ? inline(text) : bold(inline(heading));
}

const inline = (text: string): string =>
  entities(
    text
      .replace(/\[([^\]]+)\]\(<[^>]*>\)/g, "$1↗") // before there are colours, which begin with a bracket
      .replace(/<br>/g, "\n")
      .replace(/<sub>(.*?)<\/sub>/g, (_, inside: string) => dim(inside))
      .replace(/<code>(.*?)<\/code>/g, (_, inside: string) => cyan(inside))
      .replace(/\*\*(.+?)\*\*/g, (_, inside: string) => bold(inside)),
  );

const named: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&" };

const entities = (text: string): string =>
  text.replace(/&(?:#(\d+)|(\w+));/g, (found, number: string | undefined, name: string | undefined) =>
    number === "8203" ? "" : number === undefined ? (named[name ?? ""] ?? found) : String.fromCodePoint(Number(number)),
  );

function table(text: string): string {
  const [head = [], rule = [], ...rows] = text.split("\n").map((line) =>
    line
      .slice(2, -2)
      .split(" | ")
      .map((cell) => inline(cell.trim())),
  );
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => widthOf(row[column] ?? ""))));
  const line = (row: readonly string[]): string =>
    row.map((cell, column) => (rule[column]?.endsWith(":") ? padStart : padEnd)(cell, widths[column] ?? 0)).join("  ");
  return [dim(line(head)), ...rows.map(line)].map((each) => each.trimEnd()).join("\n");
}
