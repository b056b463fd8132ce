import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { foreignIdOf, foreignRecordOf } from '../../central/formats/foreign-record.ts';
import type { ForeignMessage, Format, Parsed, Reading } from '../../central/formats/format.ts';
import type { FlatRecord } from '../../central/recordlog/recordlog.ts';
import { METRIC_NAME_PATTERN, type MetricValue, NAME_PATTERN } from '../../protocol/record.ts';
import { MooringError } from '../../runtime/errors.ts';

/** A message as a device sends it, and what it says. */
export interface FormatFixture {
  readonly name: string;
  readonly message: ForeignMessage;
  readonly parsed: Parsed;
}

/** A message, or a part of one, that says nothing. */
export interface BadMessage {
  readonly what: string;
  readonly message: ForeignMessage;
  /** Of the reason: the place and what is wrong there. */
  readonly reason: RegExp;
}

export interface FormatHarness {
  /** A new one each time; all say the same. */
  make(): Format;
  readonly fixtures: readonly FormatFixture[];
  /** Refused as a whole. */
  readonly malformed: readonly BadMessage[];
  /** One part is refused, the others are read. */
  readonly damaged: readonly BadMessage[];
  /** What is 0 or false in a message, by its metric. */
  readonly zero: { readonly message: ForeignMessage; readonly metrics: Readonly<Record<string, MetricValue>> };
  /** One reading twice, and the same with one value changed. */
  readonly twins: { readonly message: ForeignMessage; readonly copy: ForeignMessage; readonly other: ForeignMessage };
}

const RECEIVED_MS = Date.UTC(2026, 1, 1, 12);
const UUID_5 = /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const RUNS = 400;
/** What a JSON document may hold anywhere. */
const NASTY = [
  'null',
  '-0',
  '1e999',
  '1e-999',
  '""',
  '[]',
  '{}',
  'true',
  '"\\ud800"',
  '{"__proto__":{"v":1}}',
  '9e15',
  '-1',
];

export function messageOf(text: string | Uint8Array, topic?: string): ForeignMessage {
  return { bytes: typeof text === 'string' ? Buffer.from(text) : text, topic };
}

/**
 * The fixtures of a folder: each `NAME.parsed.json`, `{topic?, readings, refused?}`, says what the message in the file
 * `NAME.…` beside it says.
 */
export function fixturesIn(folder: string): readonly FormatFixture[] {
  const files = readdirSync(folder);
  return files
    .filter((file) => file.endsWith('.parsed.json'))
    .map((file) => {
      const name = file.slice(0, -'.parsed.json'.length);
      const original = files.find((other) => other !== file && other.startsWith(`${name}.`));
      const {
        topic,
        readings,
        refused = [],
      } = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Parsed & {
        topic?: string;
      };
      const bytes = readFileSync(join(folder, original ?? `${name} has no message`));
      return { name, message: { bytes, topic }, parsed: { readings, refused } };
    });
}

