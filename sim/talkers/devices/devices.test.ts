import { describe, expect, test } from 'vitest';
import { BuoyJsonFormat } from '../../../central/formats/buoy-json/buoy-json.ts';
import { FlatJsonFormat } from '../../../central/formats/flat-json/flat-json.ts';
import { foreignRecordOf } from '../../../central/formats/foreign-record.ts';
import type { Format } from '../../../central/formats/format.ts';
import { LinesFormat } from '../../../central/formats/lines/lines.ts';
import { LorawanFormat } from '../../../central/formats/lorawan/lorawan.ts';
import { UplinkMerge } from '../../../central/formats/lorawan/uplink-merge.ts';
import { SenmlFormat } from '../../../central/formats/senml/senml.ts';
import { TimeZone } from '../../../central/formats/time-zone.ts';
import { MooringError } from '../../../runtime/errors.ts';
import { SteppedClock } from '../../clock.ts';
import { buoyJsonTalker } from './buoy-json.ts';
import type { DeviceMessage, DeviceTalker } from './device.ts';
import { disturbed } from './disturbed.ts';
import { flatJsonTalker } from './flat-json.ts';
import { linesTalker } from './lines.ts';
import { lorawanDevices, lorawanTalker } from './lorawan.ts';
import { senmlTalker } from './senml.ts';
import { playWorkflow } from './workflow.ts';

const startMs = Date.UTC(2026, 0, 1);
const DAY_MS = 86_400_000;

function first<T>(count: number, messages: Iterator<T, unknown, void>): T[] {
  return Array.from({ length: count }, () => messages.next().value as T);
}

const TALKERS: Readonly<Record<string, readonly [make: (seed: number) => DeviceTalker, format: Format]>> = {
  senml: [(seed) => senmlTalker({ seed, startMs, instances: 3 }), new SenmlFormat()],
  'flat-json': [(seed) => flatJsonTalker({ seed, startMs, stations: 4, timestamps: true }), new FlatJsonFormat()],
  'flat-json as Python': [
    (seed) => flatJsonTalker({ seed, startMs, stations: 2, shape: 'python' }),
    new FlatJsonFormat({ lenient: 'python-repr' }),
  ],
  'flat-json as NumPy': [
    (seed) => flatJsonTalker({ seed, startMs, shape: 'numpy' }),
    new FlatJsonFormat({ lenient: 'python-repr' }),
  ],
  'buoy-json': [
    (seed) => buoyJsonTalker({ seed, startMs, wholeSeconds: 0.1 }),
    new BuoyJsonFormat({ zone: new TimeZone('Europe/Paris') }),
  ],
  lorawan: [(seed) => lorawanTalker({ seed, startMs }), new LorawanFormat()],
  lines: [(seed) => linesTalker({ seed }), new LinesFormat({ zone: new TimeZone('Europe/Athens') })],
};

describe.each(Object.entries(TALKERS))('%s', (_, [make, format]) => {
  test('its format makes of each message what is true', () => {
    for (const message of first(1000, make(7))) {
      const { readings, refused } = format.parse(message);
      expect(refused).toEqual([]);
      expect(readings.map(({ sourceId, timestampMs, metrics }) => ({ sourceId, timestampMs, metrics }))).toEqual(
        message.truth.map((truth) => ({
          ...truth,
          metrics: expect.toSatisfy((found) => isNear(found, truth.metrics)),
        })),
      );
    }
  });

  test('the same seed says the same, another something else, and time goes on', () => {
    const said = (seed: number): readonly DeviceMessage[] => first(200, make(seed));
    expect(said(1)).toEqual(said(1));
    expect(said(1)).not.toEqual(said(2));
    const times = said(1).map(({ atMs }) => atMs);
    expect(times).toEqual([...times].sort((a, b) => a - b));
  });

  test('disturbed, what is sent and its copies are as it was, and what is malformed is refused', () => {
    const messages = first(
      2000,
      disturbed(make(3), { seed: 5, loss: 0.1, duplicates: 0.1, reorder: 0.1, malformed: 0.1 }),
    );
    const times = messages.map(({ atMs }) => atMs);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    const counts = { sent: 0, copy: 0, lost: 0, malformed: 0 };
    for (const { fate, number: _, ...message } of messages) {
      counts[fate] += 1;
      if (fate === 'malformed') expect(() => format.parse(message)).toThrow(MooringError);
      else expect(format.parse(message).readings).toHaveLength(1);
    }
    for (const count of [counts.copy, counts.lost, counts.malformed]) expect(count).toBeGreaterThan(100);
    expect(first(50, disturbed(make(3), { seed: 5, loss: 0.1 }))).toEqual(
      first(50, disturbed(make(3), { seed: 5, loss: 0.1 })),
    );
  });
});

