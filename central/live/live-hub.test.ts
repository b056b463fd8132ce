import { beforeEach, expect, test } from 'vitest';
import { SteppedClock } from '../../sim/clock.ts';
import type { FlatRecord } from '../recordlog/recordlog.ts';
import type { LiveClient, LiveSocket } from './live-client.ts';
import { LiveHub } from './live-hub.ts';
import type { LiveMessage } from './live-message.ts';
import { liveRequestOf } from './live-request.ts';

const QUEUE_BYTES = 16_384;

let clock: SteppedClock;
let hub: LiveHub;
beforeEach(() => {
  clock = new SteppedClock();
  hub = new LiveHub({ clock, historyMs: 300_000, queueBytes: QUEUE_BYTES });
});

/** A connection that takes what it is sent, or nothing while it is full. */
class FakeSocket implements LiveSocket {
  readonly got: { readonly type: string; readonly count?: number; readonly record?: FlatRecord }[] = [];
  isFull = false;
  bufferedMax = 0;
  #buffered: { readonly text: string; readonly onLeft: () => void }[] = [];

  get bufferedAmount(): number {
    return this.#buffered.reduce((sum, { text }) => sum + text.length, 0);
  }

  get sequences(): number[] {
    return this.got.flatMap(({ record }) => (record === undefined ? [] : [record.number as number]));
  }

  send(bytes: Uint8Array, onLeft: () => void): void {
    this.#buffered.push({ text: Buffer.from(bytes).toString('utf8'), onLeft });
    this.bufferedMax = Math.max(this.bufferedMax, this.bufferedAmount);
    if (!this.isFull) this.drain();
  }

  drain(): void {
    for (const { text, onLeft } of this.#buffered.splice(0)) {
      this.got.push(JSON.parse(text));
      onLeft();
    }
  }
}

function flatOf(number: number, parts: Partial<FlatRecord> = {}): FlatRecord {
  return {
    id: `id-${number}`,
    gateway: 'plaka',
    station: 'city-1',
    kind: 'sample',
    timestamp: new Date(Date.UTC(2026, 0, 1) + number * 1000).toISOString(),
    clock: 'synced',
    received_at: new Date(clock.wallMs()).toISOString(),
    number,
    ...parts,
  };
}

function publish(from: number, to: number, parts?: Partial<FlatRecord>): void {
  for (let number = from; number <= to; number += 1) {
    const flat = flatOf(number, parts);
    hub.publish(flat, JSON.stringify(flat));
  }
}

function join(query = '', legacy?: 'ntua'): { readonly socket: FakeSocket; readonly client: LiveClient } {
  const socket = new FakeSocket();
  const asked = liveRequestOf(query.startsWith('/') ? query : `/api/v1/live${query}`, legacy);
  if (asked === undefined || typeof asked === 'string') throw new Error(`refused: ${asked}`);
  return { socket, client: hub.join({ ...asked, socket }) };
}

const GATHER_MS = 20;

test('whoever connects has the history first, then what comes, each once and in order', async () => {
  publish(1, 3);
  const { socket } = join();
  expect(socket.sequences).toEqual([1, 2, 3]);
  publish(4, 5);
  await clock.advance(GATHER_MS);
  expect(socket.sequences).toEqual([1, 2, 3, 4, 5]);
  expect(socket.got[0]).toEqual({ type: 'record', record: expect.objectContaining({ id: 'id-1', number: 1 }) });
});

test('the history is as long as it may be', async () => {
  publish(1, 2);
  await clock.advance(200_000);
  publish(3, 3);
  await clock.advance(150_000);
  expect(join().socket.sequences).toEqual([3]);
});

test('the history is as large as it may be, whoever listens', () => {
  hub = new LiveHub({ clock, historyMs: 300_000, queueBytes: QUEUE_BYTES, historyBytes: 10_000 });
  publish(1, 1000);
  const { socket } = join();
  expect(socket.sequences.at(-1)).toBe(1000);
  expect(socket.sequences.length).toBeLessThan(25);
  expect(hub.status().history).toBe(socket.sequences.length);
});

test('a station is told from others, by itself or with its gateway, and so is a time', async () => {
  publish(1, 1);
  publish(2, 2, { station: 'buoy-7' });
  publish(3, 3, { gateway: 'psyrri' });
  await clock.advance(60_000);
  const sinceMs = clock.wallMs();
  publish(4, 4, { station: 'buoy-7' });
  expect(join('?station=buoy-7').socket.sequences).toEqual([2, 4]);
  expect(join('?station=city-1').socket.sequences).toEqual([1, 3]);
  expect(join('?station=psyrri/city-1&station=buoy-7').socket.sequences).toEqual([2, 3, 4]);
  expect(join(`?since=${new Date(sinceMs).toISOString()}`).socket.sequences).toEqual([4]);
});

