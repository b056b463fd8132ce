import type { Batch, BatchPreamble } from './batch.ts';
import { unreadable } from './codec/bit-reader.ts';
import { readBody, writeBody } from './codec/body.ts';
import { crc32c } from './codec/crc32c.ts';
import { PREAMBLE_BYTES, readPreamble, requireBatchName, TOKEN_BYTES, writePreamble } from './codec/preamble.ts';
import { ProtocolError } from './errors.ts';
import { SALT_BYTES } from './ids.ts';
import { BOUNDS, type SequencedRecord } from './record.ts';

/** The version that this end writes, and the newest that it reads. */
export const BATCH_VERSION = 1;

const CRC_BYTES = 4;

/**
 * A batch as bytes (docs/protocol.md, "Batch"). A flag of 1 (pass) is the same as none, and is not written.
 * Throws `BOUNDS` where the records are too many or too large for one batch, `INVALID` where one of them may not be.
 */
export function encodeBatch(batch: Omit<Batch, 'version'>): Uint8Array {
  requireBatchName(batch);
  const body = writeBody(batch.records);
  const bytes = new Uint8Array(PREAMBLE_BYTES + body.length + CRC_BYTES);
  if (bytes.length > BOUNDS.batchBytes) throw new ProtocolError('BOUNDS', `more than ${BOUNDS.batchBytes} bytes`);
  bytes.set(body, PREAMBLE_BYTES);
  new DataView(bytes.buffer).setUint32(bytes.length - CRC_BYTES, crc32c(body));
  writePreamble(bytes, { ...batch, version: BATCH_VERSION });
  return bytes;
}

/** What can be read of a batch of any version. Throws `NOT_A_BATCH` and nothing else. */
export function decodePreamble(bytes: Uint8Array): BatchPreamble {
  return readPreamble(bytes).preamble;
}

/** Throws `NOT_A_BATCH`, `UNREADABLE`, `VERSION`, `BOUNDS` or `INVALID`, and nothing else. */
export function decodeBatch(bytes: Uint8Array): Batch {
  const { preamble, bodyBytes } = readPreamble(bytes);
  if (preamble.version !== BATCH_VERSION) throw new ProtocolError('VERSION', `a batch of version ${preamble.version}`);
  if (bytes.length > BOUNDS.batchBytes) throw new ProtocolError('BOUNDS', `more than ${BOUNDS.batchBytes} bytes`);
  if (bytes.length !== PREAMBLE_BYTES + bodyBytes || bodyBytes < CRC_BYTES) {
    throw unreadable('not as long as its preamble says');
  }
  const body = bytes.subarray(PREAMBLE_BYTES, bytes.length - CRC_BYTES);
  const crc = new DataView(bytes.buffer, bytes.byteOffset + bytes.length - CRC_BYTES).getUint32(0);
  if (crc32c(body) !== crc) throw unreadable('the body is damaged');
  return { ...preamble, records: readBody(body) };
}

/** Bytes of a batch that holds this record alone; at most `BOUNDS.recordBytes` may be appended. Throws as `encodeBatch`. */
export function encodedRecordBytes(record: SequencedRecord): number {
  return encodeBatch({
    salt: new Uint8Array(SALT_BYTES),
    batch: 0,
    token: new Uint8Array(TOKEN_BYTES),
    records: [record],
  }).length;
}