/** What every format must keep. */
export function describeFormat(name: string, harness: FormatHarness): void {
  describe(`format ${name}`, () => {
    const first = harness.fixtures[0] as FormatFixture;

    test.each(harness.fixtures.map((fixture) => [fixture.name, fixture] as const))(
      'says of %s what it says',
      (_, { message, parsed }) => {
        expect(plain(harness.make().parse(message))).toEqual(parsed);
        for (const reading of parsed.readings) expectSound(foreignRecordOf(partsOf(reading)));
      },
    );

    test.each(harness.malformed.map((bad) => [bad.what, bad] as const))(
      'refuses %s, and says where',
      (_, { message, reason }) => {
        const error = refusalOf(() => harness.make().parse(message));
        expect(error).toMatchObject({ code: 'RECORD_INVALID', message: expect.stringMatching(reason) });
      },
    );

    test.each(harness.damaged.map((bad) => [bad.what, bad] as const))(
      'refuses of a message only %s, and says where',
      (_, { message, reason }) => {
        const { readings, refused } = harness.make().parse(message);
        expect(readings.length).toBeGreaterThan(0);
        expect(refused.map((part) => part.reason)).toEqual([expect.stringMatching(reason)]);
        expect(refused[0]?.text).not.toBe('');
        for (const reading of readings) expectSound(foreignRecordOf(partsOf(reading)));
      },
    );

    test('0 and false are values', () => {
      const { readings } = harness.make().parse(harness.zero.message);
      const flats = readings.map((reading) => foreignRecordOf(partsOf(reading)));
      for (const [metric, value] of Object.entries(harness.zero.metrics)) {
        expect(
          flats.map((flat) => flat[metric]).filter((found) => found !== undefined),
          metric,
        ).toEqual([value]);
      }
    });

    test('one message says the same to every copy, each time, and stays as it was', () => {
      const format = harness.make();
      for (const { message } of harness.fixtures) {
        const before = Buffer.from(message.bytes);
        const said = format.parse(message);
        expect(format.parse(message)).toEqual(said);
        expect(harness.make().parse({ ...message, bytes: Uint8Array.from(message.bytes) })).toEqual(said);
        expect(Buffer.from(message.bytes).equals(before)).toBe(true);
        expect(said.readings.map(idOf)).toEqual(harness.make().parse(message).readings.map(idOf));
      }
    });

    test('two equal readings are one id, and another value, source or device is another', () => {
      const idsOf = (message: ForeignMessage): readonly string[] => harness.make().parse(message).readings.map(idOf);
      const { message, copy, other } = harness.twins;
      expect(new Set(idsOf(message)).size).toBe(idsOf(message).length);
      expect(idsOf(copy)).toEqual(idsOf(message));
      expect(idsOf(message)).not.toEqual(idsOf(other));
      for (const reading of harness.make().parse(message).readings) {
        expect(foreignIdOf('elsewhere', reading)).not.toBe(idOf(reading));
        expect(foreignIdOf('here', { ...reading, sourceId: `${reading.sourceId}2` })).not.toBe(idOf(reading));
      }
    });

    test('any bytes are a sound reading or refused', () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
          expectSoundOrRefused(harness, { ...first.message, bytes });
        }),
        { numRuns: RUNS },
      );
    });

    test('a message with bytes changed, cut out or repeated is sound readings or refused', () => {
      const arbitrary = fc.tuple(
        fc.constantFrom(...harness.fixtures),
        fc.nat(),
        fc.nat(40),
        fc.uint8Array({ maxLength: 8 }),
      );
      fc.assert(
        fc.property(arbitrary, ([{ message }, where, length, put]) => {
          const at = where % (message.bytes.length + 1);
          const bytes = [message.bytes.subarray(0, at), put, message.bytes.subarray(at + length)];
          expectSoundOrRefused(harness, { ...message, bytes: Buffer.concat(bytes) });
        }),
        { numRuns: RUNS },
      );
    });

    test('a message with any of its values another is sound readings or refused', () => {
      const value = fc.oneof(
        fc.constantFrom(...NASTY),
        fc.json({ maxDepth: 3 }),
        fc.constant(`${'['.repeat(500)}${']'.repeat(500)}`),
      );
      fc.assert(
        fc.property(fc.constantFrom(...harness.fixtures), fc.nat(), value, ({ message }, which, put) => {
          const text = Buffer.from(message.bytes).toString();
          const values = [...text.matchAll(/"[^"]*"|'[^']*'|[-+\w.]+/g)];
          const chosen = values[which % values.length];
          if (chosen === undefined) return;
          const bytes = Buffer.from(text.slice(0, chosen.index) + put + text.slice(chosen.index + chosen[0].length));
          expectSoundOrRefused(harness, { ...message, bytes });
        }),
        { numRuns: RUNS },
      );
    });
  });
}

function partsOf(reading: Reading): { source: string; reading: Reading; receivedAtMs: number } {
  return { source: 'here', reading, receivedAtMs: RECEIVED_MS };
}

function idOf(reading: Reading): string {
  return foreignIdOf('here', reading);
}

/** Without keys that are undefined, as JSON has it. */
function plain(parsed: Parsed): Parsed {
  return JSON.parse(JSON.stringify(parsed)) as Parsed;
}

function refusalOf(action: () => unknown): unknown {
  try {
    return action();
  } catch (error) {
    return error;
  }
}

function expectSoundOrRefused({ make }: FormatHarness, message: ForeignMessage): void {
  const parsed = refusalOf(() => make().parse(message));
  if (parsed instanceof Error) {
    expectRefusal(parsed);
    return;
  }
  const { readings, refused } = parsed as Parsed;
  expect(readings.length).toBeGreaterThan(0);
  for (const { text, reason } of refused) {
    expect(text.isWellFormed() && text.length <= 600).toBe(true);
    expect(reason).toMatch(/\w{3}/);
  }
  for (const reading of readings) {
    expectContract(reading);
    const flat = refusalOf(() => foreignRecordOf(partsOf(reading)));
    if (flat instanceof Error) expectRefusal(flat);
    else expectSound(flat as FlatRecord);
  }
}

/** What `Reading` promises, before anything looks at it. */
function expectContract({ sourceId, timestampMs = 0, metrics, missing = [] }: Reading): void {
  expect(sourceId).not.toBe('');
  expect(Number.isInteger(timestampMs)).toBe(true);
  expect(Object.keys(metrics).length + missing.length).toBeGreaterThan(0);
  for (const [name, value] of Object.entries(metrics)) {
    if (typeof value === 'number') expect(Number.isFinite(value) && !Object.is(value, -0), name).toBe(true);
    expect(value, name).not.toBe('');
  }
}

function expectRefusal(error: Error): void {
  if (!(error instanceof MooringError)) throw error;
  expect(error.code).toBe('RECORD_INVALID');
  expect(error.message).toMatch(/\w{3}/);
}

const OWN_KEYS = new Set('id gateway station kind timestamp clock location flags info received_at'.split(' '));

function expectSound(flat: FlatRecord): void {
  expect(flat.id).toMatch(UUID_5);
  expect(flat.station).toMatch(NAME_PATTERN);
  expect(new Date(flat.timestamp).toISOString()).toBe(flat.timestamp);
  // A number that is none would come back as null, and -0 as 0.
  expect(JSON.parse(JSON.stringify(flat))).toStrictEqual({ ...flat });
  for (const [key, value] of Object.entries(flat)) {
    if (OWN_KEYS.has(key)) continue;
    expect(key).toMatch(METRIC_NAME_PATTERN);
    expect(['number', 'boolean', 'string']).toContain(typeof value);
  }
}
