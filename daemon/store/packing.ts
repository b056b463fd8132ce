import { type Observation, RECORD_KINDS, type RecordKind, type SequencedRecord } from '../../protocol/record.ts';
import { decodeBody, encodeBody, isDamage } from './body.ts';
import { ByteReader, ByteWriter } from './byte-stream.ts';

/**
 * Records as the table keeps them, column by column: to hand a few long arrays to another thread costs a fraction of what
 * an object a record does.
 */
export interface PackedRecords {
  readonly stations: readonly string[];
  /** Indices of `RECORD_KINDS`. */
  readonly kinds: readonly number[];
  readonly timestampsMs: readonly number[];
  /** Bytes of each body; `bodies` holds them one after the other. */
  readonly lengths: readonly number[];
  readonly bodies: Uint8Array<ArrayBuffer>;
}

export const KIND_GAP = RECORD_KINDS.indexOf('gap');
const KIND_SAMPLE = RECORD_KINDS.indexOf('sample');

/** Alarms, events and gaps go by the urgent lane whatever their append said. */
export function isUrgentKind(kind: number): boolean {
  return kind !== KIND_SAMPLE;
}

/** Collects observations, packed. */
export class Packer {
  readonly #writer = new ByteWriter();
  readonly #stations: string[] = [];
  readonly #kinds: number[] = [];
  readonly #timestampsMs: number[] = [];
  readonly #lengths: number[] = [];

  get count(): number {
    return this.#lengths.length;
  }

  get bytes(): number {
    return this.#writer.length;
  }

  add(observation: Observation): void {
    const before = this.#writer.length;
    encodeBody(this.#writer, observation);
    this.#stations.push(observation.station);
    this.#kinds.push(RECORD_KINDS.indexOf(observation.kind));
    this.#timestampsMs.push(observation.timestampMs);
    this.#lengths.push(this.#writer.length - before);
  }

  packed(): PackedRecords {
    return {
      stations: this.#stations,
      kinds: this.#kinds,
      timestampsMs: this.#timestampsMs,
      lengths: this.#lengths,
      bodies: this.#writer.copy(),
    };
  }
}

export function packed(observations: readonly Observation[]): PackedRecords {
  const packer = new Packer();
  for (const observation of observations) packer.add(observation);
  return packer.packed();
}

/** What is damaged is left out, and `onDamaged` told which; where nobody is, that throws `RangeError` or `SyntaxError`. */
export function unpacked(
  records: PackedRecords,
  sequences: readonly number[],
  onDamaged?: (sequence: number) => void,
): SequencedRecord[] {
  const all: SequencedRecord[] = [];
  let at = 0;
  for (const [index, sequence] of sequences.entries()) {
    const from = at;
    at += records.lengths[index] as number;
    try {
      all.push({
        sequence,
        station: records.stations[index] as string,
        kind: RECORD_KINDS[records.kinds[index] as number] as RecordKind,
        timestampMs: records.timestampsMs[index] as number,
        ...decodeBody(new ByteReader(records.bodies.subarray(from, at))),
      });
    } catch (error) {
      if (onDamaged === undefined || !isDamage(error)) throw error;
      onDamaged(sequence);
    }
  }
  return all;
}
