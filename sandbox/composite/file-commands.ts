import assert from "node:assert/strict";

/** Reads GITHUB_OUTPUT or GITHUB_ENV as the runner does: `name=value`, or `name<<delimiter`, lines, `delimiter`. The last of a name wins. */
export function parseOutputs(text: string): Readonly<Record<string, string>> {
  const lines = text.split("\n");
  const found: [string, string][] = [];
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] ?? "";
    if (line === "") continue;
    const equals = line.indexOf("=");
    const arrow = line.indexOf("<<");
    if (arrow >= 0 && (equals < 0 || arrow < equals)) {
      const delimiter = line.slice(arrow + 2);
      const end = lines.indexOf(delimiter, index + 1);
      assert.ok(delimiter !== "" && end >= 0, `the file ends without the delimiter ${delimiter}`);
      found.push([line.slice(0, arrow), lines.slice(index + 1, end).join("\n")]);
      index = end;
    } else {
      assert.ok(equals > 0, `neither name=value nor name<<delimiter: ${line}`);
      found.push([line.slice(0, equals), line.slice(equals + 1)]);
    }
  }
  return Object.fromEntries(found);
}
