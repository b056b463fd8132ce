import { expect, test } from 'vitest';
import { flatOf, runOf } from '../../../test/conformance/entries.ts';
import { foreignOf, lostInTimeOf } from '../../../test/conformance/remote-records.ts';
import type { FlatRecord } from '../../recordlog/recordlog.ts';
import { hourFileOf, userOf } from './hour-file.ts';

const flat = flatOf(runOf(1), 1);
const RECEIVED = '2026-02-01T12:00:00.000Z';
const fileAt = (timestamp: string, received_at: unknown): string =>
  hourFileOf({ ...flat, timestamp, received_at } as FlatRecord);

test('a time that can be right has its hour, and any other the day of the receipt', () => {
  expect(fileAt('2026-02-03T11:59:59.999Z', RECEIVED)).toBe('2026/02/03/11.ndjson');
  expect(fileAt('2026-02-03T12:00:00.001Z', RECEIVED)).toBe('undated/2026-02-01.ndjson');
  expect(fileAt('2025-01-24T12:00:00.000Z', RECEIVED)).toBe('2025/01/24/12.ndjson');
  expect(fileAt('2025-01-24T11:59:59.999Z', RECEIVED)).toBe('undated/2026-02-01.ndjson');
  expect(fileAt('9999-12-31T23:59:59.999Z', undefined)).toBe('9999/12/31/23.ndjson');
});

test.each(['tomorrow', [], '../../x'])('a receipt that is none leads nowhere else: %o', (received) => {
  expect(fileAt('2026-02-01T00:00:00.000Z', received)).toBe('undated/undated.ndjson');
});

test('ten thousand clocks that are wrong make one file more than those that are right', () => {
  const files = new Set(lostInTimeOf((number) => String(number), 10_000, 1).map((lost) => hourFileOf(lost)));
  const dated = [...files].filter((file) => !file.startsWith('undated/'));
  expect(files.size - dated.length).toBe(1);
  for (const file of dated) expect(file).toMatch(/^202[56]\//);
});

test('with the layout by user, a folder is that of the user in the registry, or of the gateway', () => {
  expect(hourFileOf(flat, 'user')).toBe('user/plaka/2026/01/31/22.ndjson');
  const ofUser = (user: unknown): string =>
    userOf({ ...foreignOf(1), info: { user: 'mallory', tags: { user } } } as unknown as FlatRecord);
  expect(ofUser('amelie')).toBe('amelie');
  expect(ofUser('Amélie Poulain')).toMatch(/^am-lie-poulain-[0-9a-f]{8}$/);
  const alike = ['Μαρία', '李', 'Anna B', 'anna-b', 'anna b', `${'a'.repeat(80)}1`, `${'a'.repeat(80)}2`];
  expect(new Set(alike.map(ofUser)).size).toBe(alike.length);
  for (const none of [undefined, '', 5, {}]) expect(ofUser(none)).toBe('schools');
});

test.each(['..', '../../etc', '/', '.mooring', '-', '\u0000', 'a'.repeat(300)])(
  'no user has a folder elsewhere: %o',
  (user) => {
    const name = userOf({ ...flat, gateway: user });
    expect(name).toMatch(/^[a-z0-9_][a-z0-9._-]{0,62}$/);
  },
);
