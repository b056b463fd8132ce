import { expect, test } from 'vitest';
import { eventDayOf } from './event-date.ts';

const base = { id: 'x', gateway: 'plaka', station: 'buoy-7', kind: 'sample', clock: 'synced' };
const RECEIVED = '2026-02-01T12:00:00.000Z';

test.each([
  ['2026-01-31T23:59:59.999Z', '2026-01-31'],
  ['2026-02-03T12:00:00.000Z', '2026-02-03'],
  ['2026-02-03T12:00:00.001Z', 'undated'],
  ['2025-11-03T12:00:00.000Z', '2025-11-03'],
  ['2025-11-03T11:59:59.999Z', 'undated'],
  ['1970-01-01T00:00:00.000Z', 'undated'],
  ['9999-12-31T23:59:59.999Z', 'undated'],
])('%s, received in February 2026 with 90 days kept, is of %s', (timestamp, day) => {
  expect(eventDayOf({ ...base, timestamp, received_at: RECEIVED }, 90 * 86_400_000)).toBe(day);
});

test('kept for ever, a year and a week may pass before it is received', () => {
  expect(eventDayOf({ ...base, timestamp: '2025-01-25T00:00:00.000Z', received_at: RECEIVED })).toBe('2025-01-25');
  expect(eventDayOf({ ...base, timestamp: '2025-01-23T00:00:00.000Z', received_at: RECEIVED })).toBe('undated');
});
