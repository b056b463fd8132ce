import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HttpStore } from '../../central/sinks/http/http-store.ts';
import { InfluxdbStore, type InfluxdbStoreOptions } from '../../central/sinks/influxdb/influxdb-store.ts';
import { systemClock } from '../../runtime/clock.ts';
import { makeCertificates } from '../certificates.ts';
import { Influx } from '../engines/influx.ts';
import { flatOf, runOf, span } from './entries.ts';
import { harness } from './influxdb-harness.ts';
import { storeRecordOf } from './remote-records.ts';
import { describeRemoteStore } from './remote-store.ts';

const never = new AbortController().signal;

describe('InfluxDB', { tags: ['influxdb'] }, () => {
  describeRemoteStore('influxdb', harness, new URL('./influxdb-harness.ts', import.meta.url).href);
});

describe('InfluxDB behind TLS, with users', { tags: ['influxdb', 'openssl'] }, () => {
  const records = span(1, 20).map((sequence) => storeRecordOf(flatOf(runOf(1), sequence)));
  let folder = '';
  let ca = '';
  let influx: Influx;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'mooring-influx-tls-'));
    const certificates = await makeCertificates(folder, 'plaka');
    ca = certificates.ca;
    influx = await Influx.start({ auth: true, tls: certificates.broker });
    for (const [user, secret] of [
      ['mooring', 'p:ä55'],
      ['reader', 'other'],
    ] as const)
      writeFileSync(join(folder, user), `${secret}\n`);
    await statement(undefined, `CREATE USER mooring WITH PASSWORD 'p:ä55' WITH ALL PRIVILEGES`);
    await statement('mooring', `CREATE USER reader WITH PASSWORD 'other'`);
  });
  afterAll(async () => {
    await influx.stop();
    rmSync(folder, { recursive: true });
  });

  /** What an administrator does, by the client of the stores. */
  async function statement(user: string | undefined, q: string): Promise<string> {
    const login = user === undefined ? {} : { login: { user, passwordFile: join(folder, user) } };
    const http = new HttpStore({ name: 'admin', url: influx.url, caFile: ca, clock: systemClock, ...login });
    const body = new URLSearchParams({ q }).toString();
    const contentType = 'application/x-www-form-urlencoded';
    const answer = await http.ask({ method: 'POST', path: '/query', contentType, body });
    await http.close();
    expect(answer.status, answer.body).toBe(200);
    return answer.body;
  }

  const store = (user: string, options: Partial<InfluxdbStoreOptions> = {}): InfluxdbStore =>
    new InfluxdbStore({
      ...{ name: 'series', url: influx.url, measurement: 'sensor_data', tags: [], clock: systemClock, caFile: ca },
      place: { api: 'v1', database: 'home', user, passwordFile: join(folder, user) },
      ...options,
    });

  test('makes the database and writes, with the password of its file', async () => {
    const series = store('mooring');
    await series.open(never);
    expect(await series.write(records)).toEqual([]);
    await series.close();
    expect(await statement('mooring', `SELECT COUNT("id") FROM home.autogen."sensor_data"`)).toMatch(/,1[0-9]\]/);
  });

  test('a user who may not, and a password that is wrong, are refused in words that tell no password', async () => {
    for (const series of [
      store('reader'),
      store('mooring', {
        place: { api: 'v1', database: 'home', user: 'mooring', passwordFile: join(folder, 'reader') },
      }),
    ]) {
      const error = await series.open(never).catch((reason: unknown) => reason as Error);
      expect(error).toMatchObject({ code: 'SINK_UNFIT', hint: expect.stringContaining('GRANT ALL') });
      expect(JSON.stringify(error)).not.toMatch(/other|p:ä55/);
      await series.close();
    }
  });

  test('a certificate of an authority that is not `ca` is refused, and the words say where to look', async () => {
    const { name, url } = { name: 'series', url: influx.url };
    const stranger = new InfluxdbStore({
      ...{ name, url, measurement: 'sensor_data', tags: [], clock: systemClock },
      place: { api: 'v1', database: 'home' },
    });
    await expect(stranger.open(never)).rejects.toMatchObject({
      code: 'SINK_FAILED',
      retry: 'later',
      hint: expect.stringContaining('`ca`'),
    });
    await stranger.close();
  });
});
