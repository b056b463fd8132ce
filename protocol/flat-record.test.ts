import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ProtocolError } from './errors.ts';
import { flatRecordOf } from './flat-record.ts';
import { runIdOf } from './ids.ts';
import { BOUNDS, RESERVED_KEYS, type SequencedRecord } from './record.ts';

const SALT = Uint8Array.from({ length: 16 }, (_, index) => index);
const RUN = runIdOf('plaka', SALT);

function record(overrides: Partial<SequencedRecord> = {}): SequencedRecord {
  return {
    sequence: 42,
    station: 'city-1',
    kind: 'sample',
    timestampMs: Date.UTC(2026, 10, 24, 9, 30, 0, 250),
    clock: 'synced',
    metrics: { temperature: 21.4, door_open: false },
    flags: {},
    ...overrides,
  };
}

function jsonOf(overrides: Partial<SequencedRecord> = {}, receivedAtMs?: number): string {
  return JSON.stringify(flatRecordOf({ gateway: 'plaka', run: RUN, record: record(overrides), receivedAtMs }));
}

describe('a flat record', () => {
  it('has its own keys first, then its metrics, and no key for what it has not', () => {
    expect(jsonOf()).toBe(
      `{"id":"${RUN}-00000000002a","gateway":"plaka","station":"city-1","kind":"sample",` +
        '"timestamp":"2026-11-24T09:30:00.250Z","clock":"synced","temperature":21.4,"door_open":false}',
    );
    expect(jsonOf({ info: {} })).toBe(jsonOf());
  });

  it('has every part that there is', () => {
    const parts = {
      flags: { humidity: 9 },
      location: { lat: 42.480778, lon: 3.176833, alt: 2 },
      info: { event: 'boot' },
    } as const;
    expect(jsonOf(parts, 0)).toContain(
      '"clock":"synced","location":{"lat":42.480778,"lon":3.176833,"alt":2},"flags":{"humidity":9},' +
        '"info":{"event":"boot"},"received_at":"1970-01-01T00:00:00.000Z","temperature":21.4',
    );
  });

  it('has its times as ISO 8601 with milliseconds, whichever came before', () => {
    const { timestampMsMin, timestampMsMax } = BOUNDS;
    const day = Date.UTC(2026, 1, 28);
    const times = fc.oneof(
      fc.integer({ min: timestampMsMin, max: timestampMsMax }),
      fc.integer({ min: day, max: day + 2 * 86_400_000 }),
    );
    fc.assert(
      fc.property(times, times, (timestampMs, receivedAtMs) => {
        const flat = flatRecordOf({ gateway: 'plaka', run: RUN, record: record({ timestampMs }), receivedAtMs });
        expect(flat.timestamp).toBe(new Date(timestampMs).toISOString());
        expect(flat.received_at).toBe(new Date(receivedAtMs).toISOString());
      }),
      { numRuns: 2000, examples: [[timestampMsMin, timestampMsMax]] },
    );
  });

  it('names the run that a gap is about under the sender itself, whatever it says', () => {
    const info = { run: Buffer.from(SALT).toString('hex'), ranges: [[1, 5]], count: 5, reason: 'dropped' } as const;
    const gap = record({ kind: 'gap', metrics: {}, info });
    const flat = flatRecordOf({ gateway: 'plaka', run: RUN, record: gap });
    expect(flat.info).toEqual({ ...info, run: RUN });
    expect(flatRecordOf({ gateway: 'other', run: RUN, record: gap }).info).toEqual({
      ...info,
      run: runIdOf('other', SALT),
    });
    expect(gap.info).toBe(info);
  });

  it('refuses a gap whose run is no salt: a run’s id would be anybody’s', () => {
    for (const run of [RUN, '', '00'.repeat(17), 'AB'.repeat(16), 7, null, [RUN]]) {
      expect(() => jsonOf({ kind: 'gap', info: { run } }), String(run)).toThrow(ProtocolError);
    }
  });

  it('leaves a run alone that is not of a gap', () => {
    const salt = Buffer.from(SALT).toString('hex');
    for (const run of [salt, RUN]) expect(jsonOf({ kind: 'event', info: { run } })).toContain(`"run":"${run}"`);
    expect(jsonOf({ kind: 'gap', info: { reason: 'lost' } })).toContain('"info":{"reason":"lost"}');
  });

  it('refuses a metric that would stand where something else does', () => {
    for (const name of [...RESERVED_KEYS, '__proto__', 'Temperature', '']) {
      const metrics = Object.defineProperty({}, name, { value: 1, enumerable: true });
      expect(() => jsonOf({ metrics }), name).toThrow(ProtocolError);
    }
  });

  it('tells every time that a record may have, and no other', () => {
    expect(jsonOf({ timestampMs: BOUNDS.timestampMsMax })).toContain('"9999-12-31T23:59:59.999Z"');
    for (const timestampMs of [-1, BOUNDS.timestampMsMax + 1, Number.NaN]) {
      expect(() => jsonOf({ timestampMs })).toThrow(ProtocolError);
    }
  });
});
