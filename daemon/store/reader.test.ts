import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { recordIdOf, runIdOf } from '../../protocol/ids.ts';
import { MooringError } from '../../runtime/errors.ts';
import { guarded, openForReading, openForWriting, requireNodeApi } from './connection.ts';
import { LABEL, sample } from './fixtures/observations.ts';
import { packed } from './packing.ts';
import { openStoreReader } from './reader.ts';
import { MIGRATIONS, SCHEMA_VERSION } from './schema.ts';
import { StoreFile } from './store-file.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mooring-reader-'));
  path = join(folder, 'store.db');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const SALT = new Uint8Array(16).fill(1);
const RUN = runIdOf('plaka', SALT);

function open(forwarders: readonly string[] = ['centre'], salt: Uint8Array = SALT): StoreFile {
  return new StoreFile({ path, gateway: 'plaka', forwarders, budgetBytes: 2 ** 22, salt });
}

function append(store: StoreFile, count: number, station = 'buoy-7'): number | undefined {
  const records = packed(Array.from({ length: count }, (_, index) => sample(index, station)));
  return store.commit({ nowMs: 0, label: LABEL, records, appends: [{ count, urgent: false }], settlements: [] })
    .firsts?.[0];
}

const failure = (work: () => unknown): MooringError => {
  try {
    work();
  } catch (error) {
    if (error instanceof MooringError) return error;
    throw error;
  }
  throw new Error('did not fail');
};

test('a reader sees what is committed, while the gateway writes and when none runs', () => {
  const store = open();
  append(store, 5);
  const reader = openStoreReader(path);
  expect(reader.forwarders).toEqual(['centre']);
  const expected = { run: RUN, gateway: 'plaka', last: 5, unsettled: [[1, 5]], acked: [] };
  expect(reader.runs()).toEqual([expected]);
  const settlements = [{ forwarder: 'centre', salt: SALT, ranges: [[2, 3]] as const }];
  store.commit({ nowMs: 0, label: LABEL, records: packed([]), appends: [], settlements });
  const settled = {
    ...expected,
    unsettled: [
      [1, 1],
      [4, 5],
    ],
    acked: [[2, 3]],
  };
  expect(reader.runs('centre')).toEqual([settled]);
  reader.close();
  store.close();
  expect(existsSync(`${path}-wal`)).toBe(false);
  const later = openStoreReader(path);
  expect(later.runs()).toEqual([settled]);
  later.close();
});

test('a reader sees what a killed gateway has left in the log', () => {
  const store = open();
  append(store, 5);
  const copy = join(folder, 'copy');
  mkdirSync(copy);
  for (const suffix of ['', '-wal']) cpSync(`${path}${suffix}`, join(copy, `store.db${suffix}`));
  store.close();
  const reader = openStoreReader(join(copy, 'store.db'));
  expect(reader.runs()).toMatchObject([{ last: 5 }]);
  reader.close();
});

test('a reader that may not write beside a store at rest reads it all the same', () => {
  const store = open();
  append(store, 5);
  store.close();
  chmodSync(folder, 0o500);
  chmodSync(path, 0o400);
  try {
    const reader = openStoreReader(path);
    expect(reader.runs()).toMatchObject([{ last: 5 }]);
    reader.close();
  } finally {
    chmodSync(folder, 0o700);
  }
});

test('the last of a run stays known when its rows are gone', () => {
  const store = open([]);
  append(store, 100);
  store.close();
  const next = open([], new Uint8Array(16).fill(2));
  for (let group = 0; group < 700; group += 1) append(next, 100);
  expect(next.stats().records).toBeLessThan(70_000);
  const reader = openStoreReader(path);
  expect(reader.runs().map(({ last }) => last)).toEqual([100, 70_000]);
  reader.close();
  next.close();
});

