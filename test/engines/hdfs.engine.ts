import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { flatOf, runOf, span } from '../conformance/entries.ts';
import { patient } from '../conformance/patient-store.ts';
import { foreignOf, storeRecordOf } from '../conformance/remote-records.ts';
import { describeRemoteStore, type Engine } from '../conformance/remote-store.ts';
import { asDuckdb, filesOf, harness, hdfsStore, logOf, placeOf } from './hdfs-harness.ts';

const never = new AbortController().signal;
/** Nothing hangs here, and a DataNode that has just started is slow. */
const PATIENT_MS = 60_000;
const DAYS = `SELECT date, count(*), count(DISTINCT id), min(timestamp) >= date::TIMESTAMPTZ
  FROM read_parquet($files, hive_partitioning = true, hive_types = {'date': VARCHAR}) GROUP BY date ORDER BY date`;

describeRemoteStore('hdfs', harness, new URL('./hdfs-harness.ts', import.meta.url).href);

describe('HDFS, as others read it', { timeout: 300_000 }, () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await harness.start();
  }, 300_000);
  afterAll(() => engine?.stop(), 60_000);

  test('two that write to one folder leave every id once, and DuckDB reads the folder as one table', async () => {
    const place = await engine.newPlace();
    const stores = [{}, { rollMs: 0 }].map((options) =>
      patient(hdfsStore(placeOf(place), { ...options, deadlineMs: PATIENT_MS })),
    );
    for (const store of stores) await store.open(never);
    const flats = [...span(1, 150).map((sequence) => flatOf(runOf(1), sequence)), ...span(1, 150).map(foreignOf)];
    for (let at = 0; at < flats.length; at += 25)
      await Promise.all(stores.map((store) => store.write(flats.slice(at, at + 50).map(storeRecordOf))));
    await stores[1]?.write([]);
    for (const store of stores) await store.close();
    expect(await logOf(place)).toEqual([]);
    const byDay = Map.groupBy(flats, ({ timestamp }) => timestamp.slice(0, 'yyyy-mm-dd'.length));
    const expected = [...byDay].map(([day, { length }]) => [day, length, length, true]).sort();
    expect(await asDuckdb(place, DAYS, {}, (row) => row.slice(0, 4))).toEqual(expected);
    for (const { path } of await filesOf(place))
      expect(path).toMatch(/\/date=\d{4}-\d\d-\d\d\/\d{9}-\d{9}-\d{9}\.parquet$/);
  });
});
