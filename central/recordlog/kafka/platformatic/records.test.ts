import type { RecordsBatch } from '@platformatic/kafka';
import { describe, expect, test } from 'vitest';
import { readOf } from './records.ts';

const LOG_APPEND_TIME = 0x08;
const CONTROL = 0x20;

function batchOf(firstOffset: number, count: number, attributes = 0): RecordsBatch {
  const records = Array.from({ length: count }, (_, offsetDelta) => ({
    offsetDelta,
    timestampDelta: BigInt(offsetDelta),
    key: Buffer.from('barn'),
    value: Buffer.from(`${firstOffset + offsetDelta}`),
  }));
  return {
    firstOffset: BigInt(firstOffset),
    lastOffsetDelta: count - 1,
    attributes,
    firstTimestamp: 1000n,
    maxTimestamp: 9000n,
    records,
  } as unknown as RecordsBatch;
}

describe('what a fetch of @platformatic/kafka has returned', () => {
  test('a batch that begins before the offset is taken from there on', () => {
    const { to, messages } = readOf(12, [batchOf(10, 4), batchOf(14, 2)]);
    expect(to).toBe(16);
    expect(messages.map(({ offset, value }) => [offset, value.toString()])).toEqual([
      [12, '12'],
      [13, '13'],
      [14, '14'],
      [15, '15'],
    ]);
  });

  test('the time of a message is its own, or that of receipt where the topic says so', () => {
    expect(readOf(0, [batchOf(0, 2)]).messages.map(({ timestampMs }) => timestampMs)).toEqual([1000, 1001]);
    const received = readOf(0, [batchOf(0, 2, LOG_APPEND_TIME)]).messages;
    expect(received.map(({ timestampMs }) => timestampMs)).toEqual([9000, 9000]);
  });

  test('a marker of a transaction is no message, and its offset is gone over', () => {
    const { to, messages } = readOf(0, [batchOf(0, 1), batchOf(1, 1, CONTROL)]);
    expect([to, messages.length]).toEqual([2, 1]);
  });
});
