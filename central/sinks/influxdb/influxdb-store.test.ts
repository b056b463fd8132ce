/** What does not need an InfluxDB: its second interface, by a stand-in, and what is made of refusals. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../../runtime/clock.ts';
import type { MooringError } from '../../../runtime/errors.ts';
import { flatOf, runOf, span } from '../../../test/conformance/entries.ts';
import { storeRecordOf } from '../../../test/conformance/remote-records.ts';
import { InfluxV2StandIn, linesOf } from '../../../test/engines/influx-v2-stand-in.ts';
import { InfluxdbStore, type InfluxdbStoreOptions } from './influxdb-store.ts';

const never = new AbortController().signal;
const records = span(1, 64).map((sequence) => storeRecordOf(flatOf(runOf(1), sequence)));

let server: InfluxV2StandIn;
let folder = '';
let stores: InfluxdbStore[] = [];
beforeEach(async () => {
  server = await InfluxV2StandIn.start();
  folder = mkdtempSync(join(tmpdir(), 'mooring-influx-v2-'));
  writeFileSync(join(folder, 'token'), 'secret-token\n');
});
afterEach(async () => {
  await Promise.all(stores.map((store) => store.close()));
  stores = [];
  server.stop();
  rmSync(folder, { recursive: true });
});

function store(options: Partial<InfluxdbStoreOptions> = {}): InfluxdbStore {
  const place = { api: 'v2', org: 'RomaTre', bucket: 'home', tokenFile: join(folder, 'token') } as const;
  const made = new InfluxdbStore({
    ...{ name: 'series', url: server.url, place, measurement: 'sensor_data', tags: [], clock: systemClock },
    ...options,
  });
  stores.push(made);
  return made;
}

/** What it rejects with. */
async function failure(work: Promise<unknown>): Promise<MooringError> {
  return await work.then(
    () => expect.fail('did not reject'),
    (error: unknown) => error as MooringError,
  );
}

test('writes to the bucket of the organisation, with the token, in nanoseconds', async () => {
  const series = store();
  await series.open(never);
  expect(await series.write(records)).toEqual([]);
  const [asked] = server.asked;
  expect(asked?.authorization).toBe('Token secret-token');
  expect(Object.fromEntries(asked?.query ?? [])).toEqual({ org: 'RomaTre', bucket: 'home', precision: 'ns' });
  expect(server.lines).toHaveLength(64);
});

test('a bucket that is not there, and a token that is not known, are refused at the start, and no word tells the token', async () => {
  const place = { api: 'v2', org: 'RomaTre', bucket: 'away', tokenFile: join(folder, 'token') } as const;
  expect(await failure(store({ place }).open(never))).toMatchObject({ code: 'SINK_UNFIT' });
  server.token = 'another';
  const error = await failure(store().open(never));
  expect(error).toMatchObject({ code: 'SINK_UNFIT', context: { reason: '401: unauthorized access' } });
  expect(JSON.stringify([error.message, error.context, error.hint, error.cause])).not.toContain('secret-token');
});

test('a token that is changed while it runs is read anew', async () => {
  const series = store();
  await series.open(never);
  server.token = 'another';
  expect(await failure(series.write(records))).toMatchObject({ code: 'SINK_FAILED', retry: 'later' });
  writeFileSync(join(folder, 'token'), 'another\n');
  expect(await series.write(records)).toEqual([]);
});

test('a refusal that names no line is halved until the line stands alone; the others are written', async () => {
  server.refuses = ({ body }) =>
    /sequence=(9|40)i/.test(body) ? { status: 400, message: 'partial write' } : undefined;
  const refused = await store().write(records);
  expect(refused).toEqual([
    { index: 8, reason: '400: partial write' },
    { index: 39, reason: '400: partial write' },
  ]);
  expect(server.lines).toHaveLength(62);
  expect(server.asked.length).toBeLessThan(2 * 64);
});

test('a body that is too large is halved, too', async () => {
  server.refuses = ({ body }) => (linesOf(body).length > 10 ? { status: 413, message: 'too large' } : undefined);
  expect(await store().write(records)).toEqual([]);
  expect(server.lines).toHaveLength(64);
});

test.each([
  [500, 'timeout'],
  [503, 'unavailable'],
  [429, 'too many'],
  [404, 'bucket not found'],
  [400, 'partial write: max-values-per-tag limit exceeded (100000/100000)'],
  [400, 'partial write: max-series-per-database limit exceeded'],
])('%d %s is no fault of a record: all come again', async (status, message) => {
  server.refuses = () => ({ status, message });
  expect(await failure(store().write(records))).toMatchObject({
    code: 'SINK_FAILED',
    retry: 'later',
    context: { reason: `${status}: ${message}` },
    hint: expect.stringMatching(/\w{3}/),
  });
  expect(server.asked).toHaveLength(1);
});

test.each([1, 64])(
  'a proxy that refuses every write of %d by a page is no fault of a record, whatever its status',
  async (count) => {
    const message = 'No required SSL certificate was sent';
    server.refuses = () => ({ status: 400, message, isPage: true });
    const error = await failure(store().write(records.slice(0, count)));
    expect(error).toMatchObject({
      code: 'SINK_FAILED',
      retry: 'later',
      context: { reason: `400: <html>${message}</html>` },
    });
    expect(server.asked).toHaveLength(1);
  },
);

test('where a write is refused whatever is in it no record is, also in the words of InfluxDB', async () => {
  server.refuses = () => ({ status: 422, message: 'not today' });
  expect(await failure(store().write(records))).toMatchObject({ code: 'SINK_FAILED', retry: 'later' });
  expect(server.asked.length).toBeLessThan(10);
});

test('samples have no measurement that is another one of its own', () => {
  expect(() => store({ measurement: 'undated' })).toThrow('name of another one');
});

test('a write of nothing asks nobody', async () => {
  expect(await store().write([])).toEqual([]);
  expect(server.asked).toEqual([]);
});
