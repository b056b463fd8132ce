import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isRunId, parseRecordId, recordIdOf, runIdOf } from './ids.ts';
import { BOUNDS } from './record.ts';

const SALT = Uint8Array.from({ length: 16 }, (_, index) => index);
/** Worked out apart from this code: SHA-256 begins ae5dc7dc0834 08ce 5b3c. */
const RUN = 'ae5dc7dc-0834-808c-b96c';

const anySalt = fc.uint8Array({ minLength: 16, maxLength: 16 });
const anySequence = fc.integer({ min: 1, max: BOUNDS.sequenceMax });

describe('the id of a run', () => {
  it('is the known one for a known gateway and salt', () => {
    expect(runIdOf('plaka', SALT)).toBe(RUN);
  });

  it('is that of a UUIDv8, and another for another gateway or salt', () => {
    fc.assert(
      fc.property(anySalt, anySalt, (salt, other) => {
        const run = runIdOf('plaka', salt);
        expect(run).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}$/);
        expect(isRunId(run)).toBe(true);
        expect(runIdOf('plaka2', salt)).not.toBe(run);
        expect(runIdOf('plaka', other) === run).toBe(Buffer.compare(salt, other) === 0);
      }),
    );
  });

  it.each([15, 17, 0])('needs 16 bytes of salt, not %d', (length) => {
    expect(() => runIdOf('plaka', new Uint8Array(length))).toThrow(RangeError);
  });

  it.each(['', RUN.toUpperCase(), RUN.replace('-8', '-4'), `${RUN}-`, RUN.slice(1), `${RUN.slice(0, -4)}c96c`])(
    'is not %j',
    (text) => {
      expect(isRunId(text)).toBe(false);
    },
  );
});

describe('the id of a record', () => {
  it('is its run and its sequence in hex', () => {
    expect(recordIdOf(RUN, 42)).toBe(`${RUN}-00000000002a`);
    expect(recordIdOf(RUN, BOUNDS.sequenceMax)).toBe(`${RUN}-ffffffffffff`);
  });

  it('tells both again', () => {
    fc.assert(
      fc.property(anySalt, anySequence, (salt, sequence) => {
        const run = runIdOf('plaka', salt);
        expect(parseRecordId(recordIdOf(run, sequence))).toEqual({ run, sequence });
      }),
    );
  });

  it.each([0, -1, 1.5, 2 ** 48, Number.NaN])('has no sequence %d', (sequence) => {
    expect(() => recordIdOf(RUN, sequence)).toThrow(RangeError);
  });

  it.each([
    '',
    RUN,
    `${RUN}-000000000000`,
    `${RUN}-00000000002A`,
    `${RUN}-0000000002a`,
    `${RUN}-00000000002a0`,
    `${RUN}-00000000002a\n`,
    '3f2a9c1e-77b0-4d31-9e4c-00000000002a',
  ])('is not %j', (id) => {
    expect(parseRecordId(id)).toBeUndefined();
  });
});
