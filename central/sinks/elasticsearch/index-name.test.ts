import { expect, test } from 'vitest';
import { foreignOf } from '../../../test/conformance/remote-records.ts';
import { endOf, indexOf } from './index-name.ts';

const flat = { ...foreignOf(1), timestamp: '2026-01-31T23:59:59.999Z', received_at: '2026-02-01T12:00:00.000Z' };

test('the index of a record follows from its own date', () => {
  expect(indexOf(flat, { index: 'm', period: 'day' })).toBe('m-2026.01.31');
  expect(indexOf(flat, { index: 'm', period: 'month' })).toBe('m-2026.01');
  expect(indexOf({ ...flat, timestamp: '1970-01-01T00:00:00.000Z' }, { index: 'm', period: 'day' })).toBe('m-undated');
  expect(indexOf(flat, { index: 'm', period: 'day', retentionMs: 1000 })).toBe('m-undated');
});

test.each([
  ['m-2026.01.31', '2026-02-01'],
  ['m-2026.12', '2027-01-01'],
  ['m-2024.02.29', '2024-03-01'],
  ['m-undated', undefined],
  ['m-2026', undefined],
  ['m-a-2026.01.31', undefined],
  ['other-2026.01.31', undefined],
  ['m-2026.01.31-old', undefined],
])('the time of %s is over at %s', (name, end) => {
  expect(endOf(name, 'm')).toBe(end === undefined ? undefined : Date.parse(end));
});
