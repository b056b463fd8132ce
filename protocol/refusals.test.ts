/** What no writer of ours writes, built bit by bit: each is refused for its own reason. */
import { describe, expect, it } from 'vitest';
import { codeOf } from '../test/protocol/error-code.ts';
import { decodeBatch, decodePreamble, encodeBatch } from './batch-codec.ts';
import { BitWriter } from './codec/bit-writer.ts';
import { crc32c } from './codec/crc32c.ts';
import { PREAMBLE_BYTES, writePreamble } from './codec/preamble.ts';
import { writeName } from './codec/text.ts';
import { WELL_KNOWN_TEXTS } from './codec/well-known-texts.ts';
import type { ProtocolErrorCode } from './errors.ts';
import type { Flag, SequencedRecord } from './record.ts';

const NAME = { salt: new Uint8Array(16), batch: 1, token: new Uint8Array(8) };

type Part = (writer: BitWriter) => void;

/** One record of the station `a` without a metric, but for the parts given. */
interface Parts {
  readonly ranges?: Part;
  readonly stations?: Part;
  readonly dictionary?: Part;
  readonly info?: Part;
  readonly columns?: Part;
  readonly end?: Part;
}

function head(writer: BitWriter): void {
  writer.signed(0);
  writer.signed(0);
  writer.signed(0);
  writer.flag(false);
}

const ONE_RECORD: Part = (writer) => {
  writer.count(0);
  writer.number(0);
  writer.number(0);
};

function bodyOf({ ranges = ONE_RECORD, stations, dictionary, info, columns, end }: Parts): Uint8Array {
  const writer = new BitWriter();
  ranges(writer);
  if (stations === undefined) {
    writer.count(0);
    writeName(writer, 'a');
  } else stations(writer);
  if (dictionary === undefined) {
    writer.count(0);
    writer.count(0);
  } else dictionary(writer);
  head(writer);
  writer.flag(info !== undefined);
  info?.(writer);
  columns?.(writer);
  end?.(writer);
  return writer.finish();
}

function sealed(body: Uint8Array, version = 1): Uint8Array {
  const bytes = new Uint8Array(PREAMBLE_BYTES + body.length + 4);
  bytes.set(body, PREAMBLE_BYTES);
  new DataView(bytes.buffer).setUint32(bytes.length - 4, crc32c(body));
  writePreamble(bytes, { ...NAME, version });
  return bytes;
}

/** A text that was not known before, in UTF-8. */
function newText(writer: BitWriter, bytes: readonly number[]): void {
  writer.bits(WELL_KNOWN_TEXTS.length, 6);
  writer.bits(0, 2);
  writer.count(bytes.length);
  writer.bytes(Uint8Array.from(bytes));
}

const temperatureTwice: Part = (writer) => {
  writer.count(1);
  writer.count(0);
  writer.count(1);
  writer.bits(0, 2);
  writeName(writer, 'temperature');
};

function named(type: number, name: string): Part {
  return (writer) => {
    writer.count(0);
    writer.count(1);
    writer.bits(type, 2);
    writeName(writer, name);
  };
}

/** Neither a value nor a flag. */
const noCell: Part = (writer) => {
  writer.flag(false);
  writer.flag(false);
};

/** No value, and a flag. */
const onlyFlag: Part = (writer) => {
  writer.flag(false);
  writer.flag(true);
  writer.signed(3);
};

/** Two records, of two stations called so, each record of the station that it is said to be. */
function twoStations(names: readonly [string, string], ofEach: readonly [number, number]): Uint8Array {
  const writer = new BitWriter();
  writer.count(0);
  writer.number(0);
  writer.number(1);
  writer.count(1);
  for (const name of names) writeName(writer, name);
  writer.bits(0b001, 3);
  writer.signed(0);
  writer.bits(2, 6);
  for (const number of ofEach) writer.bits(number, 2);
  writer.count(0);
  writer.count(0);
  for (let block = 0; block < 2; block += 1) {
    head(writer);
    writer.flag(false);
  }
  return writer.finish();
}

