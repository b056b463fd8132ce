/** The files sink with Parquet, killed again and again while hours are closed and late records come: each record stands once, in whole files. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, watch } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { FlatRecord } from '../../central/recordlog/recordlog.ts';
import { audit } from '../../cli/audit.ts';
import { systemClock } from '../../runtime/clock.ts';
import { SeededRandom } from '../../runtime/random.ts';
import { span } from '../conformance/entries.ts';
import { recordsIn } from '../conformance/files-sink.ts';
import { parquetRecords } from '../parquet-records.ts';
import { eventually } from '../processes.ts';
import { foreignFlatOf, hoursUpTo, hurriedSink, ownFlatOf, receivedMsOf, writeNumbers } from './killed-files.ts';

const KILLS = 24;
const SEED = 20_261_125;
/** What comes again after each start, as it would from Kafka. */
const OVERLAP = 300;
const SOON_MS = 60_000;
const TEST_MS = 600_000;
const DAY_MS = 86_400_000;
/** Late records of an hour: a second file, and one more an hour later, two, four, … */
const FILES_PER_HOUR_MAX = 5;

let place = '';
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'mooring-files-kill-'));
});
afterEach(() => rmSync(place, { recursive: true, force: true }));

const namesIn = (folder: string, end: string): string[] =>
  (readdirSync(folder, { recursive: true }) as string[])
    .filter((name) => name.endsWith(end) && !name.startsWith('.mooring'))
    .sort();

/** Of each Parquet file what it has; one that is not whole is no Parquet. */
async function parquetIn(folder: string): Promise<Map<string, readonly FlatRecord[]>> {
  const found = new Map<string, readonly FlatRecord[]>();
  for (const name of namesIn(folder, '.parquet')) {
    found.set(name.replace('.parquet', ''), await parquetRecords(readFileSync(join(folder, name))));
  }
  return found;
}

/** Writes from `first` on in a process that is killed: at a random moment, or while a file is being made. The last number that it confirmed. */
async function writeUntilKilled(
  folder: string,
  format: string,
  first: number,
  { isAimed, waitMs }: { readonly isAimed: boolean; readonly waitMs: number },
): Promise<number> {
  const child = fork(join(import.meta.dirname, 'killed-files.ts'), [folder, format, String(first), '1000000'], {
    execArgv: [],
    stdio: 'inherit',
  });
  let confirmed = first - 1;
  child.on('message', (last) => {
    confirmed = last as number;
  });
  const ended = once(child, 'exit');
  const running = (): true => {
    if (child.exitCode !== null) throw new Error(`the writer ended by itself, with ${child.exitCode}`);
    return true;
  };
  await eventually('it writes what is new', SOON_MS, () => running() && confirmed > first + OVERLAP);
  if (isAimed) {
    let isMaking = false;
    const watcher = watch(join(folder, '.mooring', 'tmp'), () => {
      isMaking = true;
    });
    await eventually('a file is being made', SOON_MS, () => running() && isMaking);
    watcher.close();
    await systemClock.sleep(waitMs / 100);
  } else await systemClock.sleep(waitMs);
  running();
  child.kill('SIGKILL');
  await ended;
  return confirmed;
}

test.each(['both', 'parquet'] as const)(
  `format %s: killed ${KILLS} times (seed ${SEED})`,
  async (format) => {
    const folder = join(place, 'records');
    mkdirSync(join(folder, '.mooring', 'tmp'), { recursive: true });
    const random = new SeededRandom(SEED);
    let confirmed = 0;
    let sealed = 0;
    const settled = new Map<string, number>();
    for (let kill = 0; kill < KILLS; kill += 1) {
      const first = Math.max(1, confirmed + 1 - OVERLAP);
      const aim = { isAimed: kill % 2 === 0, waitMs: random.uniform() * 700 };
      confirmed = Math.max(confirmed, await writeUntilKilled(folder, format, first, aim));
      if (readFileSync(join(folder, '.mooring', 'state.json'), 'utf8').includes('"sealed"')) sealed += 1;
      for (const [name, records] of await parquetIn(folder)) {
        // From its first moment on a file is what it will always be.
        expect(settled.get(name) ?? records.length, name).toBe(records.length);
        settled.set(name, records.length);
      }
    }
    // What the last one had written and nobody has heard of is written again, and more.
    const last = confirmed + OVERLAP;
    const sink = hurriedSink(folder, format, () => receivedMsOf(last) + DAY_MS);
    await sink.open(new AbortController().signal);
    await writeNumbers(sink, 1, last);
    await eventually('everything is Parquet', SOON_MS, () => {
      const parquet = new Set(namesIn(folder, '.parquet').map((name) => name.replace('.parquet', '')));
      const lines = namesIn(folder, '.ndjson').map((name) => name.replace('.ndjson', ''));
      return format === 'both' ? lines.every((name) => parquet.has(name)) : lines.length === 0;
    });
    await sink.close();

    const byId = (a: FlatRecord, b: FlatRecord): number => (a.id < b.id ? -1 : 1);
    const expected = span(1, last).flatMap((number) => [ownFlatOf(number), foreignFlatOf(number)]);
    const files = await parquetIn(folder);
    expect([...files.values()].flat().sort(byId)).toEqual(expected.sort(byId));
    if (format === 'both') expect(recordsIn(folder).sort(byId)).toEqual(expected);
    expect(await audit(folder)).toMatchObject({ ok: true, foreign: last, unfinished: [] });
    expect(sealed).toBeGreaterThan(0);
    process.stderr.write(
      `${format}: ${2 * last} records, ${files.size} files, ${hoursUpTo(last)} hours, ${sealed} of ${KILLS} kills on a sealed one\n`,
    );
    expect(files.size).toBeLessThanOrEqual(hoursUpTo(last) * FILES_PER_HOUR_MAX);
  },
  TEST_MS,
);
