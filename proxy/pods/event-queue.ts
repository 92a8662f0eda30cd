/**
 * Events of a stream that its reader has not taken yet. Bounded in number and in size: of pictures the oldest go first,
 * because only the newest matters; a reader that is behind on anything else is cut off and starts from a snapshot.
 */

export interface EventQueue {
  /**
   * @param chars of its JSON
   * @returns false when there is no room even without the pictures: nothing was added then
   */
  push(value: unknown, chars: number): boolean;
  /** Undefined when there is none. */
  shift(): unknown;
}

export interface EventQueueLimits {
  maxEvents: number;
  /** Over all events together, as JSON. */
  maxChars: number;
}

interface Entry {
  value: unknown;
  chars: number;
  isPicture: boolean;
}

function isPicture(value: unknown): boolean {
  return typeof value === "object" && value !== null && "type" in value && value.type === "preview";
}

export function createEventQueue({ maxEvents, maxChars }: EventQueueLimits): EventQueue {
  const entries: Entry[] = [];
  let chars = 0;

  function take(index: number): Entry | undefined {
    const [entry] = entries.splice(index, 1);
    chars -= entry?.chars ?? 0;
    return entry;
  }

  const isFull = () => entries.length > maxEvents || chars > maxChars;

  return {
    push(value, size) {
      entries.push({ value, chars: size, isPicture: isPicture(value) });
      chars += size;
      while (isFull()) {
        const oldest = entries.findIndex((one) => one.isPicture);
        if (oldest === -1) {
          take(entries.length - 1);
          return false;
        }
        take(oldest);
      }
      return true;
    },
    shift: () => take(0)?.value,
  };
}
