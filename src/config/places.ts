import { EVENT_ID, type Event, getScalarValue, parseEvents } from "js-yaml";
import type { Path } from "./issue.ts";

/** Where in the text a value begins: at its key, or as an item of a list. */
type Node = { readonly start: number; readonly below: ReadonlyMap<PropertyKey, Node> };

type Place = { readonly line: number; readonly column: number };

/** Finds what a path leads to in a YAML text, or the nearest that stands around it; undefined where nothing does. */
export function placesIn(text: string): (path: Path) => Place | undefined {
  const root = contentOf(parseEvents(text, {}), text);
  return (path) => {
    let node = root;
    for (const key of path) node = node?.below.get(key) ?? node;
    return node === root || node === undefined ? undefined : placeOf(text, node.start);
  };
}

function contentOf(events: readonly Event[], text: string): Node | undefined {
  let next = 1; // the first event opens the document
  const peek = (): Event | undefined => events[next];
  const isOver = (): boolean => peek() === undefined || peek()?.type === EVENT_ID.POP;

  function read(start: number): Node {
    const event = peek();
    next++;
    if (event?.type !== EVENT_ID.MAPPING && event?.type !== EVENT_ID.SEQUENCE) return { start, below: new Map() };
    const below = event.type === EVENT_ID.MAPPING ? readEntries(start) : readItems(start);
    next++;
    return { start, below };
  }

  function readItems(list: number): ReadonlyMap<PropertyKey, Node> {
    const items = new Map<PropertyKey, Node>();
    while (!isOver()) items.set(items.size, read(startOf(peek()) ?? list));
    return items;
  }

  function readEntries(mapping: number): ReadonlyMap<PropertyKey, Node> {
    const entries = new Map<PropertyKey, Node>();
    while (!isOver()) {
      const key = peek();
      const { start } = read(startOf(key) ?? mapping);
      const value = read(start);
      if (key?.type === EVENT_ID.SCALAR) entries.set(getScalarValue(text, key), value);
    }
    return entries;
  }

  return isOver() ? undefined : read(0);
}

function startOf(event: Event | undefined): number | undefined {
  if (event === undefined) return undefined;
  let start = -1;
  if ("start" in event) start = event.start;
  if ("valueStart" in event) start = event.valueStart;
  if (event.type === EVENT_ID.ALIAS) start = event.anchorStart;
  return start < 0 ? undefined : start;
}

function placeOf(text: string, start: number): Place {
  const lines = text.slice(0, start).split(/\r\n|\r|\n/);
  return { line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 };
}
