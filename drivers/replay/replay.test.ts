import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { MooringError } from '../../runtime/errors.ts';
import { SeededRandom } from '../../runtime/random.ts';
import { SteppedClock } from '../../sim/clock.ts';
import { LogLines } from '../../test/log-lines.ts';
import { HeldMemory, NoPorts } from '../../test/no-ports.ts';
import type { PushedSensor, Reading } from '../driver.ts';
import { type OpenLines, openLines } from './recorded-lines.ts';
import { replay, replayFrom } from './replay.ts';

const harbour = join(import.meta.dirname, 'fixtures/harbour.ndjson');
const { signal } = new AbortController();

interface Heard {
  readonly atMs: number;
  readonly reading: Reading;
}

/** A replay that is listened to until it ends or the signal is aborted. */
class Listener {
  readonly clock = new SteppedClock();
  readonly log = new LogLines();
  readonly heard: Heard[] = [];
  readonly stop = new AbortController();
  readonly sensor: PushedSensor;
  #startMs = 0;

  constructor(options: object, driver: typeof replay = replay) {
    this.sensor = driver.create(driver.options.parse({ file: harbour, metrics: ['temperature'], ...options }), {
      clock: this.clock,
      random: new SeededRandom(1),
      log: this.log,
      ports: new NoPorts(),
      memory: new HeldMemory(),
    }) as PushedSensor;
  }

  /** Resolves with the error that it ended with. */
  async listen(forMs: number): Promise<unknown> {
    await this.sensor.open(signal);
    this.#startMs = this.clock.monotonicMs();
    const listening = this.#listen();
    await this.clock.advance(forMs);
    this.stop.abort();
    return await listening;
  }

