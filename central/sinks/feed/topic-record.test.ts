import { expect, test } from 'vitest';
import { flatOf, runOf } from '../../../test/conformance/entries.ts';
import { storeRecordOf } from './topic-record.ts';

const flat = flatOf(runOf(1), 7);
const message = (change: object): Buffer => Buffer.from(JSON.stringify({ ...flat, ...change }));

test('a record is read as it stands, with its place', () => {
  expect(storeRecordOf(message({}))).toEqual({
    flat,
    json: JSON.stringify(flat),
    place: { run: runOf(1), sequence: 7 },
  });
});

test.each([
  { clock: undefined },
  { clock: 5 },
  { station: null },
  { timestamp: '2026-01-31' },
  { received_at: { toString: 1 } },
  { received_at: 'yesterday' },
])('what every sink relies on is checked: %o', (change) => {
  expect(() => storeRecordOf(message(change))).toThrow(expect.objectContaining({ code: 'RECORD_INVALID' }));
});

test('what is nested so deep that no program could write it again is refused, on one line or on two', () => {
  const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
  for (const end of ['', '\n']) {
    const text = `${JSON.stringify(flat).slice(0, -1)},"info":${deep}}${end}`;
    expect(() => storeRecordOf(Buffer.from(text))).toThrow(expect.objectContaining({ code: 'RECORD_INVALID' }));
  }
});
