import { createHash } from 'node:crypto';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SeededRandom } from '../../runtime/random.ts';
import { SteppedClock } from '../../sim/clock.ts';
import { entryOf, flatOf, runOf, span } from '../../test/conformance/entries.ts';
import { PowerCutDisk } from '../../test/conformance/power-cut-disk.ts';
import { foreignOf, storeRecordOf } from '../../test/conformance/remote-records.ts';
import { LogLines } from '../../test/log-lines.ts';
import { SteppedCron } from '../../test/stepped-cron.ts';
import { Schedule } from '../schedule/schedule.ts';
import { nodeDisk } from '../sinks/disk.ts';
import type { FilesFormat } from '../sinks/files/files.ts';
import { OwnThreadEncoder } from '../sinks/files/lines-encoder.ts';
import { ParquetRecordFile } from '../sinks/parquet/record-file.ts';
import { encodeState } from '../sinks/state-file.ts';
import { DayManifests } from './day-manifests.ts';
import type { Manifest } from './manifest.ts';
import { ManifestedFiles } from './manifested-files.ts';
import { verifyManifests } from './verify.ts';

const HOUR_MS = 3_600_000;
const NEVER = new AbortController().signal;

let root = '';
let clock: SteppedClock;
let said: LogLines;
let manifests: DayManifests;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'mooring-manifests-'));
  clock = new SteppedClock(Date.parse('2026-02-01T03:10:00.000Z'));
  said = new LogLines();
  manifests = new DayManifests({ root, temporaryDir: join(root, '.mooring/tmp'), disk: nodeDisk, clock, log: said });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const linesOf = (sequences: readonly number[], run = runOf(1)): string =>
  sequences.map((sequence) => `${JSON.stringify(flatOf(run, sequence))}\n`).join('');
const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex');
const manifestOf = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(root, folder, 'manifest.json'), 'utf8')) as Manifest;

function put(path: string, data: string | Uint8Array): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), data);
}

test('a day that is over has a manifest of every file, with bytes, sum, records, times, and sequences by run', async () => {
  const lines = `${linesOf([1, 2, 3, 7])}${linesOf([5], runOf(2))}${JSON.stringify(foreignOf(1))}\n`;
  put('2026/01/31/22.ndjson', lines);
  put('2026/01/31/23-2.ndjson', linesOf([40]));
  put('user/ann/2026/01/30/04.ndjson', linesOf([9]));
  put('2026/02/01/00.ndjson', linesOf([60]));
  put('undated/2026-01-31.ndjson', linesOf([61]));
  expect(await manifests.make(NEVER)).toBe(2);
  expect(manifestOf('2026/01/31')).toEqual({
    schema: 1,
    day: '2026-01-31',
    version: 1,
    made_at: '2026-02-01T03:10:00.000Z',
    records: 7,
    files: [
      {
        file: '22.ndjson',
        bytes: Buffer.byteLength(lines),
        sha256: sha256(lines),
        records: 6,
        foreign: 1,
        first: flatOf(runOf(1), 1).timestamp,
        last: foreignOf(1).timestamp,
        runs: [
          {
            run: runOf(1),
            sequences: [
              [1, 3],
              [7, 7],
            ],
          },
          { run: runOf(2), sequences: [[5, 5]] },
        ].toSorted((a, b) => (a.run < b.run ? -1 : 1)),
      },
      expect.objectContaining({ file: '23-2.ndjson', records: 1, foreign: 0 }),
    ],
  });
  expect(manifestOf('user/ann/2026/01/30')).toMatchObject({ day: '2026-01-30', records: 1 });
  expect(readdirSync(join(root, '2026/02/01'))).toEqual(['00.ndjson']);
  expect(readdirSync(join(root, '.mooring/tmp'))).toEqual([]);
  expect(await manifests.make(NEVER)).toBe(0);
});

test('a day is over two hours after its end', async () => {
  put('2026/02/01/23.ndjson', linesOf([1]));
  await clock.advance(Date.parse('2026-02-02T01:59:59.000Z') - clock.wallMs());
  expect(await manifests.make(NEVER)).toBe(0);
  await clock.advance(1000);
  expect(await manifests.make(NEVER)).toBe(1);
});