  async #listen(): Promise<unknown> {
    try {
      for await (const reading of this.sensor.readings(this.stop.signal)) {
        this.heard.push({ atMs: this.clock.monotonicMs() - this.#startMs, reading });
      }
      return undefined;
    } catch (error) {
      return error;
    } finally {
      await this.sensor.close();
    }
  }
}

test('it gives the samples of one station as far apart as they were recorded, then it has failed for good', async () => {
  const listener = new Listener({ metrics: ['temperature', 'wind_speed', 'door_open', 'modem_state'] });
  const error = await listener.listen(60_000);
  const location = { lat: 42.4807, lon: 3.1768 };
  expect(listener.heard).toEqual([
    {
      atMs: 0,
      reading: {
        metrics: { temperature: 14.21, wind_speed: 0, door_open: false, modem_state: 'connected' },
        missing: [],
        location,
      },
    },
    { atMs: 2000, reading: { metrics: { wind_speed: 3.5 }, missing: ['temperature'] } },
    { atMs: 10_000, reading: { metrics: { temperature: 14.3, door_open: true }, missing: [] } },
  ]);
  expect(error).toMatchObject({ code: 'SENSOR_FAILED', retry: 'never' });
  expect(listener.log.told).toEqual(['warn: the recording has damaged lines']);
});

test('speed is how many times faster', async () => {
  const listener = new Listener({ speed: 4 });
  await listener.listen(60_000);
  expect(listener.heard.map(({ atMs }) => atMs)).toEqual([0, 500, 2500]);
});

test('in a loop the first record comes again after the last gap', async () => {
  const listener = new Listener({ loop: true, speed: 10 }, replayFrom(heldLines(LINES)));
  expect(await listener.listen(1650)).toBeUndefined();
  expect(listener.heard.map(({ atMs }) => atMs)).toEqual([0, 100, 500, 900, 1000, 1400]);
});

test('a log of one moment in a loop is given once a second', async () => {
  const records = [sample(0, 1), sample(0, 2)].map((record) => JSON.stringify(record));
  const listener = new Listener({ loop: true }, replayFrom(heldLines(records)));
  await listener.listen(2500);
  expect(listener.heard.map(({ atMs }) => atMs)).toEqual([0, 0, 1000, 1000, 2000, 2000]);
});

test('another station is taken where it is named', async () => {
  const listener = new Listener({ station: 'other' });
  await listener.listen(60_000);
  expect(listener.heard.map(({ reading }) => reading.metrics)).toEqual([{ temperature: 99 }]);
});

test('what `mooring read --json` prints is a recording too, and other records than samples are not', async () => {
  const records = [sample(0, 1), { ...sample(1, 2), kind: 'alarm' }, sample(2, 3)];
  const listener = new Listener({}, replayFrom(heldLines([JSON.stringify({ records })])));
  await listener.listen(60_000);
  expect(listener.heard.map(({ reading }) => reading.metrics.temperature)).toEqual([1, 3]);
});

test('a log that goes back in time goes on at once', async () => {
  const records = [sample(100, 1), sample(0, 2), sample(3, 3)].map((record) => JSON.stringify(record));
  const listener = new Listener({}, replayFrom(heldLines(records)));
  await listener.listen(60_000);
  expect(listener.heard.map(({ atMs }) => atMs)).toEqual([0, 0, 3000]);
});

test.each([
  ['a file that is not there', 'PORT_ABSENT', undefined],
  ['an empty one', 'SENSOR_UNKNOWN', ''],
  ['one without samples', 'SENSOR_UNKNOWN', '{"station":"a","kind":"event","timestamp":"2026-03-01T12:00:00.000Z"}\n'],
  ['one of another kind', 'SENSOR_UNKNOWN', '[1]\nnull\n7\n{"kind":"sample"}\n{"station":"a","kind":"sample"}\n'],
])('%s does not open: %s', async (_, code, text) => {
  const file = temporary(text);
  await expect(new Listener({ file }).sensor.open(signal)).rejects.toMatchObject({ code });
});

test('a long file is read little by little, and a line that no record has is left out', async () => {
  const lines = Array.from({ length: 3000 }, (_, index) =>
    JSON.stringify({ ...sample(index, index), pad: 'é'.repeat(20) }),
  );
  lines.splice(1500, 0, JSON.stringify({ ...sample(1499, -1), pad: 'x'.repeat(700_000) }));
  const file = temporary(lines.join('\n'));
  const recorded = await openLines(file);
  const read: string[] = [];
  for (let line = await recorded.next(); line !== undefined; line = await recorded.next()) read.push(line);
  await recorded.close();
  lines.splice(1500, 1);
  expect(read).toEqual(lines);
});

test("the record's own keys are no metrics of a log", () => {
  const wrong = (metrics: unknown): boolean => !replay.options.safeParse({ file: 'a', metrics }).success;
  for (const metrics of [[], ['location'], ['id'], ['Temp'], 'temperature'])
    expect(wrong(metrics), String(metrics)).toBe(true);
});

test('a reader that fails in the middle loses the sensor', async () => {
  let count = 0;
  const failing: OpenLines = async () =>
    await Promise.resolve({
      next: async () => {
        count += 1;
        if (count > 2) throw new MooringError('PORT_LOST', 'the recording cannot be read');
        return await Promise.resolve(JSON.stringify(sample(count, count)));
      },
      close: async () => await Promise.resolve(),
    });
  const listener = new Listener({}, replayFrom(failing));
  expect(await listener.listen(10_000)).toMatchObject({ code: 'PORT_LOST' });
  expect(listener.heard).toHaveLength(2);
});

function sample(second: number, temperature: number): Readonly<Record<string, unknown>> {
  const timestamp = new Date(Date.UTC(2026, 2, 1) + 1000 * second).toISOString();
  return { station: 'a', kind: 'sample', timestamp, temperature };
}

const LINES = [sample(0, 1), sample(1, 2), sample(5, 3)].map((record) => JSON.stringify(record));

/** A log in memory. */
function heldLines(lines: readonly string[]): OpenLines {
  return async () => {
    let next = 0;
    return await Promise.resolve({
      next: async () => await Promise.resolve(lines[next++]),
      close: async () => await Promise.resolve(),
    });
  };
}

function temporary(text: string | undefined): string {
  const folder = mkdtempSync(join(tmpdir(), 'mooring-replay-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'log.ndjson');
  if (text !== undefined) writeFileSync(file, text);
  return file;
}