test('undisturbed, a talker is as it is', () => {
  const sent = first(100, disturbed(linesTalker({ seed: 1 }), { seed: 1 })).map(
    ({ fate, number, ...message }) => message,
  );
  expect(sent).toEqual(first(100, linesTalker({ seed: 1 })));
});

test('of a talker that ends, what is late comes all the same, and copies say what they are copies of', () => {
  const said = first(300, flatJsonTalker({ seed: 1, startMs, timestamps: true }));
  const sent = [...disturbed(said, { seed: 1, duplicates: 0.3, reorder: 0.5, textOnly: true, malformed: 0.1 })];
  expect(new Set(sent.map(({ number }) => number)).size).toBe(300);
  for (const { number, truth, fate, bytes } of sent) {
    expect(truth).toEqual(said[number - 1]?.truth);
    if (fate === 'malformed') expect(Buffer.from(Buffer.from(bytes).toString())).toEqual(Buffer.from(bytes));
  }
});

test('what a building says late is what it had held back: two and ten days old, and nothing twice', () => {
  const messages = first(20_000, linesTalker({ seed: 2 }));
  const water = messages.filter(({ truth: [truth] }) => truth?.sourceId === 'W1');
  const agesMs = water.map(({ atMs, truth: [truth] }) => atMs - (truth?.timestampMs ?? 0));
  expect(new Set(agesMs)).toEqual(new Set([0, 2 * DAY_MS, 10 * DAY_MS]));
  const stamps = water.map(({ truth: [truth] }) => truth?.timestampMs);
  expect(new Set(stamps).size).toBe(stamps.length);
  // All but those that are held back still.
  const [from = 0, to = 0] = [Math.min(...(stamps as number[])), messages.at(-1)?.atMs];
  const expected = Math.floor((to - 10 * DAY_MS - from) / 900_000);
  expect((stamps as number[]).filter((stamp) => stamp < from + expected * 900_000).length).toBe(expected);
});

test('values of an envelope return to their middle', () => {
  const values = first(4000, senmlTalker({ seed: 1, startMs }))
    .map(({ truth: [truth] }) => truth?.metrics.humidity)
    .filter((value) => typeof value === 'number');
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  expect(Math.abs(mean - 50)).toBeLessThan(6);
  expect(Math.max(...values)).toBeLessThanOrEqual(100);
  expect(Math.min(...values)).toBeGreaterThanOrEqual(0);
});

test('a workflow runs its steps as it says, with its functions and lists', () => {
  const step = (topic: string, iterations: number) => ({
    topic,
    iterations,
    config: {
      n: 'counter("all")',
      again: 'this.n',
      list: { 'repeat(2)': { v: 'integer(3, 4)' } },
      text: 'no call',
      key: 'alpha(4)',
    },
  });
  const workflow = {
    steps: [step('a', 2), step('b', 1)],
    stepRunMode: 'sequential' as const,
    eventFrequencyMs: 100,
    timeBetweenRepeatMs: 1000,
    vary: false,
  };
  const events = first(5, playWorkflow(workflow, { seed: 1, startMs: 0 }));
  expect(events.map(({ atMs, topic }) => [atMs, topic])).toEqual([
    [0, 'a'],
    [100, 'a'],
    [200, 'b'],
    [1300, 'a'],
    [1400, 'a'],
  ]);
  expect(events[1]?.event).toEqual({
    n: 1,
    again: 1,
    list: [{ v: 3 }, { v: 3 }],
    text: 'no call',
    key: expect.stringMatching(/^[a-z]{4}$/),
  });
  for (const stepRunMode of ['random', 'random-pick-one'] as const) {
    const topics = first(60, playWorkflow({ ...workflow, stepRunMode }, { seed: 1, startMs: 0 })).map(
      ({ topic }) => topic,
    );
    expect(new Set(topics)).toEqual(new Set(['a', 'b']));
  }
});

test('a buoy whose time is at a whole second says no fraction, and one object in about 170 bytes', () => {
  const texts = first(500, buoyJsonTalker({ seed: 1, startMs, wholeSeconds: 0.05 })).map(({ bytes }) =>
    Buffer.from(bytes).toString(),
  );
  expect(texts[0]).toMatch(
    /^\{"timestamp": "2026-01-01 01:00:00\.\d{6}", "temperature": \d+(\.\d+)?, .*"lat": 42\.\d+\}\}$/,
  );
  expect(texts.filter((text) => /"2026-01-01 \d\d:\d\d:\d\d"/.test(text)).length).toBeGreaterThan(10);
  expect(Math.max(...texts.map(({ length }) => length))).toBeLessThan(190);
});

