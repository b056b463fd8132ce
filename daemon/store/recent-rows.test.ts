import { expect, test } from 'vitest';
import { RecentRows } from './recent-rows.ts';
import { LIVE_MS } from './store.ts';

test('rows are recent until they are as old as the live lane goes', () => {
  const recent = new RecentRows();
  recent.appended(1, 0);
  recent.appended(5, 1);
  expect(recent.firstRow(LIVE_MS - 1)).toBe(1);
  expect(recent.firstRow(LIVE_MS)).toBe(5);
  expect(recent.firstRow(LIVE_MS + 1)).toBeUndefined();
});

test('what is old is forgotten although nobody asks', () => {
  const recent = new RecentRows();
  recent.appended(1, 0);
  recent.appended(2, LIVE_MS);
  // Of a time that has passed: what was known then would still be there.
  expect(recent.firstRow(0)).toBe(2);
});
