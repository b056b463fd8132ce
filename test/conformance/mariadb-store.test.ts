import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FlatRecord } from '../../central/recordlog/recordlog.ts';
import { METRIC_COLUMNS } from '../../central/sinks/remote/metric-columns.ts';
import { makeCertificates } from '../certificates.ts';
import { ADMIN, Mariadb } from '../engines/mariadb.ts';
import { eventually } from '../processes.ts';
import { flatOf, runOf, span } from './entries.ts';
import { harness, OTHER_DEFAULTS, type Place, query, storeAt, TABLE } from './mariadb-harness.ts';
import { storeRecordOf } from './remote-records.ts';
import { describeRemoteStore } from './remote-store.ts';

const never = new AbortController().signal;
const records = span(1, 20).map((sequence) => storeRecordOf(flatOf(runOf(1), sequence)));

describe('MariaDB', { tags: ['mariadb'] }, () => {
  describeRemoteStore('mariadb', harness, new URL('./mariadb-harness.ts', import.meta.url).href);
});

describe('MariaDB behind TLS, with users, and small packets', { tags: ['mariadb', 'openssl'], timeout: 60_000 }, () => {
  let folder = '';
  let ca = '';
  let mariadb: Mariadb;
  let place: Place;
  let admin = '';

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'mooring-mariadb-tls-'));
    const certificates = await makeCertificates(folder, 'plaka');
    ca = certificates.ca;
    mariadb = await Mariadb.start({
      tls: certificates.broker,
      flags: [...OTHER_DEFAULTS, '--max-allowed-packet=65536', '--bind-address=127.0.0.1,127.0.0.2'],
    });
    place = { port: mariadb.port, database: 'mooring', passwordFile: join(folder, 'mooring') };
    writeFileSync(place.passwordFile, 'of its own\n');
    writeFileSync(join(folder, 'wrong'), 'wrong\n');
    writeFileSync(join(folder, 'admin'), `${ADMIN.password}\n`);
    admin = JSON.stringify(place);
    await statement(`CREATE USER mooring@'127.0.0.1' IDENTIFIED BY 'of its own' REQUIRE SSL`);
    await statement(`CREATE USER reader@'127.0.0.1' IDENTIFIED BY 'of its own'`);
    await statement(`GRANT SELECT, INSERT, UPDATE, CREATE ON mooring.* TO mooring@'127.0.0.1'`);
    await statement(`GRANT SELECT ON mooring.* TO reader@'127.0.0.1'`);
  });
  afterAll(async () => {
    await mariadb.stop();
    rmSync(folder, { recursive: true });
  });

  const statement = <Row>(sql: string, values: readonly unknown[] = []): Promise<Row[]> => query(admin, sql, values);
  const asMooring = (): ReturnType<typeof storeAt> => storeAt(place, { user: 'mooring', caFile: ca });
  const refusalOf = async (store: ReturnType<typeof storeAt>): Promise<unknown> => {
    const error = await store.open(never).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    await store.close();
    return error;
  };

  test('makes its table with the grants that the document names, and writes more than a packet takes in several', async () => {
    const store = asMooring();
    await store.open(never);
    const many = span(1, 1000).map((sequence) => storeRecordOf(flatOf(runOf(2), sequence)));
    const large = storeRecordOf({ ...flatOf(runOf(2), 1001), info: { text: 'x'.repeat(70_000) } });
    expect(await store.write([...many.slice(0, 500), large, ...many.slice(500)])).toEqual([
      { index: 500, reason: expect.stringContaining('max_allowed_packet') },
    ]);
    await store.close();
    expect(await statement(`SELECT COUNT(*) AS count FROM mooring.${TABLE}`)).toEqual([{ count: 1000 }]);
  });

  test('who may not write there, and a password that is wrong, are refused in words that tell no password', async () => {
    for (const options of [
      { user: 'reader' },
      { user: 'mooring', caFile: ca, passwordFile: join(folder, 'wrong') },
      // Its user has to speak TLS.
      { user: 'mooring' },
    ]) {
      const error = await refusalOf(storeAt(place, options));
      expect(error).toMatchObject({ code: 'SINK_UNFIT', hint: expect.stringContaining('grant') });
      expect(JSON.stringify(error)).not.toMatch(/of its own|wrong/);
    }
  });

  test('a certificate of another authority, or for another host, is refused, and the words say where to look', async () => {
    const stranger = await makeCertificates(join(folder, 'stranger'), 'plaka');
    const error = await refusalOf(storeAt(place, { user: 'mooring', caFile: stranger.ca }));
    expect(error).toMatchObject({ code: 'SINK_FAILED', retry: 'later', hint: expect.stringContaining('`ca`') });
    const elsewhere = await refusalOf(storeAt(place, { user: 'mooring', caFile: ca, host: '127.0.0.2' }));
    expect(elsewhere).toMatchObject({ code: 'SINK_FAILED', hint: expect.stringContaining('`ca`') });
  });

  test('a table that would take one record for another, or needs what no record has, is refused; more columns are not', async () => {
    const cases = [
      [`ADD UNIQUE KEY once (station, time)`, `DROP KEY once`, 'unique index once'],
      [`ADD COLUMN owner INT NOT NULL`, `DROP COLUMN owner`, 'further column owner'],
      [`MODIFY info LONGTEXT CHARACTER SET latin1`, `MODIFY info JSON`, 'info is in latin1'],
      [`MODIFY rainfall FLOAT`, `MODIFY rainfall DOUBLE`, 'rainfall is float, not double'],
      [`ENGINE=MyISAM`, `ENGINE=InnoDB`, 'MyISAM, not InnoDB'],
    ] as const;
    const first = asMooring();
    await first.open(never);
    await first.close();
    await statement(`ALTER TABLE mooring.${TABLE} ADD COLUMN note TEXT, ADD KEY of_kind (kind)`);
    for (const [spoil, mend, words] of cases) {
      await statement(`ALTER TABLE mooring.${TABLE} ${spoil}`);
      expect(await refusalOf(asMooring())).toMatchObject({ code: 'SINK_UNFIT', hint: expect.stringContaining(words) });
      await statement(`ALTER TABLE mooring.${TABLE} ${mend}`);
    }
    expect(await refusalOf(asMooring())).toBeUndefined();
  });

  test('a connection that was cut while nobody asked is made anew, with the password that its file has then', async () => {
    const store = asMooring();
    await store.open(never);
    await statement(`ALTER USER mooring@'127.0.0.1' IDENTIFIED BY 'another'`);
    await statement('KILL USER mooring');
    await expect(store.write(records)).rejects.toMatchObject({ code: 'SINK_FAILED', retry: 'later' });
    writeFileSync(place.passwordFile, 'another\n');
    expect(await store.write(records)).toEqual([]);
    await store.close();
  });

  test('over TLS too, a server that hangs or is killed ends no more than the write', async () => {
    const store = asMooring();
    await store.open(never);
    mariadb.pause();
    await expect(store.write(records)).rejects.toMatchObject({ code: 'DEADLINE' });
    mariadb.resume();
    expect(await store.write(records)).toEqual([]);
    await mariadb.restart();
    expect(await store.write(records)).toEqual([]);
    const last = store.write(records);
    await store.close();
    await expect(last).rejects.toMatchObject({ retry: 'later' });
  });

  test('every number, text and tree of JSON comes back as it was', async () => {
    const flats = fc.sample(anyRecord, { numRuns: 600, seed: 20_260_201 }).map(
      (parts, at): FlatRecord => ({
        ...JSON.parse(JSON.stringify(parts)),
        ...{ id: flatOf(runOf(7), at + 1).id, gateway: 'plaka', station: 'buoy-7', kind: 'sample', clock: 'gps' },
      }),
    );
    const store = asMooring();
    await store.open(never);
    expect(await store.write(flats.map(storeRecordOf))).toEqual([]);
    await store.close();
    const there = new Map((await harness.read(admin)).map((flat) => [flat.id, flat]));
    for (const flat of flats) expect(there.get(flat.id)).toEqual(flat);
  });

  test('a row that somebody else has locked: the write rejects by itself, and no statement of it is left on the server', async () => {
    const store = asMooring();
    await store.open(never);
    expect(await store.write(records)).toEqual([]);
    const held = statement(`BEGIN NOT ATOMIC
      START TRANSACTION; SELECT id FROM mooring.${TABLE} FOR UPDATE; DO SLEEP(60); COMMIT;
    END`).catch((error: unknown) => error);
    const holders = `SELECT ID AS id FROM information_schema.PROCESSLIST WHERE STATE = 'User sleep'`;
    const [holder] = await eventually('the rows are locked', 10_000, async () => {
      const found = await statement<{ id: number }>(holders);
      return found.length > 0 && found;
    });
    await expect(store.write(records)).rejects.toMatchObject({ retry: 'later' });
    const writers = `SELECT ID FROM information_schema.PROCESSLIST WHERE USER = 'mooring' AND COMMAND = 'Query'`;
    await expect.poll(() => statement(writers), { timeout: 20_000 }).toEqual([]);
    await statement(`KILL ${holder?.id}`);
    await held;
    expect(await store.write(records)).toEqual([]);
    await store.close();
  });
});

const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (Object.is(value, -0) ? 0 : value)),
  fc.constantFrom(
    5e-324,
    1.7976931348623157e308,
    -1.7976931348623157e308,
    2.2250738585072014e-308,
    0.1,
    123456789012345680000,
  ),
);
const text = fc.string({ unit: 'binary', maxLength: 60 });
const anyRecord = fc.record(
  {
    timestamp: fc
      .date({ min: new Date(0), max: new Date(253_402_300_799_999), noInvalidDate: true })
      .map((date) => date.toISOString()),
    received_at: fc.constant('2026-02-01T00:00:00.000Z'),
    ...Object.fromEntries(METRIC_COLUMNS.map((name) => [name, number])),
    modem_state: text,
    x_number: number,
    x_open: fc.boolean(),
    info: fc.dictionary(text, fc.jsonValue({ maxDepth: 5 })),
  },
  { requiredKeys: ['timestamp', 'received_at'] },
);
