import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import type { Observation } from '../../protocol/record.ts';
import { type DemoSnapshot, frameOf, plainLinesOf } from './view.ts';

const snapshot: DemoSnapshot = {
  gateway: 'demo',
  stations: [
    {
      name: 'buoy',
      latest: {
        station: 'buoy',
        kind: 'sample',
        timestampMs: Date.UTC(2026, 5, 1, 12, 0, 3),
        clock: 'synced',
        metrics: { temperature: 18.3, pressure: 0 },
        flags: { pressure: 3, wind_speed: 9 },
        location: { lat: 42.480778, lon: -3.176833 },
      },
    },
    { name: 'city' },
  ],
  link: { url: 'mqtt://127.0.0.1:1883', up: true, acksPerSecond: 2, lastAckAgeMs: 400 },
  buffer: { pending: 3, records: 120, bytes: 200_000, bytesMax: 2 ** 26 },
  centre: { stored: 117, rejected: 0 },
  paths: { store: 'data/store.db', records: 'data/records', acks: 'data/acks.txt' },
};

test('the frame shows values with units at their resolution, flags by name, zero as zero, and what is missing', () => {
  const text = stripVTControlCharacters(frameOf(snapshot, 120, 40).join('\n'));
  expect(text).toMatch(/temperature +18\.30 °C/);
  expect(text).toMatch(/pressure +0\.00 hPa 3 suspect/);
  expect(text).toMatch(/wind_speed +– 9 missing/);
  expect(text).toContain('42.48078° N 3.17683° W');
  expect(text).toContain('3 pending, 120 kept, 195 KiB of 64.0 MiB');
  expect(text).toContain('last ack 0.4 s ago');
  expect(text).toContain('no record yet');
});

test('no line is longer than the screen and none is below it, however small it is', () => {
  for (const columns of [10, 40, 79]) {
    for (const rows of [1, 2, 5, 9, 12, 40]) {
      const lines = frameOf(snapshot, columns, rows);
      expect(lines.length).toBeLessThanOrEqual(rows);
      for (const line of lines) expect(stripVTControlCharacters(line).length).toBeLessThanOrEqual(columns);
    }
  }
});

test('on a low screen readings give way, and say how many, before the way that the records go', () => {
  const names = Array.from({ length: 20 }, (_, index) => [`metric_${index}`, index]);
  const [buoy] = snapshot.stations;
  const latest = { ...(buoy?.latest as Observation), metrics: Object.fromEntries(names), flags: {} };
  const many = { ...snapshot, stations: [{ name: 'buoy', latest }, { name: 'city' }] };
  const text = frameOf(many, 80, 16).map(stripVTControlCharacters);
  expect(text).toHaveLength(16);
  expect(text.filter((line) => line.includes('metric_'))).toHaveLength(6);
  expect(text).toContain('  … 8 more');
  expect(text).toContain('  no record yet');
  expect(text.slice(-5).map((line) => line.split(' ')[0])).toEqual(['link', 'buffer', 'centre', 'acks', 'Ctrl-C']);
  const lowest = frameOf(many, 80, 5).map(stripVTControlCharacters);
  expect(lowest.map((line) => line.split(' ')[0])).toEqual(['link', 'buffer', 'centre', 'acks', 'Ctrl-C']);
});

test('a Kafka on the way is shown with its topic and whether it takes anything', () => {
  const through = (up: boolean): DemoSnapshot => ({ ...snapshot, kafka: { broker: 'b:9092', topic: 'p.records', up } });
  const ways = frameOf(through(true), 80, 40).map(stripVTControlCharacters).slice(-7);
  expect(ways.map((line) => line.split(' ')[0])).toEqual(['link', 'buffer', 'kafka', 'centre', 'acks', '', 'Ctrl-C']);
  expect(ways[2]).toBe('kafka   up · b:9092 · p.records');
  expect(plainLinesOf(through(false)).at(-1)).toContain('link=up kafka=down acks_per_second=');
});

test('the plain form names every reading and the state of the path', () => {
  const lines = plainLinesOf(snapshot);
  expect(lines[0]).toBe('2026-06-01T12:00:03.000Z buoy temperature=18.3°C pressure=0hPa(suspect) wind_speed=(missing)');
  expect(lines[1]).toBe('link=up acks_per_second=2.0 pending=3 kept=120 stored_since_start=117');
});