test('several gateways hear one uplink: posted for each it is one reading all the same', () => {
  const posts = first(400, lorawanTalker({ seed: 4, startMs, posts: 'each' }));
  const merge = new UplinkMerge({ clock: new SteppedClock(), windowMs: 5000 });
  const format = new LorawanFormat();
  const right = new Set(posts.map(({ truth: [truth] }) => `${truth?.sourceId} ${truth?.timestampMs}`));
  const found = new Set<string>();
  for (const post of posts) {
    const [said] = format.parse(post).readings;
    if (said?.timestampMs === undefined) continue;
    const { timestamp } = merge.firstOf(said, foreignRecordOf({ source: 'schools', reading: said, receivedAtMs: 0 }));
    found.add(`${said.sourceId} ${Date.parse(timestamp)}`);
  }
  expect(found).toEqual(right);
  expect(posts.length - right.size).toBeGreaterThan(100);
});

test('a room has an air sensor, a door and windows, of two families of devices', () => {
  const devices = lorawanDevices(1, 24);
  const of = (profile: string): number => devices.filter((device) => device.profile === profile).length;
  expect([of('iaq'), of('porta'), new Set(devices.map(({ classroom }) => classroom)).size]).toEqual([24, 24, 24]);
  expect(of('finestra')).toBeGreaterThan(48);
  expect(new Set(devices.map(({ devEui }) => devEui.slice(0, 6)))).toEqual(new Set(['24E124', 'A84041']));
  expect(new Set(devices.map(({ devEui }) => devEui)).size).toBe(devices.length);
});

test('a workflow has what the data generator has: spans, days, increments, references, one of a list, an end', () => {
  const config = {
    earlier: 'now(-2_h)',
    later: 'nowTimestamp("1_d")',
    day: 'date("2024-01-01", "2024-01-31")',
    stamp: 'timestamp("2024-01-01", "2024-01-31")',
    count: 'randomIncrementLong(1000, 2, 2)',
    who: 'stringMerge(" ", "a", "b")',
    first: 'firstName()',
    last: 'lastName()',
    long: 'long(5, 6)',
    inner: { a: 'counter("n")', b: 'cur.a', c: 'this.long' },
    one: ['random()', 'x', { deep: 'boolean()' }],
  };
  const workflow = {
    steps: [
      { topic: 'long', config, durationMs: 250 },
      { topic: 'once', config: {}, durationMs: 0 },
    ],
    stepRunMode: 'sequential' as const,
    eventFrequencyMs: 100,
    timeBetweenRepeatMs: 1000,
    vary: { event: false, repeat: true },
    rounds: 2,
  };
  const events = [...playWorkflow(workflow, { seed: 1, startMs })];
  expect(events.map(({ topic }) => topic)).toEqual(['long', 'long', 'long', 'once', 'long', 'long', 'long', 'once']);
  expect(events[3]?.atMs).toBe(startMs + 300);
  const pauseMs = (events[4]?.atMs ?? 0) - startMs - 400;
  expect(pauseMs >= 500 && pauseMs <= 1000).toBe(true);
  expect(events[1]?.event).toEqual({
    earlier: new Date(startMs + 100 - 7_200_000).toISOString(),
    later: startMs + 100 + DAY_MS,
    day: expect.stringMatching(/^2024-01-\d\dT/),
    stamp: expect.toSatisfy((value: number) => value >= Date.UTC(2024, 0, 1) && value < Date.UTC(2024, 1, 1)),
    count: 1002,
    who: 'a b',
    first: expect.stringMatching(/^[A-Z]/),
    last: expect.stringMatching(/^[A-Z]/),
    long: 5,
    inner: { a: 1, b: 1, c: 5 },
    one: expect.toSatisfy((value: unknown) => value === 'x' || typeof value === 'object'),
  });
});

/** Equal but for what a division by a hundred leaves. */
function isNear(found: Readonly<Record<string, unknown>>, expected: Readonly<Record<string, unknown>>): boolean {
  const isSame = (a: unknown, b: unknown): boolean =>
    a === b || (typeof a === 'number' && typeof b === 'number' && Math.abs(a - b) <= 1e-6);
  const names = Object.keys(expected);
  return names.length === Object.keys(found).length && names.every((name) => isSame(found[name], expected[name]));
}
