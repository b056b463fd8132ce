import type { Batch, BatchPreamble } from './batch.ts';
import { ProtocolError } from './errors.ts';
import type { SequencedRecord } from './record.ts';

/** The version that this end writes, and the newest that it reads. */
export const BATCH_VERSION = 1;

/** Throws `BOUNDS` or `INVALID`. */
export function encodeBatch(_batch: Omit<Batch, 'version'>): Uint8Array {
  throw new ProtocolError('INVALID', 'not built yet');
}

/** Throws `NOT_A_BATCH` and nothing else. */
export function decodePreamble(_bytes: Uint8Array): BatchPreamble {
  throw new ProtocolError('NOT_A_BATCH', 'not built yet');
}

/** Throws `NOT_A_BATCH`, `UNREADABLE`, `VERSION`, `BOUNDS` or `INVALID`, and nothing else. */
export function decodeBatch(_bytes: Uint8Array): Batch {
  throw new ProtocolError('NOT_A_BATCH', 'not built yet');
}

/** Bytes of a batch that holds this record alone; at most `BOUNDS.recordBytes` may be appended. */
export function encodedRecordBytes(_record: SequencedRecord): number {
  throw new ProtocolError('INVALID', 'not built yet');
}
