import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { codeOf } from '../test/protocol/error-code.ts';
import { anyBatchName, anyRecords } from '../test/protocol/records.ts';
import { BATCH_VERSION, decodeBatch, decodePreamble, encodeBatch, encodedRecordBytes } from './batch-codec.ts';
import type { ProtocolErrorCode } from './errors.ts';
import { BOUNDS, type Flag, type Info, type MetricValue, type SequencedRecord } from './record.ts';

const NAME = { salt: new Uint8Array(16).fill(0xa5), batch: 7, token: new Uint8Array(8).fill(0x5a) };

function record(overrides: Partial<SequencedRecord> = {}): SequencedRecord {
  return {
    sequence: 1,
    station: 'city-1',
    kind: 'sample',
    timestampMs: 1_764_000_000_000,
    clock: 'synced',
    metrics: { temperature: 21.4 },
    flags: {},
    ...overrides,
  };
}

function records(count: number, of: (row: number) => Partial<SequencedRecord> = () => ({})): SequencedRecord[] {
  return Array.from({ length: count }, (_, row) => record({ sequence: row + 1, ...of(row) }));
}

function encode(...list: readonly SequencedRecord[]): Uint8Array {
  return encodeBatch({ ...NAME, records: list });
}

/** The code of the ProtocolError that `run` throws; any other error is the test's failure. */
describe('a batch', () => {
  it('gives any records back, bit for bit', () => {
    fc.assert(
      fc.property(anyBatchName, anyRecords, (name, list) => {
        const bytes = encodeBatch({ ...name, records: list });
        assert.deepStrictEqual(decodeBatch(bytes), { version: BATCH_VERSION, ...name, records: list });
        assert.deepStrictEqual(decodePreamble(bytes), { version: BATCH_VERSION, ...name });
      }),
      { numRuns: 2000 },
    );
  });

  it('encodes the same records to the same bytes, and what it decodes to the same bytes again', () => {
    fc.assert(
      fc.property(anyRecords, (list) => {
        const bytes = encode(...list);
        // Metrics come back in the dictionary's order, which is the only thing that may differ once.
        const again = encodeBatch(decodeBatch(bytes));
        assert.deepStrictEqual(encodeBatch(decodeBatch(again)), again);
        assert.equal(again.length, bytes.length);
      }),
      { numRuns: 300 },
    );
  });

  it('is read out of a Buffer without holding on to it', () => {
    const received = Buffer.concat([Buffer.alloc(3), encode(record())]).subarray(3);
    const { salt, token } = decodeBatch(received);
    expect([salt.buffer.byteLength, token.buffer.byteLength]).toEqual([16, 8]);
    expect([salt, token]).toEqual([NAME.salt, NAME.token]);
  });

  it('leaves a pass flag out, which says the same', () => {
    const [decoded] = decodeBatch(encode(record({ flags: { temperature: 1 } }))).records;
    expect(decoded?.flags).toEqual({});
  });

  it('keeps one name apart that two records use with two types', () => {
    const list = records(4, (row) => ({
      metrics: { x_state: row % 2 === 0 ? row : `state ${row}` },
      flags: row === 3 ? { x_state: 3 } : {},
    }));
    expect(decodeBatch(encode(...list)).records).toEqual(list);
  });

  it('carries 1,024 records, 256 ranges, 256 metrics and texts of 128 bytes', () => {
    const metrics = Object.fromEntries(Array.from({ length: 256 }, (_, index) => [`m${index}`, index / 10]));
    const list = records(1024, (row) => ({
      sequence: row < 256 ? row * 2 + 1 : 255 * 2 + 1 + (row - 255),
      metrics: row === 500 ? metrics : { m0: row },
    }));
    expect(decodeBatch(encode(...list)).records).toEqual(list);
    const text = record({ metrics: { modem_state: 'é'.repeat(64) } });
    expect(decodeBatch(encode(text)).records).toEqual([text]);
  });
});

