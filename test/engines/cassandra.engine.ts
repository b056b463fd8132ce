import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { FlatRecord } from '../../central/recordlog/recordlog.ts';
import type { CassandraStoreOptions } from '../../central/sinks/cassandra/cassandra-store.ts';
import { METRIC_COLUMNS } from '../../central/sinks/remote/metric-columns.ts';
import { makeCertificates } from '../certificates.ts';
import { flatOf, runOf, span } from '../conformance/entries.ts';
import { patient } from '../conformance/patient-store.ts';
import { storeRecordOf } from '../conformance/remote-records.ts';
import { describeRemoteStore, type Engine } from '../conformance/remote-store.ts';
import { ask, harness, placeOf, storeAt, tableOf } from './cassandra-harness.ts';

const never = new AbortController().signal;
const records = span(1, 20).map((sequence) => storeRecordOf(flatOf(runOf(1), sequence)));

describeRemoteStore('cassandra', harness, new URL('./cassandra-harness.ts', import.meta.url).href);

describe('Cassandra, as it is run', { timeout: 300_000 }, () => {
  let engine: Engine;
  let folder = '';
  let place = '';
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'mooring-cassandra-logins-'));
    engine = await harness.start();
  }, 300_000);
  afterAll(async () => {
    await engine?.stop();
    rmSync(folder, { recursive: true });
  }, 60_000);
  beforeEach(async () => {
    place = await engine.newPlace();
  });

  const errorOf = async (options: Partial<CassandraStoreOptions>): Promise<unknown> => {
    const store = storeAt(placeOf(place), options);
    const error = await store.open(never).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    await store.close();
    return error;
  };

  test('every number, text and tree of JSON comes back as it was', async () => {
    const flats = fc.sample(anyRecord, { numRuns: 600, seed: 20_260_201 }).map(
      (parts, at): FlatRecord => ({
        ...JSON.parse(JSON.stringify(parts)),
        ...{ id: flatOf(runOf(7), at + 1).id, gateway: 'plaka', station: 'buoy-7', kind: 'sample', clock: 'gps' },
      }),
    );
    const store = patient(harness.make(place));
    await store.open(never);
    expect(await store.write(flats.map(storeRecordOf))).toEqual([]);
    await store.close();
    const there = new Map((await harness.read(place)).map((flat) => [flat.id, flat]));
    for (const flat of flats) expect(there.get(flat.id)).toEqual(flat);
  });

  test('a row that comes again has the time of writing that it had, and more than a batch takes is written in several', async () => {
    const large = span(1, 60).map((at) =>
      storeRecordOf({ ...flatOf(runOf(2), at), info: { text: 'x'.repeat(20_000) } }),
    );
    const store = patient(harness.make(place));
    await store.open(never);
    for (let time = 0; time < 2; time += 1) expect(await store.write([...records, ...large])).toEqual([]);
    await store.close();
    const rows = await ask(place, `SELECT received_at, WRITETIME(kind) AS written FROM ${tableOf(place)}`);
    expect(rows.length).toBe(80);
    for (const row of rows) expect(Number(row.written)).toBe((row.received_at as Date).getTime() * 1000);
  });

  test('where the table is gone, no record is taken for one that can never be written', async () => {
    const store = harness.make(place);
    await store.open(never);
    await ask(place, `DROP TABLE ${tableOf(place)}`);
    await expect(store.write(records)).rejects.toMatchObject({ code: 'SINK_FAILED', retry: 'later' });
    await store.close();
  });

  test('rows live as long as the table was made for, and another time is refused in words', async () => {
    expect(await errorOf({ ttlSeconds: 86_400 })).toBeUndefined();
    const [row] = await ask(
      place,
      `SELECT default_time_to_live AS ttl, compaction FROM system_schema.tables WHERE keyspace_name = ? AND table_name = 'records'`,
      [placeOf(place).keyspace],
    );
    expect(row?.ttl).toBe(86_400);
    expect(row?.compaction.class).toMatch(/TimeWindow/);
    expect(await errorOf({})).toBeUndefined();
    expect(await errorOf({ ttlSeconds: 3600 })).toMatchObject({
      code: 'SINK_UNFIT',
      hint: expect.stringContaining('default_time_to_live'),
    });
  });

  test('without an index on runs the query that it ships says the same', async () => {
    const store = patient(storeAt(placeOf(place), { runIndex: false }));
    await store.open(never);
    expect(await store.write(records)).toEqual([]);
    await store.close();
    expect(
      await ask(place, `SELECT * FROM system_schema.indexes WHERE keyspace_name = ?`, [placeOf(place).keyspace]),
    ).toEqual([]);
    await harness.remove(place, [flatOf(runOf(1), 7).id]);
    expect(await harness.missing(place, runOf(1))).toEqual([7]);
  });

  test('a user who may not, a password that is wrong and a datacenter that is not there are refused in words', async () => {
    expect(await errorOf({})).toBeUndefined();
    writeFileSync(join(folder, 'reader'), 'of its own\n');
    await ask(place, `CREATE ROLE IF NOT EXISTS reader WITH LOGIN = true AND PASSWORD = 'of its own'`);
    await ask(place, `GRANT SELECT ON ${tableOf(place)} TO reader`);
    for (const user of ['reader', 'cassandra']) {
      const error = await errorOf({ user, passwordFile: join(folder, 'reader') });
      expect(error).toMatchObject({ code: 'SINK_UNFIT', hint: expect.stringContaining('granted') });
      expect(JSON.stringify(error)).not.toContain('of its own');
    }
    expect(await errorOf({ datacenter: 'elsewhere' })).toMatchObject({
      code: 'SINK_UNFIT',
      hint: expect.stringContaining('`datacenter`'),
    });
  });

  test('the grants that the document names are enough', async () => {
    const { keyspace } = placeOf(place);
    writeFileSync(join(folder, 'mooring'), 'its own\n');
    const replication = `{'class': 'SimpleStrategy', 'replication_factor': 1}`;
    await ask(place, `CREATE KEYSPACE "${keyspace}" WITH replication = ${replication}`);
    await ask(place, `CREATE ROLE mooring WITH LOGIN = true AND PASSWORD = 'its own'`);
    for (const right of ['CREATE', 'ALTER', 'SELECT', 'MODIFY'])
      await ask(place, `GRANT ${right} ON KEYSPACE "${keyspace}" TO mooring`);
    const store = patient(storeAt(placeOf(place), { user: 'mooring', passwordFile: join(folder, 'mooring') }));
    await store.open(never);
    expect(await store.write(records)).toEqual([]);
    await store.close();
  });

  test('a certificate of another authority is refused, and the words say where to look', async () => {
    const stranger = await makeCertificates(join(folder, 'stranger'), 'plaka');
    expect(await errorOf({ caFile: stranger.ca })).toMatchObject({
      code: 'SINK_FAILED',
      retry: 'later',
      hint: expect.stringContaining('`ca`'),
    });
  });

  test('a host that accepts and says nothing holds up neither the start nor a write beyond the deadline', async () => {
    const sockets: Socket[] = [];
    const mute = createServer((socket) => sockets.push(socket.on('error', () => undefined)));
    const { port } = placeOf(place);
    await new Promise<void>((resolve) => mute.listen(port, '127.0.0.2', resolve));
    try {
      const alone = { hosts: [`127.0.0.2:${port}`], deadlineMs: 3000 };
      expect(await errorOf(alone)).toMatchObject({
        code: expect.stringMatching(/SINK_FAILED|DEADLINE/),
        retry: 'later',
      });
      expect(sockets.length).toBeGreaterThan(0);
      const store = storeAt(placeOf(place), { hosts: [`127.0.0.2:${port}`, `127.0.0.1:${port}`] });
      await store.open(never);
      expect(await store.write(records)).toEqual([]);
      await store.close();
    } finally {
      for (const socket of sockets) socket.destroy();
      mute.close();
    }
  });
});

const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (Object.is(value, -0) ? 0 : value)),
  fc.constantFrom(5e-324, 1.7976931348623157e308, -1.7976931348623157e308, 2.2250738585072014e-308, 0.1, 2 ** 60),
);
const text = fc.string({ unit: 'binary', maxLength: 60 });
const anyRecord = fc.record(
  {
    timestamp: fc
      .date({ min: new Date(0), max: new Date(253_402_300_799_999), noInvalidDate: true })
      .map((date) => date.toISOString()),
    received_at: fc.constant('2026-02-01T00:00:00.000Z'),
    ...Object.fromEntries(METRIC_COLUMNS.map((name) => [name, number])),
    ...{ modem_state: text, x_number: number, x_open: fc.boolean() },
    info: fc.dictionary(text, fc.jsonValue({ maxDepth: 5 })),
  },
  { requiredKeys: ['timestamp', 'received_at'] },
);
