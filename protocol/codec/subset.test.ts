import { expect, it } from 'vitest';
import { BitReader } from './bit-reader.ts';
import { BitWriter } from './bit-writer.ts';
import { readSubset, writeSubset } from './subset.ts';

const ROWS = 1000;

it.each<[string, (row: number) => boolean]>([
  ['none', () => false],
  ['all', () => true],
  ['one', (row) => row === 500],
  ['all but one', (row) => row !== 500],
  ['every tenth', (row) => row % 10 === 3],
  ['all but every tenth', (row) => row % 10 !== 3],
  ['the first half', (row) => row < ROWS / 2],
])('says in a few bytes: %s', (_, isMember) => {
  const rows = Array.from({ length: ROWS }, (__, row) => isMember(row));
  const writer = new BitWriter();
  writeSubset(writer, rows);
  const bytes = writer.finish();
  expect(bytes.length).toBeLessThanOrEqual(8);
  expect(readSubset(new BitReader(bytes), ROWS)).toEqual(rows);
});
