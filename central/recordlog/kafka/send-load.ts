import { MooringError } from '../../../runtime/errors.ts';
import type { KafkaMessage, Produced } from './client.ts';
import { placeOf, type Slice } from './produce-request.ts';

/** What goes in one send. */
export interface Load {
  readonly slices: readonly Slice[];
  readonly messages: readonly KafkaMessage[];
}

/** Neither client parts what is more than a topic takes as one batch: it would be refused whole. */
const PARTITION_BYTES_MAX = 900_000;
/** More than a key, a batch's head and a record's head in it ever have. */
const OVERHEAD_BYTES = 192;

/** Bytes of a value that is just not too large for a topic. */
function valueBytesMax(messageBytesMax: number): number {
  return messageBytesMax - 2 * OVERHEAD_BYTES;
}

/**
 * Takes from a queue what one send may carry: of each partition, in order, as much as its topic takes as one batch; where
 * one that is alone stands first, only that. A message that its topic can never take is refused here, and not sent.
 */
export function fill(
  queue: readonly Slice[],
  messageBytesMax: (topic: string) => number,
): { readonly load: Load | undefined; readonly rest: Slice[] } {
  const slices: Slice[] = [];
  const rest: Slice[] = [];
  const rooms = new Map<string, number>();
  let isAlone = false;
  for (const slice of queue) {
    const { request } = slice;
    if (request.isSettled) continue;
    if (isAlone || (slice.isAlone && slices.length > 0)) {
      rest.push(slice);
      continue;
    }
    isAlone = slice.isAlone;
    const valueMax = valueBytesMax(messageBytesMax(request.topic));
    const room = rooms.get(request.place) ?? Math.min(PARTITION_BYTES_MAX, valueMax);
    const { taken, left, roomLeft } = cut(slice, room, valueMax);
    rooms.set(request.place, roomLeft);
    slices.push(...taken);
    if (left !== undefined) rest.push(left);
    if (taken.length === 0) isAlone = false;
  }
  return { load: slices.length === 0 ? undefined : { slices, messages: messagesOf(slices) }, rest };
}

/** The two halves of a slice, each to go alone. */
export function halvesOf({ request, from, to }: Slice): Slice[] {
  const middle = (from + to) >>> 1;
  return [
    { request, from, to: middle, isAlone: true },
    { request, from: middle, to, isAlone: true },
  ];
}

/** Tells each request where its messages are. Throws `LOG_FAILED` when the answer does not say it of every one. */
export function settle(slices: readonly Slice[], produced: readonly Produced[]): void {
  const counts = new Map<string, number>();
  for (const { request, from, to } of slices) {
    counts.set(request.place, (counts.get(request.place) ?? 0) + to - from);
  }
  const next = new Map<string, number>();
  for (const { topic, partition, offset, count } of produced) {
    const place = placeOf({ topic, partition });
    if (counts.get(place) === count && offset >= 0) next.set(place, offset);
  }
  if (next.size !== counts.size) {
    throw new MooringError('LOG_FAILED', 'the broker has not said where the records are', {
      context: { places: [...counts.keys()].filter((place) => !next.has(place)) },
    });
  }
  for (const { request, from, to } of slices) {
    const offset = next.get(request.place) as number;
    request.produced(to - from, offset);
    next.set(request.place, offset + to - from);
  }
}

interface Cut {
  readonly taken: Slice[];
  readonly left: Slice | undefined;
  readonly roomLeft: number;
}

/** As much of a slice as there is room for. One message that is more than the room, and not too much, has it for itself. */
function cut(slice: Slice, room: number, valueMax: number): Cut {
  const { request, isAlone } = slice;
  const taken: Slice[] = [];
  let roomLeft = room;
  let from = slice.from;
  for (let at = slice.from; at < slice.to; at += 1) {
    const size = request.sizes[at] as number;
    if (size > valueMax) {
      if (at > from) taken.push({ request, from, to: at, isAlone });
      from = at + 1;
      request.refused(at, true);
      continue;
    }
    const isFirst = roomLeft === Math.min(PARTITION_BYTES_MAX, valueMax);
    if (size + OVERHEAD_BYTES > roomLeft && !isFirst) {
      if (at > from) taken.push({ request, from, to: at, isAlone });
      return { taken, left: { request, from: at, to: slice.to, isAlone }, roomLeft: 0 };
    }
    roomLeft -= size + OVERHEAD_BYTES;
  }
  if (slice.to > from) taken.push({ request, from, to: slice.to, isAlone });
  return { taken, left: undefined, roomLeft };
}

/** Without a copy where a whole request goes by itself, as most do. */
function messagesOf(slices: readonly Slice[]): readonly KafkaMessage[] {
  const [first] = slices;
  if (slices.length === 1 && first !== undefined && first.from === 0 && first.to === first.request.messages.length) {
    return first.request.messages;
  }
  return slices.flatMap(({ request, from, to }) => request.messages.slice(from, to));
}