describe('a body that is whole as far as its checksum says', () => {
  it('is read when it breaks no rule', () => {
    expect(decodeBatch(sealed(bodyOf({}))).records).toHaveLength(1);
    expect(decodeBatch(sealed(twoStations(['a', 'b'], [1, 0]))).records.map(({ station }) => station)).toEqual([
      'b',
      'a',
    ]);
    const byName = bodyOf({ dictionary: named(0, 'temperature'), columns: onlyFlag });
    expect(decodeBatch(sealed(byName)).records).toHaveLength(1);
  });

  it.each<[ProtocolErrorCode, string, Uint8Array]>([
    [
      'UNREADABLE',
      'a sequence of 49 bits',
      bodyOf({
        ranges: (writer) => {
          writer.count(0);
          writer.number(2 ** 48 - 1);
          writer.number(0);
        },
      }),
    ],
    [
      'BOUNDS',
      '1,025 records',
      bodyOf({
        ranges: (writer) => {
          writer.count(0);
          writer.number(0);
          writer.number(1024);
        },
      }),
    ],
    [
      'BOUNDS',
      '257 ranges',
      bodyOf({
        ranges: (writer) => {
          writer.count(256);
          for (let range = 0; range < 257; range += 1) {
            writer.number(1);
            writer.number(0);
          }
        },
      }),
    ],
    [
      'UNREADABLE',
      'two stations for one record',
      bodyOf({
        stations: (writer) => {
          writer.count(1);
          writeName(writer, 'a');
          writeName(writer, 'b');
        },
      }),
    ],
    ['INVALID', 'a station that stands twice', twoStations(['a', 'a'], [0, 1])],
    ['UNREADABLE', 'a station without a record', twoStations(['a', 'b'], [0, 0])],
    ['UNREADABLE', 'a station that there is not', twoStations(['a', 'b'], [0, 2])],
    [
      'INVALID',
      'a station that begins with a dash',
      bodyOf({
        stations: (writer) => {
          writer.count(0);
          writeName(writer, '-a');
        },
      }),
    ],
    [
      'UNREADABLE',
      'a name of other characters',
      bodyOf({
        stations: (writer) => {
          writer.count(0);
          writer.bits(1, 6);
          writer.bits(63, 6);
        },
      }),
    ],
    ['INVALID', 'a metric called as a key of the record', bodyOf({ dictionary: named(0, 'id'), columns: onlyFlag })],
    ['UNREADABLE', 'a metric of a fourth type', bodyOf({ dictionary: named(3, 'x'), columns: onlyFlag })],
    [
      'INVALID',
      'a metric of no known number',
      bodyOf({
        dictionary: (writer) => {
          writer.count(1);
          writer.count(49);
          writer.count(0);
        },
        columns: onlyFlag,
      }),
    ],
    ['UNREADABLE', 'a metric without a value or a flag', bodyOf({ dictionary: named(0, 'x'), columns: noCell })],
    ['BOUNDS', '257 metrics', bodyOf({ dictionary: (writer) => writer.count(257) })],
    [
      'INVALID',
      'a value that stands twice',
      bodyOf({
        dictionary: temperatureTwice,
        columns: (writer) => {
          for (let column = 0; column < 2; column += 1) {
            writer.flag(true);
            writer.bits(0, 4);
            writer.signed(5);
            writer.flag(false);
          }
        },
      }),
    ],
    [
      'INVALID',
      'a flag that stands twice',
      bodyOf({
        dictionary: temperatureTwice,
        columns: (writer) => {
          onlyFlag(writer);
          onlyFlag(writer);
        },
      }),
    ],
    [
      'INVALID',
      'a flag of no known number',
      bodyOf({
        dictionary: named(0, 'x'),
        columns: (writer) => {
          writer.flag(false);
          writer.flag(true);
          writer.signed(4);
        },
      }),
    ],
    [
      'INVALID',
      'a value that is a NaN',
      bodyOf({
        dictionary: named(0, 'x'),
        columns: (writer) => {
          writer.flag(true);
          writer.bits(15, 4);
          writer.float64(Number.NaN);
          writer.flag(false);
        },
      }),
    ],
    [
      'INVALID',
      'a value that is -0',
      bodyOf({
        dictionary: named(0, 'x'),
        columns: (writer) => {
          writer.flag(true);
          writer.bits(15, 4);
          writer.float64(-0);
          writer.flag(false);
        },
      }),
    ],
    [
      'INVALID',
      'a key of info that stands twice',
      bodyOf({
        info: (writer) => {
          writer.count(2);
          for (let key = 0; key < 2; key += 1) {
            writer.bits(0, 6);
            writer.bits(0, 3);
          }
        },
      }),
    ],
    [
      'INVALID',
      'a key of info that would be none',
      bodyOf({
        info: (writer) => {
          writer.count(1);
          newText(writer, [...Buffer.from('__proto__')]);
          writer.bits(0, 3);
        },
      }),
    ],
    [
      'INVALID',
      'a text that is not UTF-8',
      bodyOf({
        info: (writer) => {
          writer.count(1);
          newText(writer, [0xed, 0xa0, 0x80]);
          writer.bits(0, 3);
        },
      }),
    ],
    [
      'UNREADABLE',
      'a text that was not written before',
      bodyOf({
        info: (writer) => {
          writer.count(1);
          writer.bits(WELL_KNOWN_TEXTS.length + 1, 6);
          writer.bits(0, 3);
        },
      }),
    ],
    [
      'BOUNDS',
      'info of nine levels',
      bodyOf({
        info: (writer) => {
          for (let level = 0; level < 9; level += 1) {
            writer.count(1);
            writer.bits(0, 6);
            writer.bits(6, 3);
          }
          writer.count(0);
        },
      }),
    ],
    ['UNREADABLE', 'a bit after the end', bodyOf({ end: (writer) => writer.flag(true) })],
    ['UNREADABLE', 'a byte after the end', bodyOf({ end: (writer) => writer.bits(0, 8) })],
  ])('%s: %s', (code, _, body) => {
    expect(codeOf(() => decodeBatch(sealed(body)))).toBe(code);
  });

  it('ends where it ends: no bit of the fill is set', () => {
    for (let width = 1; width <= 8; width += 1) {
      const body = bodyOf({ end: (writer) => writer.bits(1, width) });
      expect(codeOf(() => decodeBatch(sealed(body)))).toBe('UNREADABLE');
    }
  });

  it('of a version that is not known can be answered, and of version 0 is none', () => {
    const newer = sealed(bodyOf({}), 2);
    expect(codeOf(() => decodeBatch(newer))).toBe('VERSION');
    expect(decodePreamble(newer).version).toBe(2);
    expect(codeOf(() => decodePreamble(sealed(bodyOf({}), 0)))).toBe('NOT_A_BATCH');
  });

  it('is read where a metric of the registry has another type, which is for the centre to judge', () => {
    const body = bodyOf({ dictionary: named(2, 'temperature'), columns: onlyFlag });
    expect(decodeBatch(sealed(body)).records).toHaveLength(1);
  });

  it('counts a flag without a value as a value', () => {
    const flags = Object.fromEntries(Array.from({ length: 17 }, (_, index) => [`m${index}`, 9 as Flag]));
    const records = Array.from({ length: 1024 }, (_, row): SequencedRecord => {
      return { sequence: row + 1, station: 'a', kind: 'sample', timestampMs: 0, clock: 'rtc', metrics: {}, flags };
    });
    expect(codeOf(() => encodeBatch({ ...NAME, records }))).toBe('BOUNDS');
    expect(codeOf(() => encodeBatch({ ...NAME, records: records.slice(64) }))).toBeUndefined();
  });
});
