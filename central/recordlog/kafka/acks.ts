import { isRunId, type RunId } from '../../../protocol/ids.ts';
import type { Range } from '../../../protocol/intervals.ts';
import { BOUNDS, NAME_PATTERN } from '../../../protocol/record.ts';

/** A message of the topic of acknowledgements: what is known of some records of one run, and where in the topic of records. */
export type AckMessage = AckPlace & AckWord;

export interface AckPlace {
  readonly run: RunId;
  readonly gateway: string;
  /** Of the topic of records; the message itself stands in the partition of the same number. */
  readonly partition: number;
  /** Offsets in the topic of records between which these records are, both included; others may be there too. */
  readonly first: number;
  readonly last: number;
  /** Ascending, none touching the next. */
  readonly ranges: readonly Range[];
}

/**
 * `stored` may be said of them, or only that the log has them. `refused`: the sink has put them into the dead letter, which
 * its feed says before the group passes them. `rejected`: that may be said of them, as every sink that decides has passed
 * them, and this one has refused them.
 */
export type AckWord =
  | { readonly state: 'stored' | 'held' }
  | { readonly state: 'refused' | 'rejected'; readonly sink: string };

const STATES = ['stored', 'held', 'refused', 'rejected'] as const;

/** `{"run","gateway","partition","first","last","stored":[[a,b],…]}`, or another state instead, and `"sink"` where one refuses. */
export function encodeAckMessage(message: AckMessage): string {
  const { run, gateway, partition, first, last, state, ranges } = message;
  const sink = 'sink' in message ? { sink: message.sink } : {};
  return JSON.stringify({ run, gateway, partition, first, last, [state]: ranges, ...sink });
}

/** Undefined for what is no such message: anybody may have written to the topic. */
export function decodeAckMessage(value: Uint8Array): AckMessage | undefined {
  const json = parsed(value);
  if (typeof json !== 'object' || json === null) return undefined;
  const said = json as Readonly<Record<string, unknown>>;
  const { run, gateway, partition, first, last, sink } = said;
  if (typeof run !== 'string' || !isRunId(run) || typeof gateway !== 'string') return undefined;
  if (!isIndex(partition) || !isIndex(first) || !isIndex(last) || last < first) return undefined;
  const [state, another] = STATES.filter((each) => said[each] !== undefined);
  if (state === undefined || another !== undefined) return undefined;
  const ranges = said[state];
  if (!areRanges(ranges)) return undefined;
  const place: AckPlace = { run, gateway, partition, first, last, ranges };
  if (state === 'stored' || state === 'held') return { ...place, state };
  return typeof sink === 'string' && NAME_PATTERN.test(sink) ? { ...place, state, sink } : undefined;
}

function parsed(value: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('utf8'));
  } catch {
    return undefined;
  }
}

function isIndex(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function areRanges(value: unknown): value is readonly Range[] {
  if (!Array.isArray(value) || value.length === 0) return false;
  let before = -1;
  for (const range of value as readonly unknown[]) {
    if (!Array.isArray(range) || range.length !== 2) return false;
    const [first, last] = range as [unknown, unknown];
    if (!isIndex(first) || !isIndex(last) || first <= before + 1 || last < first) return false;
    before = last;
  }
  return before <= BOUNDS.sequenceMax;
}
