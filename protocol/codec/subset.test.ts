import { expect, it } from 'vitest';
import { ProtocolError } from '../errors.ts';
import { BitReader } from './bit-reader.ts';
import { BitWriter } from './bit-writer.ts';
import { planIntegers } from './integer-column.ts';
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
  expect(readSubset(new BitReader(bytes), ROWS)).toEqual([...rows.keys()].filter(isMember));
});

/** A list of rows: of members, or of the others. */
function listOf(isOfMembers: boolean, rows: readonly number[]): BitReader {
  const writer = new BitWriter();
  writer.bits(3, 2);
  writer.flag(isOfMembers);
  writer.count(rows.length - 1);
  planIntegers(rows).write(writer);
  return new BitReader(writer.finish());
}

it('takes a list of any members, and of others where they are no more than the members', () => {
  expect(readSubset(listOf(true, [0, 1, 3]), 4)).toEqual([0, 1, 3]);
  expect(readSubset(listOf(false, [0, 2]), 4)).toEqual([1, 3]);
});

it('refuses a list that is longer than it may be, or does not ascend within the rows', () => {
  const lists: [boolean, number[]][] = [
    [true, [0, 1, 2, 3, 4]],
    [false, [0, 1, 2]],
    [true, [2, 1]],
    [true, [1, 1]],
    [false, [1, 1]],
    [true, [4]],
    [true, [-1, 0]],
  ];
  for (const [isOfMembers, rows] of lists) {
    expect(() => readSubset(listOf(isOfMembers, rows), 4), rows.join()).toThrow(ProtocolError);
  }
});

it('costs what it says, not what there is to say it of', () => {
  const many = 2 ** 40;
  const none = new BitWriter();
  none.bits(0, 2);
  expect(readSubset(new BitReader(none.finish()), many)).toEqual([]);
  expect(readSubset(listOf(true, [7, 2 ** 39]), many)).toEqual([7, 2 ** 39]);
});
