import { expect, test } from 'vitest';
import { cityRecords } from '../../bench/city-records.ts';
import { encodeBatch } from '../../protocol/batch-codec.ts';
import { BOUNDS } from '../../protocol/record.ts';
import { BatchSize } from './batch-size.ts';

const DATAGRAM = 1128;
const salt = new Uint8Array(16);
const token = new Uint8Array(8);

test('batches come to fill a datagram, and one that does not fit is rare', () => {
  const records = cityRecords(7, 20_000);
  const size = new BatchSize({ recordsMax: BOUNDS.recordsPerBatch, bytesMax: DATAGRAM });
  const sent: number[] = [];
  let tooLarge = 0;
  for (let at = 0; at < records.length; ) {
    const some = records.slice(at, at + size.recordsOf('backlog'));
    const { length } = encodeBatch({ salt, token, batch: 1, records: some });
    size.encoded('backlog', some.length, length);
    if (length > DATAGRAM) tooLarge += 1;
    else {
      at += some.length;
      sent.push(length);
    }
  }
  const settled = sent.slice(10, -1);
  expect(settled.reduce((sum, bytes) => sum + bytes, 0) / settled.length / DATAGRAM).toBeGreaterThan(0.95);
  expect(tooLarge).toBeLessThanOrEqual(1);
});

test('a batch of few says nothing of how many would fit, and one that does not fit does', () => {
  const size = new BatchSize({ recordsMax: 1024, bytesMax: DATAGRAM });
  size.encoded('live', 90, 64 + 90 * 11);
  const { live } = { live: size.recordsOf('live') };
  expect(live).toBe(93);
  size.encoded('live', 2, 111);
  expect(size.recordsOf('live')).toBe(live);
  size.encoded('live', 93, 64 + 93 * 22);
  expect(size.recordsOf('live')).toBe(46);
  expect(size.recordsOf('backlog')).toBe(16);
});

test('a record that fills a batch alone goes alone', () => {
  const size = new BatchSize({ recordsMax: 1024, bytesMax: DATAGRAM });
  size.encoded('urgent', 4, 4000);
  expect(size.recordsOf('urgent')).toBe(1);
});

test('on a link that takes large batches slowly they become smaller, and larger again; never those of the urgent lane', () => {
  const size = new BatchSize({ recordsMax: 1024, bytesMax: 65_536 });
  expect(size.recordsOf('live')).toBe(128);
  for (let turn = 0; turn < 9; turn += 1) size.handedOn(128, 3000);
  expect(size.recordsOf('live')).toBe(16);
  expect(size.recordsOf('urgent')).toBe(992);
  for (let turn = 0; turn < 9; turn += 1) size.handedOn(1024, 100);
  expect(size.recordsOf('live')).toBe(992);
});

test('a datagram is never too large for a slow link', () => {
  const size = new BatchSize({ recordsMax: 1024, bytesMax: DATAGRAM });
  const before = size.recordsOf('live');
  size.handedOn(before, 10_000);
  size.lost();
  expect(size.recordsOf('live')).toBe(before);
});
