/** Batches as a gateway would send them, with what a test cares about and nothing else. */
import { encodeBatch } from '../protocol/batch-codec.ts';
import type { MetricValue, SequencedRecord } from '../protocol/record.ts';
import { SeededRandom } from '../runtime/random.ts';

const START_MS = Date.UTC(2026, 0, 31, 22, 59, 58);

export interface BatchParts {
  readonly salt: Uint8Array;
  readonly records: readonly SequencedRecord[];
  /** 1 when left out. */
  readonly batch?: number;
}

/** The salt of a run, by number. */
export function saltOf(number: number): Uint8Array {
  return new SeededRandom(number).bytes(16);
}

/** A batch's token, by its number. */
export function tokenOf(batch: number): Uint8Array {
  return new SeededRandom(1000 + batch).bytes(8);
}

export function batchOf({ salt, records, batch = 1 }: BatchParts): Uint8Array {
  return encodeBatch({ salt, batch, token: tokenOf(batch), records });
}

/** One second's sample of station `buoy-7`. */
export function sampleOf(sequence: number, metrics: Readonly<Record<string, MetricValue>> = {}): SequencedRecord {
  return {
    sequence,
    station: 'buoy-7',
    kind: 'sample',
    timestampMs: START_MS + sequence * 1000,
    clock: 'synced',
    metrics: { temperature: 20 + sequence / 100, ...metrics },
    flags: {},
  };
}

export function samplesOf(sequences: readonly number[]): SequencedRecord[] {
  return sequences.map((sequence) => sampleOf(sequence));
}