test('a run is forgotten that never had a record, or of which all are gone, but for the one that the next begins after', () => {
  const saltOf = (start: number): Uint8Array => new Uint8Array(16).fill(start);
  const listed = (): number[] => {
    const db = new Sqlite(path, { readonly: true });
    const runs = db.prepare('SELECT run FROM runs ORDER BY run').pluck().all() as number[];
    db.close();
    return runs;
  };
  for (let start = 1; start <= 4; start += 1) {
    const store = open([], saltOf(start));
    if (start !== 2) append(store, 100);
    store.close();
  }
  const store = open([], saltOf(5));
  expect(listed()).toEqual([1, 3, 4, 5]);
  for (let group = 0; group < 700; group += 1) append(store, 100);
  store.close();
  open([], saltOf(6)).close();
  open([], saltOf(7)).close();
  const last = open([], saltOf(8));
  expect(listed()).toEqual([4, 5, 7, 8]);
  expect(last.previous).toBe(recordIdOf(runIdOf('plaka', saltOf(5)), 70_000));
  append(last, 1);
  const reader = openStoreReader(path);
  expect(reader.runs().map((run) => [run.run, run.last])).toEqual([
    [runIdOf('plaka', saltOf(4)), 100],
    [runIdOf('plaka', saltOf(5)), 70_000],
    [runIdOf('plaka', saltOf(8)), 1],
  ]);
  reader.close();
  last.close();
});

test('of several forwarders one has to be named', () => {
  const store = open(['centre', 'spare']);
  append(store, 1);
  const reader = openStoreReader(path);
  expect(failure(() => reader.runs()).code).toBe('STORE_FAILED');
  expect(failure(() => reader.runs('other')).code).toBe('STORE_FAILED');
  expect(reader.runs('spare').length).toBe(1);
  reader.close();
  store.close();
});

test('what is no store is refused by reader and gateway, and left as it is', () => {
  writeFileSync(path, 'x'.repeat(5000));
  expect(failure(() => openStoreReader(path))).toMatchObject({ code: 'STORE_DAMAGED', context: { path } });
  expect(failure(() => open()).code).toBe('STORE_DAMAGED');
  rmSync(path);
  const other = new Sqlite(path);
  other.exec('CREATE TABLE notes (note TEXT)');
  other.close();
  expect(failure(() => openStoreReader(path)).code).toBe('STORE_DAMAGED');
  expect(failure(() => open()).code).toBe('STORE_DAMAGED');
  const still = new Sqlite(path);
  expect(still.pragma('journal_mode', { simple: true })).toBe('delete');
  still.close();
});

test('a store that is not there is not made by reading it', () => {
  expect(failure(() => openStoreReader(path))).toMatchObject({ code: 'STORE_FAILED', context: { path } });
  expect(existsSync(path)).toBe(false);
});

test('a store that was cut short is reported as damaged', () => {
  const store = open();
  append(store, 2000);
  store.close();
  truncateSync(path, 20_000);
  expect(failure(() => openStoreReader(path).runs()).code).toBe('STORE_DAMAGED');
});

test('a store of a newer version is refused by reader and gateway', () => {
  open().close();
  const newer = new Sqlite(path);
  newer.pragma(`user_version = ${SCHEMA_VERSION + 1}`);
  newer.close();
  expect(failure(() => open()).code).toBe('STORE_NEWER_SCHEMA');
  expect(failure(() => openStoreReader(path)).code).toBe('STORE_NEWER_SCHEMA');
});

test('a start that was cut off before its schema was whole is made good by the next', () => {
  const empty = new Sqlite(path);
  empty.pragma('journal_mode = wal');
  empty.close();
  expect(failure(() => openStoreReader(path)).code).toBe('STORE_FAILED');
  const store = open();
  expect(append(store, 1)).toBe(1);
  store.close();
});

test('every pragma holds after a write, on a new store and on each reopening', () => {
  for (let start = 0; start < 2; start += 1) {
    const db = openForWriting({ path, walBytes: 2 ** 20 });
    expect(db.pragma('journal_mode', { simple: true })).toBe('wal');
    expect(db.pragma('synchronous', { simple: true })).toBe(2);
    expect(db.pragma('page_size', { simple: true })).toBe(1024);
    expect(db.pragma('wal_autocheckpoint', { simple: true })).toBe(1024);
    expect(db.pragma('user_version', { simple: true })).toBe(MIGRATIONS.length);
    db.close();
  }
});

test('only the gateway and its group may read a new store', () => {
  const umask = process.umask(0o022);
  const store = open();
  append(store, 1);
  for (const suffix of ['', '-wal', '-shm', '.runs']) {
    expect((statSync(`${path}${suffix}`).mode & 0o777).toString(8), suffix).toBe('640');
  }
  store.close();
  process.umask(umask);
});

