import { EVENT_ID, type Event, getScalarValue, parseEvents } from "js-yaml";
import type { Path } from "./issue.ts";

type Place = { readonly line: number; readonly column: number };

/** A value begins at its key, or as an item of a list. */
type Node = { readonly place: Place; readonly below: ReadonlyMap<PropertyKey, Node> };

export type PositionOf = (path: Path, document?: number) => string | undefined;

/**
 * Says where in a YAML file is what a path leads to, or the nearest that stands around it: `canary.yaml:7:3`. Undefined
 * where nothing does. Empty documents do not count.
 */
export function positionsIn(text: string, file: string): PositionOf {
  let roots: readonly Node[] | undefined;
  return (path, document = 0) => {
    roots ??= documentsOf(parseEvents(text, {}), text);
    const root = roots[document];
    let node = root;
    for (const key of path) node = node?.below.get(key) ?? node;
    return node === undefined || node === root ? undefined : `${file}:${node.place.line}:${node.place.column}`;
  };
}

function documentsOf(events: readonly Event[], text: string): readonly Node[] {
  const placeAt = reader(text);
  let next = 0;
  const peek = (): Event | undefined => events[next];
  const isOver = (): boolean => peek() === undefined || peek()?.type === EVENT_ID.POP;

  function read(place: Place): Node {
    const event = peek();
    next++;
    if (event?.type !== EVENT_ID.MAPPING && event?.type !== EVENT_ID.SEQUENCE) return { place, below: new Map() };
    const below = event.type === EVENT_ID.MAPPING ? readEntries(place) : readItems(place);
    next++;
    return { place, below };
  }

  function readItems(list: Place): ReadonlyMap<PropertyKey, Node> {
    const items = new Map<PropertyKey, Node>();
    while (!isOver()) items.set(items.size, read(placeAt(startOf(peek())) ?? list));
    return items;
  }

  function readEntries(mapping: Place): ReadonlyMap<PropertyKey, Node> {
    const entries = new Map<PropertyKey, Node>();
    while (!isOver()) {
      const key = peek();
      const { place } = read(placeAt(startOf(key)) ?? mapping);
      const value = read(place);
      if (key?.type === EVENT_ID.SCALAR) entries.set(getScalarValue(text, key), value);
    }
    return entries;
  }

  const roots: Node[] = [];
  while (next < events.length) {
    next++; // the document's beginning
    const isEmpty = startOf(peek()) < 0;
    const root = read({ line: 1, column: 1 });
    if (!isEmpty) roots.push(root);
    next++; // its end
  }
  return roots;
}

/** -1 where nothing is written. */
function startOf(event: Event | undefined): number {
  if (event === undefined) return -1;
  if (event.type === EVENT_ID.ALIAS) return event.anchorStart;
  if ("valueStart" in event) return event.valueStart;
  return "start" in event ? event.start : -1;
}

/** Says where an offset is; they have to come in ascending order, so that the text is read once. */
function reader(text: string): (start: number) => Place | undefined {
  let [at, line, begin] = [0, 1, 0];
  return (start) => {
    if (start < 0) return undefined;
    for (; at < start; at++) {
      if (text[at] !== "\n" && (text[at] !== "\r" || text[at + 1] === "\n")) continue;
      line++;
      begin = at + 1;
    }
    return { line, column: start - begin + 1 };
  };
}