describe('the size of a batch', () => {
  const nine = { temperature: 24.31, humidity: 61.02, pressure: 1013.2, air_quality: 203.4, particulate_matter: 30.1 };
  const metrics = { ...nine, noise_level: 48.8, illuminance: 512.4, wind_speed: 5.31, rainfall: 2.2 };

  it('is the same for a record alone as what is said of it before it is appended', () => {
    fc.assert(
      fc.property(anyRecords, ([first]) => {
        assert(first !== undefined);
        expect(encodedRecordBytes(first)).toBe(encode(first).length);
      }),
      { numRuns: 100 },
    );
  });

  it('is below 90 bytes for one record of nine metrics', () => {
    expect(encodedRecordBytes(record({ metrics }))).toBeLessThan(90);
  });

  it('hardly grows by what never changes: station, kind, clock, place, and a steady tick', () => {
    const steady = (count: number): number =>
      encode(
        ...records(count, (row) => ({ timestampMs: 1000 * row, location: { lat: 42.5, lon: 3.2, alt: 2 }, metrics })),
      ).length;
    expect(steady(1000) - steady(10)).toBeLessThan(8);
  });

  it('does not suffer from a second station with quite other values', () => {
    const one = encode(...records(60, (row) => ({ metrics: { pressure: 1013 + (row % 7) / 10 } }))).length;
    const other = encode(...records(60, (row) => ({ metrics: { pressure: 803 + (row % 5) / 100 } }))).length;
    const both = encode(
      ...records(120, (row) => {
        const tick = row >> 1;
        const pressure = row % 2 === 0 ? 1013 + (tick % 7) / 10 : 803 + (tick % 5) / 100;
        return { station: row % 2 === 0 ? 'low' : 'high', metrics: { pressure } };
      }),
    ).length;
    expect(both).toBeLessThan(one + other);
  });

  it('is small for a gap with many ranges', () => {
    const ranges = Array.from({ length: 100 }, (_, index) => [index * 10 + 1, index * 10 + 9]);
    const info: Info = { run: 'a1'.repeat(16), ranges: ranges as [number, number][], count: 900, reason: 'dropped' };
    expect(encodedRecordBytes(record({ station: '_gateway', kind: 'gap', metrics: {}, info }))).toBeLessThan(350);
  });
});

