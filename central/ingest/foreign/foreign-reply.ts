import { hash } from 'node:crypto';
import type { ForeignTaken, ReceivedMessage } from './foreign-intake.ts';

/** What a device is told of a message that is durable, as JSON. */
export interface ForeignReply {
  /** Of the first record. */
  readonly id: string;
  /** The message's own id, where it has one; else the device's name for itself. */
  readonly original: string;
  readonly source: string;
  /** Where the first record is in the log. */
  readonly partition: number;
  readonly offset: number;
  /** Of the message as it was received. */
  readonly bytes: number;
  /** Of the message as it was received, in hex. */
  readonly sha256: string;
  /** ISO 8601, UTC, milliseconds. */
  readonly received_at: string;
  /** How many records the message has made, where that is more than one. */
  readonly records?: number;
  /** How many parts of it are in the dead letter, where any is. */
  readonly refused?: number;
}

/** Undefined where the message has made no record. */
export function foreignReplyOf(
  source: string,
  { bytes, receivedAtMs }: ReceivedMessage,
  { records, refused }: ForeignTaken,
): ForeignReply | undefined {
  const [first] = records;
  if (first === undefined) return undefined;
  const { id, original, partition, offset } = first;
  return {
    id,
    original,
    source,
    partition,
    offset,
    bytes: bytes.length,
    sha256: hash('sha256', bytes),
    received_at: new Date(receivedAtMs).toISOString(),
    ...(records.length > 1 ? { records: records.length } : {}),
    ...(refused.length > 0 ? { refused: refused.length } : {}),
  };
}
