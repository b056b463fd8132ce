import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { MooringError } from '../../runtime/errors.ts';
import { silentLog } from '../../runtime/log.ts';
import { large, sample, samples } from './fixtures/observations.ts';
import { failure, LIMITS, SAMPLES, Stores, sequences } from './fixtures/stores.ts';
import type { SqliteStore, SqliteStoreOptions } from './sqlite-store.ts';

let stores: Stores;
beforeEach(() => {
  stores = new Stores();
});
afterEach(async () => await stores.remove());

const make = (options?: Partial<SqliteStoreOptions>): SqliteStore => stores.make(options);

test('a thread that dies fails everything that waits, and is reported once', async () => {
  const died: MooringError[] = [];
  const store = make({ onDied: (error) => died.push(error) });
  await store.open();
  // A forwarder that is not configured is a bug, and bugs end the thread.
  expect((await failure(store.take('nobody', 'live', LIMITS))).code).toBe('STORE_FAILED');
  expect((await failure(store.append([sample(1)], SAMPLES))).code).toBe('STORE_FAILED');
  expect(died.map(({ code, retry }) => [code, retry])).toEqual([['STORE_FAILED', 'never']]);
  await store.close();
  await make().open();
});

test('of damaged and missing rows the others are given, those are declared lost, and the next start says no more', async () => {
  const logged: object[] = [];
  const log = { ...silentLog, error: (fields: object) => void logged.push(fields) } as typeof silentLog;
  const store = make({ log });
  const { salt, run } = await store.open();
  await store.append(samples(1, 6), SAMPLES);
  const vandal = new Sqlite(stores.path);
  vandal.exec("UPDATE records SET body = x'ff' WHERE row = 2; DELETE FROM records WHERE row IN (4, 6)");
  vandal.close();
  expect(sequences(await store.take('centre', 'live', { ...LIMITS, recordsMax: 2 }))).toEqual([1]);
  expect(sequences(await store.take('centre', 'live', { ...LIMITS, recordsMax: 3 }))).toEqual([3, 5]);
  expect(await store.take('centre', 'live', LIMITS)).toBeUndefined();
  expect(logged.map((fields) => (fields as { ranges: unknown }).ranges)).toEqual([[[2, 2]], [[4, 4]], [[6, 6]]]);
  await store.release('centre', salt, [[1, 6]]);
  const gaps = (await store.take('centre', 'urgent', LIMITS))?.records.map(({ info }) => info?.ranges);
  expect(gaps).toEqual([[[2, 2]], [[4, 4]], [[6, 6]]]);
  await store.close();
  const again = make({ log });
  await again.open();
  const taken = await again.take('centre', 'backlog', LIMITS);
  expect([taken?.run, sequences(taken)]).toEqual([run, [1, 3, 5]]);
  expect(logged.length).toBe(3);
});

test('a row that cannot be read is declared once, however many would have it', async () => {
  const store = make({ forwarders: ['centre', 'spare'] });
  await store.open();
  await store.append(samples(1, 3), SAMPLES);
  const vandal = new Sqlite(stores.path);
  vandal.exec("UPDATE records SET body = x'ff' WHERE row = 2");
  vandal.close();
  for (const forwarder of ['centre', 'spare']) {
    expect(sequences(await store.take(forwarder, 'live', LIMITS))).toEqual([1, 3]);
  }
  const gaps = (await store.take('spare', 'urgent', LIMITS))?.records.map(({ info }) => info?.ranges);
  expect(gaps).toEqual([[[2, 2]]]);
});

test('that records give way unsent is logged', async () => {
  const warned: object[] = [];
  const log = { ...silentLog, warn: (fields: object) => void warned.push(fields) } as typeof silentLog;
  const store = make({ budgetBytes: 2 ** 20, log });
  await store.open();
  for (let group = 0; group < 70; group += 1) {
    await store.append(
      Array.from({ length: 20 }, (_, index) => large(index)),
      SAMPLES,
    );
  }
  const { dropped } = await store.stats();
  expect(dropped).toBeGreaterThan(0);
  expect(warned.reduce((sum, fields) => sum + (fields as { dropped: number }).dropped, 0)).toBe(dropped);
});

test('that the file is larger than its budget is logged', async () => {
  const warned: object[] = [];
  const log = { ...silentLog, warn: (fields: object) => void warned.push(fields) } as typeof silentLog;
  const store = make({ log });
  await store.open();
  for (let group = 0; group < 10; group += 1) {
    await store.append(
      Array.from({ length: 200 }, (_, index) => large(index)),
      SAMPLES,
    );
  }
  await store.close();
  await make({ budgetBytes: 2 ** 20, log }).open();
  expect(warned).toEqual([{ path: stores.path, bytes: expect.any(Number), bytesMax: 2 ** 20 }]);
});
