import type { SandboxClock } from "../sandbox/api-server/clock.ts";
import type { Instant } from "../src/lib/duration.ts";

/** The true time of a simulation. Nothing happens between two events, so it jumps from one to the next. */
export type Timeline = SandboxClock & {
  /** Runs once; the answer cancels it. What is due at one moment happens in the order in which it was asked for. */
  at(time: Instant, run: () => void): () => void;
  /**
   * One event after another until `isOver` or there is none; each has all its consequences before the next. Gives the
   * number of events.
   */
  run(isOver: () => boolean): Promise<number>;
};

type Event = { readonly at: Instant; readonly order: number; run: (() => void) | undefined };

/** Whatever waits for nothing but its turn goes on: Node comes to its next tick when no promise is left to be gone on with. */
const consequences = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve));

export function timelineFrom(start: Instant): Timeline {
  let now = start;
  let orders = 0;
  const heap: Event[] = [];

  function at(time: Instant, run: () => void): () => void {
    const event: Event = { at: Math.max(now, time), order: orders++, run };
    push(heap, event);
    return () => {
      event.run = undefined;
    };
  }

  return {
    now: () => now,
    at,
    after: (delay, run) => at(now + delay, run),
    close() {
      heap.length = 0;
    },
    async run(isOver) {
      let events = 0;
      await consequences();
      while (!isOver()) {
        const event = pop(heap);
        if (event === undefined) break;
        if (event.run === undefined) continue;
        now = event.at;
        event.run();
        events++;
        await consequences();
      }
      return events;
    },
  };
}

const isBefore = (a: Event, b: Event): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

function push(heap: Event[], event: Event): void {
  let index = heap.length;
  heap.push(event);
  while (index > 0) {
    const parent = (index - 1) >> 1;
    const above = heap[parent] as Event;
    if (!isBefore(event, above)) break;
    heap[index] = above;
    index = parent;
  }
  heap[index] = event;
}

function pop(heap: Event[]): Event | undefined {
  const first = heap[0];
  const last = heap.pop();
  if (first === undefined || last === undefined || heap.length === 0) return first;
  let index = 0;
  for (;;) {
    let child = 2 * index + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && isBefore(heap[child + 1] as Event, heap[child] as Event)) child++;
    if (!isBefore(heap[child] as Event, last)) break;
    heap[index] = heap[child] as Event;
    index = child;
  }
  heap[index] = last;
  return first;
}
