import { at, isMapping, type Path } from "./issue.ts";

/** Every gate of a document that need not be right, with its place. */
function gatesOfDocument(document: unknown): readonly { readonly path: Path; readonly gate: unknown }[] {
  const stages = at(document, ["stages"]);
  const lists: readonly Path[] = [
    ["gates"],
    ...(Array.isArray(stages) ? stages.map((_, index) => ["stages", index, "gates"]) : []),
  ];
  return lists.flatMap((path) => {
    const list = at(document, path);
    return Array.isArray(list) ? list.map((gate, index) => ({ path: [...path, index], gate })) : [];
  });
}

/**
 * Commands stay as they are written: what somebody outside put into a variable must become no part of a program that a
 * shell reads. It has the environment.
 */
export const commandsIn = (document: unknown): readonly Path[] =>
  gatesOfDocument(document).map(({ path }) => [...path, "run", "command"]);

/** The headers of every gate. */
export const headersIn = (document: unknown): readonly Readonly<Record<string, unknown>>[] =>
  gatesOfDocument(document).flatMap(({ gate }) => {
    const headers = at(gate, ["json", "headers"]);
    return isMapping(headers) ? [headers] : [];
  });
