import type { RejectCode } from '../../protocol/ack.ts';
import { countOf, IntervalSet, type Range } from '../../protocol/intervals.ts';
import { GATEWAY_STATION, type Info, type Observation } from '../../protocol/record.ts';

/** Why records of a run will never reach the centre. */
export interface GapCause {
  /** Hex digits of the run's salt. */
  readonly salt: string;
  readonly reason: 'dropped' | 'rejected';
  readonly code?: RejectCode;
}

/** Bytes of JSON for the ranges of one gap record: with everything around them it stays below `BOUNDS.recordBytes`. */
const RANGES_BYTES_MAX = 600;

/** Sequences that are gone, by run and cause. */
export class GapDeclaration {
  readonly #sets = new Map<string, { readonly cause: GapCause; readonly set: IntervalSet }>();

  add(cause: GapCause, ranges: Iterable<Range>): void {
    const key = `${cause.salt} ${cause.reason} ${cause.code ?? ''}`;
    const { set } = this.#sets.get(key) ?? { set: new IntervalSet() };
    this.#sets.set(key, { cause, set });
    for (const range of ranges) set.add(...range);
  }

  /** Takes over what a gap record declared that is itself about to go. */
  adopt(info: Info | undefined): void {
    const { run: salt, reason, code, ranges } = (info ?? {}) as Partial<Record<string, unknown>>;
    if (typeof salt !== 'string' || (reason !== 'dropped' && reason !== 'rejected') || !Array.isArray(ranges)) return;
    this.add({ salt, reason, ...(code === undefined ? {} : { code: code as RejectCode }) }, ranges as Range[]);
  }

  /** The records that say so: several where one would grow too large. */
  observations(label: Pick<Observation, 'timestampMs' | 'clock'>): Observation[] {
    return [...this.#sets.values()].flatMap(({ cause, set }) =>
      parts(set.ranges()).map((ranges) => {
        const { salt, reason, code } = cause;
        const info = { run: salt, ranges, count: countOf(ranges), reason, ...(code === undefined ? {} : { code }) };
        return { station: GATEWAY_STATION, kind: 'gap', ...label, metrics: {}, flags: {}, info };
      }),
    );
  }
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