test('rows and files that come late make the next version; what was there is held to the one before', async () => {
  put('2026/01/31/22.ndjson', linesOf(span(1, 20)));
  await manifests.make(NEVER);
  appendFileSync(join(root, '2026/01/31/22.ndjson'), linesOf([21, 22]));
  put('2026/01/31/03.ndjson', linesOf([23]));
  expect(await manifests.make(NEVER)).toBe(1);
  const { version, records, files } = manifestOf('2026/01/31');
  expect({ version, records }).toEqual({ version: 2, records: 23 });
  expect(files.map(({ file }) => file)).toEqual(['03.ndjson', '22.ndjson']);
  // Half a line is not there yet.
  appendFileSync(join(root, '2026/01/31/22.ndjson'), '{"id":"3f');
  expect(await manifests.make(NEVER)).toBe(0);
});

test('what the sink has not committed is not in a manifest, however much of it is on disk', async () => {
  const committed = linesOf([1, 2]);
  put('2026/01/31/22.ndjson', `${committed}${linesOf([3, 4])}`);
  put('2026/01/31/23.ndjson', linesOf([5]));
  const files = new Map([
    ['2026/01/31/22.ndjson', Buffer.byteLength(committed)],
    ['2026/01/31/23.ndjson', 0],
  ]);
  const state = { logs: {}, files, runs: new Map(), parts: new Map(), openings: 1 };
  put('.mooring/state.json', encodeState(state));
  await manifests.make(NEVER);
  expect(manifestOf('2026/01/31')).toMatchObject({
    records: 2,
    files: [{ file: '22.ndjson', bytes: Buffer.byteLength(committed), sha256: sha256(committed), records: 2 }],
  });
});

test('a link to nowhere costs its day only, and is named', async () => {
  put('2026/01/30/22.ndjson', linesOf([1]));
  symlinkSync('nowhere', join(root, '2026/01/30/23.ndjson'));
  put('2026/01/31/22.ndjson', linesOf([2]));
  await expect(manifests.make(NEVER)).rejects.toMatchObject({
    code: 'SINK_FAILED',
    context: { path: '2026/01/30/23.ndjson' },
    hint: expect.stringMatching(/link/),
  });
  expect(manifestOf('2026/01/31').records).toBe(1);
});

test('Parquet counts as the NDJSON of its name, and takes its place', async () => {
  const parquet = new ParquetRecordFile();
  for (const sequence of span(1, 30)) parquet.add(storeRecordOf(flatOf(runOf(1), sequence)));
  parquet.add(storeRecordOf(foreignOf(3)));
  const bytes = parquet.finish();
  const lines = `${linesOf(span(1, 30))}${JSON.stringify(foreignOf(3))}\n`;
  put('2026/01/31/22.ndjson', lines);
  await manifests.make(NEVER);
  const [first] = manifestOf('2026/01/31').files;
  put('2026/01/31/22.parquet', bytes);
  await manifests.make(NEVER);
  const both = manifestOf('2026/01/31');
  expect(both).toMatchObject({ version: 2, records: 31 });
  const { file, bytes: _, sha256: sum, ...facts } = both.files[1] as Manifest['files'][number];
  expect({ file, sum }).toEqual({ file: '22.parquet', sum: sha256(bytes) });
  expect(first).toMatchObject(facts);
  rmSync(join(root, '2026/01/31/22.ndjson'));
  expect(await verifyManifests(root)).toEqual({ manifests: 1, intact: 1, wrong: [] });
  await manifests.make(NEVER);
  expect(manifestOf('2026/01/31')).toMatchObject({ version: 3, records: 31 });
});