describe('what may not be encoded', () => {
  const invalid: readonly [string, Partial<SequencedRecord>][] = [
    ['a NaN', { metrics: { temperature: Number.NaN } }],
    ['an infinity', { metrics: { temperature: Number.POSITIVE_INFINITY } }],
    ['a -0', { metrics: { temperature: -0 } }],
    ['a -0 in info', { info: { value: -0 } }],
    ['a NaN in a list of info', { info: { values: [1, Number.NaN] } }],
    ['a null', { metrics: { temperature: null as unknown as MetricValue } }],
    ['no value', { metrics: { temperature: undefined as unknown as MetricValue } }],
    ['a metric called as a key of the record', { metrics: { timestamp: 1 } }],
    ['a metric called as a reserved key', { metrics: { unit: 'K' } }],
    ['a metric with a capital', { metrics: { Temperature: 1 } }],
    ['a metric without a name', { metrics: { '': 1 } }],
    ['a metric with a name of 49 characters', { metrics: { [`a${'b'.repeat(48)}`]: 1 } }],
    ['a registered metric of another type', { metrics: { temperature: 'warm' } }],
    ['a registered switch that is a number', { metrics: { door_open: 1 } }],
    ['a flag without a number', { flags: { temperature: 5 as Flag } }],
    ['a flag for a name that no metric may have', { flags: { id: 9 } }],
    ['half a surrogate pair', { metrics: { modem_state: '\uD83D' } }],
    ['half a surrogate pair in info', { info: { reason: 'a\uDC00' } }],
    ['a key of info that would be no key', { info: JSON.parse('{"__proto__": 1}') as Info }],
    ['an undefined in info', { info: { a: undefined as unknown as null } }],
    ['a station with a space', { station: 'city 1' }],
    ['a station without a name', { station: '' }],
    ['a kind of its own', { kind: 'samples' as 'sample' }],
    ['a clock of its own', { clock: 'ntp' as 'synced' }],
    ['a time before 1970', { timestampMs: -1 }],
    ['a time after 9999', { timestampMs: BOUNDS.timestampMsMax + 1 }],
    ['half a millisecond', { timestampMs: 0.5 }],
    ['the sequence 0', { sequence: 0 }],
    ['a sequence of 49 bits', { sequence: 2 ** 48 }],
    ['a place beyond the pole', { location: { lat: 90.1, lon: 0 } }],
    ['a place without a longitude', { location: { lat: 1, lon: Number.NaN } }],
  ];

  it.each(invalid)('INVALID: %s', (_, overrides) => {
    expect(codeOf(() => encode(record(overrides)))).toBe('INVALID');
  });

  it.each([
    ['no record', []],
    ['a sequence twice', [record(), record()]],
    ['sequences that descend', [record({ sequence: 2 }), record({ sequence: 1 })]],
  ])('INVALID: %s', (_, list) => {
    expect(codeOf(() => encode(...list))).toBe('INVALID');
  });

  it.each([
    ['a salt of 15 bytes', { salt: new Uint8Array(15) }],
    ['a token of 9 bytes', { token: new Uint8Array(9) }],
    ['a batch number of 33 bits', { batch: 2 ** 32 }],
    ['a batch number below 0', { batch: -1 }],
  ])('INVALID: %s', (_, overrides) => {
    expect(codeOf(() => encodeBatch({ ...NAME, records: [record()], ...overrides }))).toBe('INVALID');
  });

  let nested: Info = { a: 1 };
  for (let depth = 1; depth < BOUNDS.infoDepth; depth += 1) nested = { a: nested };
  const wide = Object.fromEntries(Array.from({ length: 257 }, (_, index) => [`m${index}`, 1]));

  it.each([
    ['1,025 records', records(1025)],
    ['257 ranges', records(257, (row) => ({ sequence: 2 * row + 1 }))],
    ['257 metrics', [record({ metrics: wide })]],
    ['16,385 values', records(1024, () => ({ metrics: Object.fromEntries(Object.entries(wide).slice(0, 17)) }))],
    ['a text of 129 bytes', [record({ metrics: { modem_state: 'x'.repeat(129) } })]],
    ['a text of 513 bytes in info', [record({ info: { reason: 'x'.repeat(513) } })]],
    ['info of nine levels', [record({ info: { a: nested } })]],
    ['a list of nine levels', [record({ info: { a: [[[[[[[[1]]]]]]]] } })]],
    [
      'more than 64 KiB',
      records(1024, (row) => ({
        metrics: {
          a: Math.PI * row + 1,
          b: Math.E * row + 1,
          c: 1 / (row + 3),
          d: Math.sqrt(row),
          e: Math.cbrt(row),
          f: Math.sin(row + 1),
          g: Math.cos(row),
          h: Math.tan(row + 1),
          i: Math.log(row + 2),
        },
      })),
    ],
    ['more than 512 KiB as JSON', records(1024, () => ({ info: { reason: 'x'.repeat(500) } }))],
  ])('BOUNDS: %s', (_, list) => {
    expect(codeOf(() => encode(...list))).toBe('BOUNDS');
  });

  it('takes info of eight levels', () => {
    const deep = record({ info: nested });
    expect(decodeBatch(encode(deep)).records).toEqual([deep]);
  });
});

describe('a batch that is damaged, cut or foreign', () => {
  const whole = encode(...records(20));
  const refuse = (bytes: Uint8Array): ProtocolErrorCode | undefined => codeOf(() => decodeBatch(bytes));

  it('has an unreadable preamble for every bit that flips there', () => {
    for (let bit = 0; bit < 38 * 8; bit += 1) {
      const bytes = whole.slice();
      bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(codeOf(() => decodePreamble(bytes))).toBe('NOT_A_BATCH');
      expect(refuse(bytes)).toBe('NOT_A_BATCH');
    }
  });

  it('has an unreadable body for every bit that flips there, and can be answered', () => {
    for (let bit = 38 * 8; bit < whole.length * 8; bit += 1) {
      const bytes = whole.slice();
      bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(refuse(bytes)).toBe('UNREADABLE');
      expect(decodePreamble(bytes).batch).toBe(NAME.batch);
    }
  });

  it('is unreadable when it was cut after the preamble, or goes on after its end', () => {
    for (let length = 38; length < whole.length; length += 1)
      expect(refuse(whole.subarray(0, length))).toBe('UNREADABLE');
    expect(refuse(Buffer.concat([whole, Buffer.alloc(1)]))).toBe('UNREADABLE');
    for (let length = 0; length < 38; length += 1) expect(refuse(whole.subarray(0, length))).toBe('NOT_A_BATCH');
  });
});