test('what is asked for wrongly is told', () => {
  expect(liveRequestOf('/api/v1/live?token=x', undefined)).toMatch(/`token` is not known/);
  expect(liveRequestOf('/api/v1/live?since=yesterday', undefined)).toMatch(/`since` is no time/);
  expect(liveRequestOf('/api/v1/live?station=a/b/c', undefined)).toMatch(/a station is named/);
  expect(liveRequestOf('/raw/temperature', undefined)).toBeUndefined();
});

test('an alarm is one, and what lies before the newest of its station is late', () => {
  publish(5, 5);
  publish(3, 3);
  publish(1, 1, { station: 'buoy-7' });
  publish(6, 6, { kind: 'alarm', info: { event: 'raised' } });
  publish(2, 2, { kind: 'event' });
  expect(join().socket.got.map(({ type }) => type)).toEqual(['record', 'late', 'record', 'alarm', 'record']);
});

test('a client that does not read loses its feed and nobody else does; it is told how much, and goes on with what comes', async () => {
  const slow = join();
  const others = Array.from({ length: 9 }, () => join());
  slow.socket.isFull = true;
  for (let first = 1; first <= 5000; first += 50) {
    publish(first, first + 49);
    await clock.advance(GATHER_MS);
  }
  const messageBytes = 400;
  expect(slow.socket.bufferedMax).toBeLessThan(QUEUE_BYTES + messageBytes);
  for (const { socket } of others)
    expect(socket.sequences).toEqual(Array.from({ length: 5000 }, (_, index) => index + 1));
  slow.socket.isFull = false;
  slow.socket.drain();
  await clock.advance(GATHER_MS);
  publish(5001, 5002);
  await clock.advance(GATHER_MS);
  const [told, ...again] = slow.socket.got.filter(({ type }) => type === 'dropped');
  expect(again).toEqual([]);
  expect(slow.socket.sequences.length + (told?.count ?? 0)).toBe(5002);
  expect(slow.socket.sequences.slice(-2)).toEqual([5001, 5002]);
  expect(slow.socket.sequences).toEqual(slow.socket.sequences.toSorted((a, b) => a - b));
  expect(hub.status().dropped).toBe(told?.count);
  // What waits behind its connection is bounded as well.
  expect(slow.socket.sequences.length * 200).toBeLessThan(3 * QUEUE_BYTES);
});

test('a client that is cut off from the history while it is sent that is told what it has missed', async () => {
  hub = new LiveHub({ clock, historyMs: 300_000, queueBytes: QUEUE_BYTES, historyBytes: 200_000 });
  publish(1, 250);
  const slow = new FakeSocket();
  slow.isFull = true;
  const asked = liveRequestOf('/api/v1/live', undefined) as { bytesOf: (message: LiveMessage) => Uint8Array };
  hub.join({ ...asked, droppedOf: (count) => Buffer.from(JSON.stringify({ type: 'dropped', count })), socket: slow });
  publish(251, 1000);
  slow.isFull = false;
  for (let turn = 0; turn < 50; turn += 1) {
    slow.drain();
    await clock.advance(GATHER_MS);
  }
  const dropped = slow.got.reduce((sum, { count = 0 }) => sum + count, 0);
  expect(dropped).toBeGreaterThan(100);
  expect(slow.sequences.length + dropped).toBe(1000);
  expect(slow.sequences.at(-1)).toBe(1000);
});

test('the paths of an existing feed have its names, values and minutes', () => {
  const building = (number: number, source_id: string, source_time: string, value: number): void => {
    const parts = { gateway: 'building', station: source_id.toLowerCase(), info: { source_id, source_time } };
    const { number: _, ...flat } = flatOf(number, parts);
    hub.publish({ ...flat, x_value: value } as FlatRecord, '{}');
  };
  building(1, 'TH1', '2020-01-01 00:15', 12.5);
  building(2, 'HVAC1', '2020-01-01 00:15', 0);
  building(864_000, 'W1', '2020-01-11 00:00', 3);
  building(3, 'W1', '2020-01-01 00:15', 4);
  building(4, 'Etot', '2020-01-02 00:00', 62_400);
  building(5, 'AggDay[TH1]', '2020-01-02 00:00', 11);
  const of = (path: string) => join(path, 'ntua').socket.got as unknown[];
  expect(of('/raw/temperature')).toEqual([{ measurement: 'TH1', value: '12.5', timestamp: '2020-01-01 00:15' }]);
  expect(of('/raw/energy/HVAC')).toEqual([{ measurement: 'HVAC1', value: '0', timestamp: '2020-01-01 00:15' }]);
  expect(of('/raw/energy/MiAC')).toEqual([]);
  expect(of('/raw/water').length).toBe(2);
  expect(of('/raw/daily')).toEqual([{ measurement: 'Etot', value: '62400', timestamp: '2020-01-02 00:00' }]);
  expect(of('/agg')).toEqual([{ measurement: 'AggDay[TH1]', value: '11', timestamp: '2020-01-02 00:00' }]);
  expect(of('/late')).toEqual([{ measurement: 'W1', value: '4', timestamp: '2020-01-01 00:15' }]);
});
