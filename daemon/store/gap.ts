import type { RejectCode } from '../../protocol/ack.ts';
import { countOf, IntervalSet, type Range } from '../../protocol/intervals.ts';
import { GATEWAY_STATION, type Info, type Observation } from '../../protocol/record.ts';
import { decodeBody, isDamage } from './body.ts';
import { ByteReader } from './byte-stream.ts';

/**
 * The budget needed the room; the centre will never take them; the store cannot read them any more; they had given way
 * before a forwarder began, or came back.
 */
const GAP_REASONS = ['dropped', 'rejected', 'lost', 'before'] as const;
export type GapReason = (typeof GAP_REASONS)[number];

/** Why records of a run will never reach the centre. */
export interface GapCause {
  /** Hex digits of the run's salt. */
  readonly salt: string;
  readonly reason: GapReason;
  readonly code?: RejectCode;
  /** Whose centre it is that they never reach, where others may have them. */
  readonly forwarder?: string;
}

/** Bytes of JSON for the ranges of one gap record: with everything around them it stays below `BOUNDS.recordBytes`. */
const RANGES_BYTES_MAX = 600;

/** Sequences that are gone, by run and cause. */
export class GapDeclaration {
  readonly #sets = new Map<string, { readonly cause: GapCause; readonly set: IntervalSet }>();

  add(cause: GapCause, ranges: Iterable<Range>): void {
    const key = `${cause.salt} ${cause.reason} ${cause.code ?? ''} ${cause.forwarder ?? ''}`;
    const { set } = this.#sets.get(key) ?? { set: new IntervalSet() };
    this.#sets.set(key, { cause, set });
    for (const range of ranges) set.add(...range);
  }

  /** Takes over what a gap record declared that is itself about to go. */
  adopt(body: Uint8Array): void {
    const { run: salt, reason, code, forwarder, ranges } = (infoOf(body) ?? {}) as Partial<Record<string, unknown>>;
    const known = GAP_REASONS.find((each) => each === reason);
    if (typeof salt !== 'string' || known === undefined || !Array.isArray(ranges)) return;
    const rejection = code === undefined ? {} : { code: code as RejectCode };
    const whose = forwarder === undefined ? {} : { forwarder: String(forwarder) };
    this.add({ salt, reason: known, ...rejection, ...whose }, ranges.filter(isRange));
  }

  /** The records that say so: several where one would grow too large. */
  observations(label: Pick<Observation, 'timestampMs' | 'clock'>): Observation[] {
    return [...this.#sets.values()].flatMap(({ cause, set }) =>
      parts(set.ranges()).map((ranges) => {
        const { salt, ...why } = cause;
        const info = { run: salt, ranges, count: countOf(ranges), ...why };
        return { station: GATEWAY_STATION, kind: 'gap', ...label, metrics: {}, flags: {}, info };
      }),
    );
  }
}

/** What a gap record says, by its body; undefined where that is damaged, so that nobody knows any more. */
export function infoOf(body: Uint8Array): Info | undefined {
  try {
    return decodeBody(new ByteReader(body)).info;
  } catch (error) {
    if (!isDamage(error)) throw error;
    return undefined;
  }
}

function isRange(value: unknown): value is Range {
  return Array.isArray(value) && value.length === 2 && value.every(Number.isSafeInteger) && value[0] <= value[1];
}

function parts(ranges: readonly Range[]): Range[][] {
  const all: Range[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const range of ranges) {
    const length = JSON.stringify(range).length + 1;
    if (bytes + length > RANGES_BYTES_MAX) {
      all.push([]);
      bytes = 0;
    }
    all.at(-1)?.push(range);
    bytes += length;
  }
  return all;
}
