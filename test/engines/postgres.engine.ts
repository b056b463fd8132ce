import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { FlatRecord } from '../../central/recordlog/recordlog.ts';
import type { PostgresStore, PostgresStoreOptions } from '../../central/sinks/postgres/postgres-store.ts';
import { METRIC_COLUMNS } from '../../central/sinks/remote/metric-columns.ts';
import { makeCertificates } from '../certificates.ts';
import { flatOf, runOf, span } from '../conformance/entries.ts';
import { foreignOf, storeRecordOf } from '../conformance/remote-records.ts';
import { describeRemoteStore } from '../conformance/remote-store.ts';
import { eventually } from '../processes.ts';
import { Postgres } from './postgres.ts';
import {
  harness,
  makeDatabase,
  OTHER_DEFAULTS,
  type Place,
  placeOf,
  query,
  storeAt,
  tableOf,
} from './postgres-harness.ts';

const never = new AbortController().signal;
const records = span(1, 20).map((sequence) => storeRecordOf(flatOf(runOf(1), sequence)));

describeRemoteStore('postgres', harness, new URL('./postgres-harness.ts', import.meta.url).href);

describe('PostgreSQL, as it is run', { timeout: 60_000 }, () => {
  let folder = '';
  let ca = '';
  let postgres: Postgres;
  let number = 0;
  let place = '';
  let passwordFile = '';
  const opened: PostgresStore[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'mooring-postgres-tls-'));
    const certificates = await makeCertificates(folder, 'plaka');
    ca = certificates.ca;
    postgres = await Postgres.start({
      tls: certificates.broker,
      settings: OTHER_DEFAULTS,
      rules: ['hostnossl all mooring all reject', 'host all reader 127.0.0.1/32 scram-sha-256'],
    });
    const adminFile = await makeDatabase(postgres);
    place = JSON.stringify({ port: postgres.port, schema: 'public', passwordFile: adminFile } satisfies Place);
    passwordFile = join(folder, 'mooring');
    writeFileSync(passwordFile, 'of its own\n');
    writeFileSync(join(folder, 'wrong'), 'wrong\n');
    await query(place, `CREATE ROLE mooring LOGIN PASSWORD 'of its own'`);
    await query(place, `CREATE ROLE reader LOGIN PASSWORD 'of its own'`);
    await query(place, `GRANT CREATE ON DATABASE mooring TO mooring`);
  });
  afterAll(async () => {
    await Promise.all(opened.map((store) => store.close()));
    await postgres.stop();
    rmSync(folder, { recursive: true });
  });
  beforeEach(() => {
    number += 1;
    place = JSON.stringify({ ...placeOf(place), schema: `s${number}` });
  });

  const asMooring = (options: Partial<PostgresStoreOptions> = {}): PostgresStore => {
    const store = storeAt(placeOf(place), { user: 'mooring', passwordFile, caFile: ca, ...options });
    opened.push(store);
    return store;
  };
  const openAs = async (options: Partial<PostgresStoreOptions> = {}): Promise<PostgresStore> => {
    const store = asMooring(options);
    await store.open(never);
    return store;
  };
  const refusalOf = async (options: Partial<PostgresStoreOptions> = {}): Promise<unknown> =>
    await asMooring(options)
      .open(never)
      .then(
        () => undefined,
        (reason: unknown) => reason,
      );
  const countOf = async (where = 'true', table = tableOf(place)): Promise<number> => {
    const [row] = await query<{ count: string }>(place, `SELECT count(*) FROM ${table} WHERE ${where}`);
    return Number(row?.count);
  };
  const partitionsOf = async (): Promise<string[]> => {
    const sql = `SELECT c.relname AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE inhparent = $1::regclass`;
    return (await query<{ name: string }>(place, `${sql} ORDER BY 1`, [tableOf(place)])).map(({ name }) => name);
  };

  test('makes its schema and table with the rights that the document names, over TLS, and writes much in several statements', async () => {
    const store = await openAs();
    const large = span(1, 300).map((at) =>
      storeRecordOf({ ...flatOf(runOf(2), at), info: { text: 'x'.repeat(60_000) } }),
    );
    expect(await store.write(large)).toEqual([]);
    expect(await countOf()).toBe(300);
  });

  test('who may not write there, a password that is wrong and a database that is not there are refused in words that tell no password', async () => {
    await openAs();
    for (const options of [
      { user: 'reader' },
      { passwordFile: join(folder, 'wrong') },
      { user: 'nobody' },
      { database: 'elsewhere' },
    ]) {
      const error = await refusalOf(options);
      expect(error).toMatchObject({ code: 'SINK_UNFIT', hint: expect.stringMatching(/owns|own it/) });
      expect(JSON.stringify(error)).not.toMatch(/of its own|wrong/);
    }
  });

  test('a certificate of another authority is refused, and so is a server that does not speak TLS; the words say where to look', async () => {
    const stranger = await makeCertificates(join(folder, 'stranger'), 'plaka');
    for (const options of [{ caFile: stranger.ca }, { host: 'localhost.localdomain' }]) {
      expect(await refusalOf(options)).toMatchObject({ code: 'SINK_FAILED', retry: 'later' });
    }
    expect(await refusalOf({ caFile: stranger.ca })).toMatchObject({ hint: expect.stringContaining('`ca`') });
    const plain = await Postgres.start();
    try {
      expect(await refusalOf({ port: plain.port })).toMatchObject({
        code: 'SINK_FAILED',
        hint: expect.stringContaining('TLS'),
      });
    } finally {
      await plain.stop();
    }
  });

  test('a table that would take one record for another, or needs what no record has, is refused; more columns are not', async () => {
    const table = tableOf(place);
    const cases = [
      [
        `CREATE UNIQUE INDEX once ON ${table} (station, time)`,
        `DROP INDEX ${table.replace('records', 'once')}`,
        'once',
      ],
      [`ALTER TABLE ${table} ADD COLUMN owner int NOT NULL`, `ALTER TABLE ${table} DROP COLUMN owner`, 'column owner'],
      [
        `ALTER TABLE ${table} ALTER rainfall TYPE real`,
        `ALTER TABLE ${table} ALTER rainfall TYPE double precision`,
        'rainfall is real',
      ],
      [
        `ALTER TABLE ${table} ALTER run SET NOT NULL`,
        `ALTER TABLE ${table} ALTER run DROP NOT NULL`,
        'run may not be NULL',
      ],
      [
        `ALTER TABLE ${table} DETACH PARTITION ${table}_undated`,
        `ALTER TABLE ${table} ATTACH PARTITION ${table}_undated DEFAULT`,
        'default partition',
      ],
    ] as const;
    await openAs();
    await query(place, `ALTER TABLE ${table} ADD COLUMN note text, ADD COLUMN at timestamptz NOT NULL DEFAULT now()`);
    for (const [spoil, mend, words] of cases) {
      await query(place, spoil);
      expect(await refusalOf()).toMatchObject({ code: 'SINK_UNFIT', hint: expect.stringContaining(words) });
      await query(place, mend);
    }
    expect(await refusalOf()).toBeUndefined();
  });

  test('every number, text and tree of JSON comes back as it was, and NUL is no reason to refuse one', async () => {
    const flats = fc.sample(anyRecord, { numRuns: 600, seed: 20_260_201 }).map(
      (parts, at): FlatRecord => ({
        ...JSON.parse(JSON.stringify(parts)),
        ...{ id: flatOf(runOf(7), at + 1).id, gateway: 'plaka', station: 'buoy-7', kind: 'sample', clock: 'gps' },
      }),
    );
    const store = await openAs();
    expect(await store.write(flats.map(storeRecordOf))).toEqual([]);
    const there = new Map((await harness.read(place)).map((flat) => [flat.id, flat]));
    for (const flat of flats) expect(there.get(flat.id)).toEqual(flat);
    expect(await countOf('exact IS NOT NULL')).toBeGreaterThan(0);
    const columns = METRIC_COLUMNS.map((name) => `${name}::text`).join(', ');
    for (const row of await query<Record<string, string | null>>(
      place,
      `SELECT id, ${columns} FROM ${tableOf(place)}`,
    )) {
      for (const name of METRIC_COLUMNS) {
        const value = row[name] ?? undefined;
        expect(value === undefined ? undefined : Number(value)).toEqual(there.get(row.id as string)?.[name]);
      }
    }
  });

  test('a message without a time that comes again on another day is the record that is there', async () => {
    const store = await openAs();
    const first = foreignOf(1);
    const stamped = (days: number): FlatRecord => {
      const time = new Date(Date.parse(first.timestamp) + days * 86_400_000).toISOString();
      return { ...first, timestamp: time, received_at: time, info: { source_id: 'x', time_from: 'receipt' } };
    };
    expect(await store.write([stamped(0), stamped(1), foreignOf(2)].map(storeRecordOf))).toEqual([]);
    expect(await store.write([stamped(40), stamped(0)].map(storeRecordOf))).toEqual([]);
    expect(await countOf()).toBe(2);
    expect(await countOf(`id = '${first.id}' AND time = '${first.timestamp}'`)).toBe(1);
  });

  test('rows that came before their date was likely move into its partition when that is made, and stay what they are', async () => {
    const store = await openAs({ period: 'month' });
    const ahead = span(1, 50).map((at) => ({
      ...flatOf(runOf(3), at),
      received_at: '2025-12-01T00:00:00.000Z',
    }));
    expect(await store.write(ahead.map(storeRecordOf))).toEqual([]);
    expect(await partitionsOf()).toEqual(['records_undated']);
    const due = span(10, 90).map((at) => flatOf(runOf(3), at));
    expect(await store.write([...ahead, ...due].map(storeRecordOf))).toEqual([]);
    expect(await partitionsOf()).toEqual(['records_202601', 'records_202602', 'records_undated']);
    expect(await countOf('true', `${tableOf(place)}_undated`)).toBe(0);
    expect(await countOf()).toBe(90);
    expect(await store.write([...ahead, ...due].map(storeRecordOf))).toEqual([]);
    expect(await countOf()).toBe(90);
  });

  test('where a reader holds the table for long, writes go on: the rows stand among those without a date, once', async () => {
    const store = await openAs();
    const held = query(place, `SELECT count(*) FROM ${tableOf(place)}, pg_sleep(60)`).catch((error: unknown) => error);
    const holders = `SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep'`;
    const [holder] = await eventually('the table is read', 10_000, async () => {
      const found = await query<{ pid: number }>(place, holders);
      return found.length > 0 && found;
    });
    expect(await store.write(records)).toEqual([]);
    expect(await partitionsOf()).toEqual(['records_undated']);
    await query(place, `SELECT pg_terminate_backend(${holder?.pid})`);
    await held;
    const later = await openAs();
    expect(await later.write(records)).toEqual([]);
    expect(await countOf()).toBe(20);
    expect(await partitionsOf()).toEqual(['records_20260131', 'records_undated']);
  });

  test('two copies that start and write at once make each part once', async () => {
    const copies = [asMooring(), asMooring()];
    await Promise.all(copies.map((store) => store.open(never)));
    const days = span(1, 300).map((sequence) => storeRecordOf(flatOf(runOf(4), sequence * 100)));
    const written = await Promise.all(copies.map((store) => untilWritten(store, days)));
    expect(written).toEqual([[], []]);
    expect(await countOf()).toBe(300);
    expect(await countOf('true', `${tableOf(place)}_undated`)).toBe(0);
  });

  test('drops the partitions that are older as a whole, beside a write', async () => {
    const store = await openAs({ retentionMs: 20 * 86_400_000 });
    expect(await store.write(records)).toEqual([]);
    const next = span(1000, 1020).map((sequence) => storeRecordOf(flatOf(runOf(1), sequence)));
    const [refused, dropped] = await Promise.all([store.write(next), store.dropBefore(Date.parse('2026-02-01'))]);
    expect({ refused, dropped }).toEqual({ refused: [], dropped: ['records_20260131'] });
    expect(await partitionsOf()).toEqual(['records_20260202', 'records_undated']);
    expect(await countOf(`time < '2026-02-01'`)).toBe(0);
  });

  test('a connection that was cut while nobody asked is made anew, with the password that its file has then', async () => {
    const store = await openAs();
    await query(place, `ALTER ROLE mooring PASSWORD 'another'`);
    await query(place, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'mooring'`);
    writeFileSync(passwordFile, 'another\n');
    await untilWritten(store, records);
    expect(await countOf()).toBe(20);
    await query(place, `ALTER ROLE mooring PASSWORD 'of its own'`);
    writeFileSync(passwordFile, 'of its own\n');
  });

  test('over TLS too, a server that hangs or is killed ends no more than the write', async () => {
    const store = await openAs({ deadlineMs: 2000 });
    postgres.pause();
    await expect(store.write(records)).rejects.toMatchObject({ code: 'DEADLINE' });
    postgres.resume();
    await untilWritten(store, records);
    await postgres.restart();
    await untilWritten(store, records);
    const last = expect(store.write(records)).rejects.toMatchObject({ retry: 'later' });
    await store.close();
    await last;
  });
});

async function untilWritten(store: PostgresStore, some: typeof records): Promise<unknown> {
  return await eventually('they are written', 30_000, () =>
    store.write(some).catch((error: { retry?: string }) => {
      if (error.retry !== 'later') throw error;
      return undefined;
    }),
  );
}

const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (Object.is(value, -0) ? 0 : value)),
  fc.constantFrom(5e-324, 1.7976931348623157e308, -1.7976931348623157e308, 0.1, 123456789012345680000),
);
const text = fc.string({ unit: 'binary', maxLength: 60 });
const anyRecord = fc.record(
  {
    timestamp: fc
      .date({ min: new Date(0), max: new Date(253_402_300_799_999), noInvalidDate: true })
      .map((date) => date.toISOString()),
    received_at: fc.constant('2026-02-01T00:00:00.000Z'),
    ...Object.fromEntries(METRIC_COLUMNS.map((name) => [name, number])),
    ...{
      modem_state: text,
      x_number: number,
      x_open: fc.boolean(),
      x_nul: fc.constantFrom('a\0b', '\ud83c half', '\\u0000'),
    },
    info: fc.dictionary(text, fc.jsonValue({ maxDepth: 5 })),
  },
  { requiredKeys: ['timestamp', 'received_at'] },
);