test.each([
  ['gone', () => rmSync(join(root, '2026/01/31/22.ndjson'))],
  ['shorter', () => put('2026/01/31/22.ndjson', linesOf(span(1, 3)))],
  ['longer and another at its beginning', () => put('2026/01/31/22.ndjson', linesOf(span(101, 130)))],
])('a file that is %s makes no manifest that hides it, and stops no other day', async (_, change) => {
  put('2026/01/31/22.ndjson', linesOf(span(1, 20)));
  await manifests.make(NEVER);
  change();
  put('2026/01/30/02.ndjson', linesOf([1]));
  put('2026/01/31/23.ndjson', linesOf([50]));
  await expect(manifests.make(NEVER)).rejects.toMatchObject({
    code: 'SINK_FAILED',
    context: { path: '2026/01/31/22.ndjson' },
  });
  expect(manifestOf('2026/01/31').version).toBe(1);
  expect(manifestOf('2026/01/30').version).toBe(1);
  // Where it was on purpose.
  rmSync(join(root, '2026/01/31/manifest.json'));
  expect(await manifests.make(NEVER)).toBe(1);
});

test.each([
  ['a line that is no record', '2026/01/31/22.ndjson', 'nothing\n'],
  ['Parquet that is none', '2026/01/31/22.parquet', 'nothing'],
  ['a manifest of somebody else', '2026/01/31/manifest.json', '{"schema":99}'],
])('%s is told and left alone', async (_, path, data) => {
  put('2026/01/31/21.ndjson', linesOf([1]));
  put(path, data);
  await expect(manifests.make(NEVER)).rejects.toMatchObject({
    code: 'SINK_FAILED',
    context: { path: join(root, path) },
  });
  expect(readFileSync(join(root, path), 'utf8')).toBe(data);
});

test('what was changed behind the back of a sink is named', async () => {
  put('2026/01/31/21.ndjson', linesOf([1, 2]));
  put('2026/01/31/22.ndjson', linesOf([3, 4]));
  put('2026/01/30/02.ndjson', linesOf([5]));
  put('2026/01/29/02.ndjson', linesOf([6]));
  await manifests.make(NEVER);
  const text = readFileSync(join(root, '2026/01/31/21.ndjson'), 'utf8');
  put('2026/01/31/21.ndjson', text.replace('buoy-7', 'buoy-8'));
  appendFileSync(join(root, '2026/01/31/22.ndjson'), linesOf([9]));
  rmSync(join(root, '2026/01/30/02.ndjson'));
  put('2026/01/29/manifest.json', 'torn');
  expect(await verifyManifests(root)).toEqual({
    manifests: 3,
    intact: 1,
    wrong: [
      { path: '2026/01/29/manifest.json', what: 'unreadable' },
      { path: '2026/01/30/02.ndjson', what: 'missing' },
      { path: '2026/01/31/21.ndjson', what: 'changed' },
    ],
  });
});

test.each<FilesFormat>(['ndjson', 'both', 'parquet'])(
  'a sink of format %s has manifests made beside it once a day, and late rows come in',
  async (format) => {
    const disk = new PowerCutDisk(new SeededRandom(1));
    const file = { load: async () => undefined, save: async () => undefined };
    const jobs = new Schedule({ atMinutes: 190, file, cron: new SteppedCron(clock), clock, log: said });
    await jobs.open();
    // A thread has its own time, and the clock is stepped.
    const createEncoder = () => new OwnThreadEncoder();
    const sink = new ManifestedFiles({
      ...{ name: 'archive', path: '/srv/r', format, jobs, clock, log: said, disk, createEncoder },
    });
    await sink.open(NEVER);
    const write = async (sequences: readonly number[]): Promise<void> => {
      const written = sink.write([entryOf(runOf(1), sequences)]);
      await clock.advance(2000);
      await written;
    };
    const manifest = (): Manifest => JSON.parse(disk.files('/srv/r').get('2026/01/31/manifest.json') ?? '') as Manifest;
    await write(span(1, 30));
    await clock.advance(24 * HOUR_MS);
    const { version, records, files } = manifest();
    expect(records).toBe(30);
    expect(files.some((one) => one.file.endsWith('.parquet'))).toBe(format !== 'ndjson');
    await write(span(31, 33));
    await clock.advance(26 * HOUR_MS);
    expect(manifest().records).toBe(33);
    expect(manifest().version).toBeGreaterThan(version);
    expect(jobs.status()).toMatchObject([{ kind: 'manifests', sink: 'archive', failed: 0 }]);
    await sink.close();
    expect(jobs.status()).toEqual([]);
  },
);