test('a reading connection cannot write', () => {
  open().close();
  const db = openForReading(path);
  expect(() => db.exec('DELETE FROM runs')).toThrow(/readonly/);
  db.close();
});

test('a group that fails half-way leaves nothing: no row, no sequence, nothing in flight let go', () => {
  const store = open();
  append(store, 10);
  expect(store.take('centre', 'live', { recordsMax: 4, bytesMax: 10_000 }, 0)?.sequences).toEqual([1, 2, 3, 4]);
  store.hold('centre', SALT, [[4, 4]]);
  const fault = new Sqlite(path);
  fault.exec(
    "CREATE TRIGGER fault BEFORE INSERT ON records WHEN new.station = 'bad' BEGIN SELECT RAISE(ABORT, 'x'); END",
  );
  const before = store.stats();
  const records = packed([sample(1), sample(2), sample(3, 'bad')]);
  const error = failure(() =>
    store.commit({
      nowMs: 0,
      label: LABEL,
      records,
      appends: [
        { count: 1, urgent: true },
        { count: 2, urgent: false },
      ],
      settlements: [
        { forwarder: 'centre', salt: SALT, ranges: [[1, 2]] },
        { forwarder: 'centre', salt: SALT, ranges: [[3, 3]], waived: { reason: 'rejected', code: 'metric_type' } },
      ],
    }),
  );
  expect(error.code).toBe('STORE_FAILED');
  expect({ ...store.stats(), bytes: 0 }).toEqual({ ...before, bytes: 0 });
  expect(store.take('centre', 'live', { recordsMax: 100, bytesMax: 10_000 }, 0)?.sequences).toEqual([
    5, 6, 7, 8, 9, 10,
  ]);
  expect(append(store, 1)).toBe(11);
  fault.close();
  store.close();
});

test('a disk that answers nothing for a while leaves no hole, and nothing of what it refused', () => {
  const store = open();
  append(store, 10);
  expect(store.take('centre', 'live', { recordsMax: 4, bytesMax: 10_000 }, 0)?.sequences).toEqual([1, 2, 3, 4]);
  const before = store.stats();
  const fault = new Sqlite(path);
  fault.exec('ALTER TABLE records RENAME TO hidden');
  const settlements = [{ forwarder: 'centre', salt: SALT, ranges: [[1, 2]] as const }];
  const records = packed(Array.from({ length: 20 }, (_, index) => sample(index)));
  const group = { nowMs: 0, label: LABEL, records, appends: [{ count: 20, urgent: false }], settlements };
  // The second finds that what the first has left cannot even be read.
  for (let attempt = 0; attempt < 2; attempt += 1) expect(failure(() => store.commit(group)).code).toBe('STORE_FAILED');
  expect(failure(() => store.take('centre', 'live', { recordsMax: 4, bytesMax: 10_000 }, 0)).code).toBe('STORE_FAILED');
  expect(failure(() => store.release('centre', SALT, [[1, 4]])).code).toBe('STORE_FAILED');
  fault.exec('ALTER TABLE hidden RENAME TO records');
  fault.close();
  expect({ ...store.stats(), bytes: 0 }).toEqual({ ...before, bytes: 0 });
  expect(append(store, 1)).toBe(11);
  store.release('centre', SALT, [[3, 4]]);
  expect(store.take('centre', 'live', { recordsMax: 100, bytesMax: 10_000 }, 0)?.sequences).toEqual([
    3, 4, 5, 6, 7, 8, 9, 10, 11,
  ]);
  store.close();
});

test('what SQLite says becomes a code of the store', () => {
  const codeOf = (code: string): string =>
    failure(() =>
      guarded(path, () => {
        throw new Sqlite.SqliteError('x', code);
      }),
    ).code;
  expect(
    [
      'SQLITE_FULL',
      'SQLITE_IOERR_SHMSIZE',
      'SQLITE_CORRUPT_VTAB',
      'SQLITE_NOTADB',
      'SQLITE_IOERR_FSYNC',
      'SQLITE_BUSY',
    ].map(codeOf),
  ).toEqual(['STORE_FULL', 'STORE_FULL', 'STORE_DAMAGED', 'STORE_DAMAGED', 'STORE_FAILED', 'STORE_FAILED']);
});

test('a Node whose Node-API is too old is told so', () => {
  expect(failure(() => requireNodeApi('9')).code).toBe('NODE_TOO_OLD');
  requireNodeApi('10');
});
