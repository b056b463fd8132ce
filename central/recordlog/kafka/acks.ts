import { isRunId, type RunId } from '../../../protocol/ids.ts';
import type { Range } from '../../../protocol/intervals.ts';
import { BOUNDS } from '../../../protocol/record.ts';

/** A message of the topic of acknowledgements: what is durable of one run, and where in the topic of records. */
export interface AckMessage {
  readonly run: RunId;
  readonly gateway: string;
  /** Of the topic of records; the message itself stands in the partition of the same number. */
  readonly partition: number;
  /** Offsets in the topic of records between which these records are, both included; others may be there too. */
  readonly first: number;
  readonly last: number;
  /** `stored` may be said of them, or only that the log has them. */
  readonly state: 'stored' | 'held';
  /** Ascending, none touching the next. */
  readonly ranges: readonly Range[];
}

/** `{"run","gateway","partition","first","last","stored":[[a,b],…]}`, or with `held` instead of `stored`. */
export function encodeAckMessage({ run, gateway, partition, first, last, state, ranges }: AckMessage): string {
  return JSON.stringify({ run, gateway, partition, first, last, [state]: ranges });
}

/** Undefined for what is no such message: anybody may have written to the topic. */
export function decodeAckMessage(value: Uint8Array): AckMessage | undefined {
  const json = parsed(value);
  if (typeof json !== 'object' || json === null) return undefined;
  const { run, gateway, partition, first, last, stored, held } = json as Readonly<Record<string, unknown>>;
  if (typeof run !== 'string' || !isRunId(run) || typeof gateway !== 'string') return undefined;
  if (!isIndex(partition) || !isIndex(first) || !isIndex(last) || last < first) return undefined;
  const ranges = stored ?? held;
  if ((stored === undefined) === (held === undefined) || !areRanges(ranges)) return undefined;
  return { run, gateway, partition, first, last, state: stored === undefined ? 'held' : 'stored', ranges };
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
