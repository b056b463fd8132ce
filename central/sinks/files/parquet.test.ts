import { expect, test } from 'vitest';
import { silentLog } from '../../../runtime/log.ts';
import { SeededRandom } from '../../../runtime/random.ts';
import { SteppedClock } from '../../../sim/clock.ts';
import { flatOf, runOf, span } from '../../../test/conformance/entries.ts';
import { PowerCutDisk } from '../../../test/conformance/power-cut-disk.ts';
import { foreignOf } from '../../../test/conformance/remote-records.ts';
import { parquetRecords } from '../../../test/parquet-records.ts';
import type { FlatRecord } from '../../recordlog/recordlog.ts';
import { type FilesFormat, FilesSink } from './files.ts';
import { OwnThreadEncoder } from './lines-encoder.ts';

const ROOT = '/srv/mooring/records';
const RUN = runOf(1);
const MINUTE_MS = 60_000;
const never = new AbortController().signal;
const START_MS = Date.parse('2026-02-03T06:00:00.000Z');

function setUp(format: FilesFormat, disk = new PowerCutDisk(new SeededRandom(1))) {
  const clock = new SteppedClock(START_MS);
  // A thread has its own time, and the clock is stepped.
  const createEncoder = () => new OwnThreadEncoder();
  const sink = new FilesSink({ name: 'archive', path: ROOT, format, clock, log: silentLog, disk, createEncoder });
  const write = async (sequences: readonly number[], foreign: readonly number[] = []): Promise<number> => {
    const records = sequences.map((sequence) => ({ sequence, flat: flatOf(RUN, sequence) }));
    const entries = [{ gateway: 'plaka', run: RUN, records }];
    const written = sink.write(
      entries,
      undefined,
      foreign.map((number) => ({ flat: foreignOf(number) })),
    );
    written.catch(() => undefined);
    await clock.advance(1000);
    return await written;
  };
  const minutes = (count: number): Promise<void> => clock.advance(count * MINUTE_MS);
  return { disk, clock, sink, write, minutes };
}

const namesOn = (disk: PowerCutDisk): string[] =>
  [...disk.files(ROOT).keys()].filter((path) => !path.startsWith('.mooring/')).sort();

/** Every record, each name once: lines where they are there, else Parquet. */
async function recordsOn(disk: PowerCutDisk, end?: '.parquet'): Promise<FlatRecord[]> {
  const names = namesOn(disk);
  const found: FlatRecord[] = [];
  for (const name of names) {
    const isParquet = name.endsWith('.parquet');
    if (end === undefined ? isParquet && names.includes(name.replace('.parquet', '.ndjson')) : !isParquet) continue;
    const bytes = (await disk.read(`${ROOT}/${name}`)) as Uint8Array;
    if (isParquet) found.push(...(await parquetRecords(bytes)));
    else
      for (const line of Buffer.from(bytes).toString('utf8').split('\n').slice(0, -1))
        found.push(JSON.parse(line) as FlatRecord);
  }
  return found;
}

const byId = (a: FlatRecord, b: FlatRecord): number => (a.id < b.id ? -1 : 1);
const expectExactly = (found: readonly FlatRecord[], expected: readonly FlatRecord[]): void =>
  expect([...found].sort(byId)).toEqual([...expected].sort(byId));
const ofRun = (first: number, last: number): FlatRecord[] => span(first, last).map((sequence) => flatOf(RUN, sequence));

test('an hour that is over is Parquet beside its lines, and what is late stands in one further file of each', async () => {
  const { disk, sink, write, minutes } = setUp('both');
  await sink.open(never);
  await write(span(1, 30));
  await minutes(9);
  expect(namesOn(disk).every((name) => name.endsWith('.ndjson'))).toBe(true);
  await minutes(3);
  expectExactly(await recordsOn(disk, '.parquet'), ofRun(1, 30));
  const first = namesOn(disk);
  await write([31]);
  await minutes(20);
  await write([32, 33]);
  await minutes(20);
  const hour = '2026/01/31/23';
  expect(namesOn(disk).filter((name) => !first.includes(name))).toEqual([`${hour}-2.ndjson`]);
  await minutes(45);
  expect(namesOn(disk).filter((name) => !first.includes(name))).toEqual([`${hour}-2.ndjson`, `${hour}-2.parquet`]);
  expectExactly(await recordsOn(disk, '.parquet'), ofRun(1, 33));
  expectExactly(await recordsOn(disk), ofRun(1, 33));
  await sink.close();
});

test('with Parquet alone the lines go, and a record that comes again after that stands once', async () => {
  const { disk, sink, write, minutes } = setUp('parquet');
  await sink.open(never);
  await write(span(1, 30), span(1, 40));
  await minutes(20);
  expect(namesOn(disk).filter((name) => !name.endsWith('.parquet'))).toEqual([]);
  await sink.close();
  const again = setUp('parquet', disk);
  await again.sink.open(never);
  expect(await again.write(span(1, 31), span(1, 41))).toBe(2);
  await again.minutes(20);
  expectExactly(await recordsOn(disk), [...ofRun(1, 31), ...span(1, 41).map(foreignOf)]);
  await again.sink.close();
});

test('an hour that is not over stays open', async () => {
  const { disk, clock, sink, minutes } = setUp('parquet');
  await sink.open(never);
  const flat = { ...flatOf(RUN, 1), timestamp: '2026-02-03T06:30:00.000Z', received_at: '2026-02-03T06:30:00.000Z' };
  const written = sink.write([{ gateway: 'plaka', run: RUN, records: [{ sequence: 1, flat }] }]);
  await clock.advance(1000);
  await written;
  await minutes(68);
  expect(namesOn(disk)).toEqual(['2026/02/03/06.ndjson']);
  await minutes(4);
  expect(namesOn(disk)).toEqual(['2026/02/03/06.parquet']);
  await sink.close();
});

test('wherever it is cut, killed or full while it makes Parquet, every record stands once, in whole files', async () => {
  for (const [index, format] of (['both', 'parquet'] as const).entries()) {
    for (let steps = index; steps < 90; steps += 7) {
      const disk = new PowerCutDisk(new SeededRandom(steps));
      const first = setUp(format, disk);
      await first.sink.open(never);
      await first.write([1, 2, 3], [1, 2]);
      await first.minutes(9);
      Object.assign(disk.fate, { steps, end: (['power', 'kill', 'full'] as const)[steps % 3] });
      await first.minutes(3);
      const isDead = disk.isDead;
      if (isDead) disk.restart();
      disk.fate.steps = Number.POSITIVE_INFINITY;
      const again = isDead ? setUp(format, disk) : first;
      if (isDead) await again.sink.open(never);
      await again.write([1, 2, 3, 4], [1, 2, 3]);
      await again.minutes(130);
      expectExactly(await recordsOn(disk), [...ofRun(1, 4), ...span(1, 3).map(foreignOf)]);
      expectExactly(await recordsOn(disk, '.parquet'), [...ofRun(1, 4), ...span(1, 3).map(foreignOf)]);
      expect(namesOn(disk).some((name) => name.endsWith('.ndjson'))).toBe(format === 'both');
      await again.sink.close();
    }
  }
});
