import { createHash } from 'node:crypto';
import { BOUNDS } from './record.ts';

/** The first four groups of a record's UUID, which name its run: `3f2a9c1e-77b0-8d31-9e4c`. */
export type RunId = string;

/** Length of the random salt that every run draws, in bytes. */
export const SALT_BYTES = 16;

const RUN_ID_PATTERN = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}$/;
const RECORD_ID_PATTERN = /^([0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3})-([0-9a-f]{12})$/;

/**
 * The run's 74 bits as text. A UUIDv8 (RFC 9562 section 5.8) whose custom bits are the first 74 of
 * SHA-256(`mooring1` ‖ gateway ‖ 0x00 ‖ salt): bits 0–47 are the first two groups, 48–59 follow the version nibble,
 * 60–73 follow the variant bits `10`.
 */
export function runIdOf(gateway: string, salt: Uint8Array): RunId {
  if (salt.length !== SALT_BYTES) throw new RangeError(`a salt has ${SALT_BYTES} bytes, not ${salt.length}`);
  const digest = createHash('sha256').update('mooring1').update(gateway, 'utf8').update('\0').update(salt).digest();
  const bits48to63 = digest.readUInt16BE(6);
  const bits64to79 = digest.readUInt16BE(8);
  const custom12 = bits48to63 >>> 4;
  const custom14 = ((bits48to63 & 0xf) << 10) | (bits64to79 >>> 6);
  const hex = digest.toString('hex', 0, 6);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex16(custom12, 3)}-${hex16(0x8000 | custom14, 4)}`;
}

/** The record's UUID: its run, then its sequence in hex. */
export function recordIdOf(run: RunId, sequence: number): string {
  if (!Number.isInteger(sequence) || sequence < 1 || sequence > BOUNDS.sequenceMax) {
    throw new RangeError(`not a sequence number: ${sequence}`);
  }
  return `${run}-${sequence.toString(16).padStart(12, '0')}`;
}

/** The run and sequence that an id names, or undefined where it is not an id of this protocol. */
export function parseRecordId(id: string): { readonly run: RunId; readonly sequence: number } | undefined {
  const match = RECORD_ID_PATTERN.exec(id);
  if (match === null) return undefined;
  const sequence = Number.parseInt(match[2] as string, 16);
  return sequence === 0 ? undefined : { run: match[1] as string, sequence };
}

export function isRunId(text: string): text is RunId {
  return RUN_ID_PATTERN.test(text);
}

function hex16(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}
