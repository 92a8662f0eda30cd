/**
 * A binary heap in an array with Python's `heapq` order, so that `/queue` lists pending work in the same order and a
 * comparison that throws leaves the array in the same state: pushing keeps the item, popping loses it.
 */

/** `left < right`; may throw where the two cannot be ordered. */
export type Less<T> = (left: T, right: T) => boolean;

/** Appends and sifts the item towards the root. */
export function heapPush<T>(heap: T[], item: T, less: Less<T>): void {
  heap.push(item);
  siftTowardsRoot(heap, { from: 0, at: heap.length - 1 }, less);
}

/** Removes and returns the least item; undefined when the heap is empty. */
export function heapPop<T>(heap: T[], less: Less<T>): T | undefined {
  const last = heap.pop();
  const least = heap[0];
  if (last === undefined || least === undefined) return last;
  heap[0] = last;
  siftTowardsLeaves(heap, 0, less);
  return least;
}

/** Restores heap order in place. */
export function heapify<T>(heap: T[], less: Less<T>): void {
  for (let at = Math.floor(heap.length / 2) - 1; at >= 0; at--) siftTowardsLeaves(heap, at, less);
}

function siftTowardsRoot<T>(heap: T[], place: { from: number; at: number }, less: Less<T>): void {
  let { at } = place;
  while (at > place.from) {
    const parent = (at - 1) >> 1;
    if (!less(itemAt(heap, at), itemAt(heap, parent))) return;
    swap(heap, at, parent);
    at = parent;
  }
}

/** Walks the smaller child up until a leaf is reached, then sifts back: the number of comparisons `heapq` makes. */
function siftTowardsLeaves<T>(heap: T[], from: number, less: Less<T>): void {
  let at = from;
  for (;;) {
    const left = 2 * at + 1;
    if (left >= heap.length) break;
    const right = left + 1;
    const child = right < heap.length && !less(itemAt(heap, left), itemAt(heap, right)) ? right : left;
    swap(heap, at, child);
    at = child;
  }
  siftTowardsRoot(heap, { from, at }, less);
}

function itemAt<T>(heap: readonly T[], index: number): T {
  const item = heap[index];
  if (item === undefined) throw new RangeError("Cannot read the heap: the index lies outside");
  return item;
}

function swap<T>(heap: T[], one: number, other: number): void {
  const item = itemAt(heap, one);
  heap[one] = itemAt(heap, other);
  heap[other] = item;
}
