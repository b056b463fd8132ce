/** HDFS under the suite of stores that run elsewhere. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FlatRecord } from '../../central/recordlog/recordlog.ts';
import { HdfsStore, type HdfsStoreOptions } from '../../central/sinks/hdfs/hdfs-store.ts';
import { MISSING_OF_RUN } from '../../central/sinks/hdfs/missing.ts';
import { WebHdfs } from '../../central/sinks/hdfs/web-hdfs.ts';
import { ParquetRecordFile } from '../../central/sinks/parquet/record-file.ts';
import { systemClock } from '../../runtime/clock.ts';
import { systemRandom } from '../../runtime/random.ts';
import { storeRecordOf } from '../conformance/remote-records.ts';
import type { RemoteHarness } from '../conformance/remote-store.ts';
import { parquetRecords } from '../parquet-records.ts';
import { Hdfs } from './hdfs.ts';
import { duckdb } from './hdfs-duckdb.ts';
import { engineOf } from './local-server.ts';

export interface HdfsPlace {
  readonly url: string;
  readonly path: string;
}

/** A file of records, and what is in it. */
export interface FoundFile {
  readonly path: string;
  readonly records: readonly FlatRecord[];
}

/** Short, as the suite waits for it. */
const DEADLINE_MS = 5000;
/** So little that the suite sees records in the log, in files, and on their way. */
const ROLL_BYTES = 20_000;

export const harness: RemoteHarness = {
  async start() {
    const hdfs = await Hdfs.start();
    return engineOf(hdfs, (number): HdfsPlace => ({ url: hdfs.url, path: `/lakes/mooring ${number}` }));
  },
  make: (place) => hdfsStore(placeOf(place)),
  async read(place) {
    // A start does what a writer that was killed had sealed.
    await written(placeOf(place), {});
    const files = [...(await filesOf(place)), ...(await logOf(place))];
    return files.flatMap(({ records }) => records);
  },
  async remove(place, ids) {
    const keep = (records: readonly FlatRecord[]): FlatRecord[] => records.filter(({ id }) => !ids.includes(id));
    const hdfs = hdfsOf(placeOf(place));
    for (const { path, records } of await filesOf(place)) {
      const file = new ParquetRecordFile();
      for (const flat of keep(records)) file.add(storeRecordOf(flat));
      await hdfs.put(path, file.finish());
    }
    for (const { path, records } of await logOf(place))
      await hdfs.put(
        path,
        Buffer.from(
          keep(records)
            .map((flat) => `${JSON.stringify(flat)}\n`)
            .join(''),
        ),
      );
    await hdfs.close();
  },
  async missing(place, run) {
    await written(placeOf(place), { rollMs: 0 });
    return await asDuckdb(place, MISSING_OF_RUN, { run }, ([sequence]) => Number(sequence));
  },
  async partitions(place) {
    await written(placeOf(place), { rollMs: 0 });
    return (await datesOf(place)).length;
  },
  async makeUnfit(place) {
    const { path } = placeOf(place);
    const hdfs = hdfsOf(placeOf(place));
    await hdfs.put(`${path}/part-00000.csv`, Buffer.from('a,b\n'));
    await hdfs.close();
  },
  poison: [],
};

export function hdfsStore({ url, path }: HdfsPlace, options: Partial<HdfsStoreOptions> = {}): HdfsStore {
  return new HdfsStore({
    ...{ name: 'lake', url, path, rollBytes: ROLL_BYTES, user: 'mooring', deadlineMs: DEADLINE_MS },
    ...{ clock: systemClock, random: systemRandom },
    ...options,
  });
}

export function placeOf(place: string): HdfsPlace {
  return JSON.parse(place) as HdfsPlace;
}

/** What a store does at its start and before a write. */
async function written(place: HdfsPlace, options: Partial<HdfsStoreOptions>): Promise<void> {
  const store = hdfsStore(place, options);
  await store.open(new AbortController().signal);
  if (options.rollMs === 0) await store.write([]);
  await store.close();
}

/** Runs a query over the files, with `$files` for them. */
export async function asDuckdb<T>(
  place: string,
  sql: string,
  parameters: Readonly<Record<string, string>>,
  rowOf: (row: unknown[]) => T,
): Promise<T[]> {
  const folder = mkdtempSync(join(tmpdir(), 'mooring-lake-'));
  const { path: root } = placeOf(place);
  const hdfs = hdfsOf(placeOf(place));
  try {
    for (const { path } of await filesOf(place)) {
      const copy = join(folder, path.slice(root.length));
      mkdirSync(join(copy, '..'), { recursive: true });
      writeFileSync(copy, (await hdfs.read(path)) as Buffer);
    }
    return duckdb(sql, { files: join(folder, 'date=*', '*.parquet'), ...parameters }).map(rowOf);
  } finally {
    await hdfs.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

export async function datesOf(place: string): Promise<string[]> {
  return (await namesIn(place, '')).filter((name) => name.startsWith('date='));
}

export async function filesOf(place: string): Promise<FoundFile[]> {
  const found: FoundFile[] = [];
  for (const date of await datesOf(place))
    for (const name of await namesIn(place, `/${date}`))
      found.push(await fileOf(place, `/${date}/${name}`, (content) => parquetRecords(content)));
  return found;
}

/** What is in no file yet. */
export async function logOf(place: string): Promise<FoundFile[]> {
  const found: FoundFile[] = [];
  for (const generation of await namesIn(place, '/_mooring/log'))
    for (const name of await namesIn(place, `/_mooring/log/${generation}`))
      if (Number(name) > 0) found.push(await fileOf(place, `/_mooring/log/${generation}/${name}`, linesOf));
  return found;
}

async function linesOf(content: Buffer): Promise<FlatRecord[]> {
  const lines = content.toString('utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as FlatRecord);
}

async function fileOf(
  place: string,
  below: string,
  recordsOf: (content: Buffer) => Promise<FlatRecord[]>,
): Promise<FoundFile> {
  const path = `${placeOf(place).path}${below}`;
  const hdfs = hdfsOf(placeOf(place));
  const content = await hdfs.read(path);
  await hdfs.close();
  if (content === undefined) throw new Error(`${path} is gone`);
  return { path, records: await recordsOf(content) };
}

async function namesIn(place: string, below: string): Promise<string[]> {
  const hdfs = hdfsOf(placeOf(place));
  const found = (await hdfs.list(`${placeOf(place).path}${below}`)) ?? [];
  await hdfs.close();
  return found.map(({ name }) => name);
}

function hdfsOf({ url }: HdfsPlace): WebHdfs {
  return new WebHdfs({ name: 'test', url, user: 'mooring', clock: systemClock });
}
