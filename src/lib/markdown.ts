/**
 * Text from outside as GitHub shows it and nothing more: no markup, no HTML, no mention of a person, no reference to an
 * issue or a commit, no address that becomes a link by itself. An underscore joins no word here: `_@ada` would mention
 * her where the underscore is markup, and after our own reference for it. Everything becomes one line. Character
 * references cannot stand for structure: https://github.github.com/gfm/#entity-and-numeric-character-references
 */
export const plain = (text: string): string =>
  oneLine(text).replace(inMarkdown, (found) => references[found] ?? `${found}${nothing}`);

/** What begins a heading or a list, what is markup, and what GitHub looks for in the text. */
const inMarkdown = new RegExp(
  [
    /^(?=(#{1,6}|[-+=]+|\d+[.)])(\s|$))/,
    /[\\`*_[\]<>&|~$]/,
    /@(?!sha256:)(?=\w)|#(?=\d)|(?<![a-z0-9])GH-(?=\d)|(?<=(?<![a-z0-9])[a-f0-9]{7})(?=[a-f0-9]{33}(?![a-z0-9]))/,
    /:(?=\/\/|[a-z+-][\w+-]*:)|www(?=\.)/, // https://github.github.com/gfm/#autolinks-extension-
  ]
    .map(({ source }) => source)
    .join("|"),
  "gi",
);

/** A space of no width. Mentions and issues are looked for after rendering, so only a character in between helps. */
const nothing = "&#8203;";

const references: Readonly<Record<string, string>> = {
  ...Object.fromEntries([..."\\`*_[]|~$"].map((character) => [character, `&#${character.charCodeAt(0)};`])),
  "<": "&lt;",
  ">": "&gt;",
  "&": "&amp;",
};

/** The same as code. HTML, because a code span of backticks has no way to hold every text in a table's cell. */
export const code = (text: string): string => `<code>${plain(text)}</code>`;

/** A link, or the bare label where the address is not one of the web. */
export function link(label: string, url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed?.protocol !== "https:" && parsed?.protocol !== "http:") return plain(label);
  return `[${plain(label)}](<${parsed.href.replaceAll("<", "%3C").replaceAll(">", "%3E").replaceAll("|", "%7C")}>)`;
}

export type Column = { readonly title: string; readonly right?: boolean };

/** Cells are Markdown already. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  const rule = columns.map(({ right }) => (right ? "--:" : "---"));
  return [line(columns.map(({ title }) => title)), line(rule), ...rows.map(line)].join("\n");
}

/** Something that is folded until somebody opens it. `title` is Markdown already. */
export const folded = (title: string, body: string): string =>
  `<details><summary>${title}</summary>\n\n${body}\n\n</details>`;

/** A block of text as it is: commands, bars. Chooses a fence that the text does not contain. */
export function block(text: string, language = ""): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}${language}\n${text}\n${fence}`;
}

/** At most `limit` characters, and a mark that there were more. */
export const clip = (text: string, limit: number): string =>
  text.length <= limit ? text : `${text.slice(0, limit - 1).replace(/[\uD800-\uDBFF]$/, "")}…`;

/** Without line breaks, control characters and those that turn the direction of writing around. */
export const oneLine = (text: string): string =>
  text.replace(/[\p{Cc}\u2028\u2029\u202A-\u202E\u2066-\u2069\s]+/gu, " ").trim();
