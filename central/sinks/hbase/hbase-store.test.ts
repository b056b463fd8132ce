/** What a healthy HBase does not show; `test/engines/hbase.engine.ts` has the real one. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../../runtime/clock.ts';
import { flatOf, runOf, span } from '../../../test/conformance/entries.ts';
import { storeRecordOf } from '../../../test/conformance/remote-records.ts';
import { HbaseStore } from './hbase-store.ts';

const never = new AbortController().signal;
const SCHEMA = { name: 'mooring', ColumnSchema: [{ name: 'd', VERSIONS: '1' }], MOORING_ROWS: 'records/16' };

interface Asked {
  readonly method: string;
  readonly url: string;
  readonly body: string;
}
interface Said {
  readonly status: number;
  readonly body?: string;
}

let server: Server;
let store: HbaseStore;
let asked: Asked[];
let say: (asked: Asked) => Said;
beforeEach(async () => {
  asked = [];
  server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const one = { method: request.method ?? '', url: request.url ?? '', body: Buffer.concat(chunks).toString() };
    asked.push(one);
    const { status, body = '' } = say(one);
    response.writeHead(status).end(body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/rest/`;
  const layout = { kind: 'records', salt: 16 } as const;
  store = new HbaseStore({ name: 'wide', url, table: 'plant:mooring', layout, clock: systemClock });
});
afterEach(async () => {
  await store.close();
  server.closeAllConnections();
  server.close();
});

const records = (count: number) => span(1, count).map((sequence) => storeRecordOf(flatOf(runOf(1), sequence)));
const rowsIn = ({ body }: Asked): number => (JSON.parse(body) as { Row: unknown[] }).Row.length;

test('a table that is there is left as it is', async () => {
  say = () => ({ status: 200, body: JSON.stringify(SCHEMA) });
  await store.open(never);
  expect(asked.map(({ method, url }) => `${method} ${url}`)).toEqual(['GET /rest/plant%3Amooring/schema']);
});

test('a table that is not there is made with one version of one family, and says how its rows are called', async () => {
  say = ({ method }) => ({ status: method === 'GET' ? 404 : 201 });
  await store.open(never);
  expect(JSON.parse(asked[1]?.body ?? '')).toMatchObject({
    name: 'plant:mooring',
    MOORING_ROWS: 'records/16',
    ColumnSchema: [{ name: 'd', VERSIONS: '1' }],
  });
});

test('a table that another copy makes meanwhile is looked at as one that was there', async () => {
  for (const [table, outcome] of [
    [SCHEMA, undefined],
    [{ ...SCHEMA, MOORING_ROWS: 'records/8' }, { code: 'SINK_UNFIT' }],
  ] as const) {
    let isMade = false;
    say = ({ method }) => {
      if (method === 'GET') return isMade ? { status: 200, body: JSON.stringify(table) } : { status: 404 };
      isMade = true;
      return { status: 304 };
    };
    if (outcome === undefined) await store.open(never);
    else await expect(store.open(never)).rejects.toMatchObject(outcome);
  }
});

test.each([
  ['another family', { ...SCHEMA, ColumnSchema: [{ name: 'cf', VERSIONS: '1' }] }, /no family d/],
  ['more versions', { ...SCHEMA, ColumnSchema: [{ name: 'd', VERSIONS: '4' }] }, /4 versions/],
  ['another salt', { ...SCHEMA, MOORING_ROWS: 'records/8' }, /records\/8/],
  ['nothing that says how rows are called', { ...SCHEMA, MOORING_ROWS: undefined }, /does not say/],
])('a table with %s is refused, with what to do', async (_, schema, reason) => {
  say = () => ({ status: 200, body: JSON.stringify(schema) });
  await expect(store.open(never)).rejects.toMatchObject({
    code: 'SINK_UNFIT',
    context: { reason: expect.stringMatching(reason) },
    hint: expect.stringMatching(/create 'plant:mooring'.+VERSIONS => 1.+MOORING_ROWS/),
  });
});

test.each([401, 403])('a user who may not look at the table, for %i, is refused as it opens', async (status) => {
  say = () => ({ status });
  await expect(store.open(never)).rejects.toMatchObject({ code: 'SINK_UNFIT' });
});

test.each([
  [401, 'SINK_UNFIT'],
  [405, 'SINK_UNFIT'],
  [503, 'SINK_FAILED'],
])('where a table cannot be made, for %i, that is %s', async (status, code) => {
  say = ({ method }) => ({ status: method === 'GET' ? 404 : status });
  await expect(store.open(never)).rejects.toMatchObject({ code });
});

test.each([
  [404, 'Not found\norg.apache.hadoop.hbase.TableNotFoundException: mooring'],
  [503, 'Unavailable'],
  [401, 'a password that is being changed'],
  [403, 'Forbidden'],
  // Of a proxy, say: no row is to blame.
  [400, '<html>Bad Request</html>'],
])('a write that is answered with %i comes again, and no record is refused', async (status, body) => {
  say = () => ({ status, body });
  await expect(store.write(records(3))).rejects.toMatchObject({ code: 'SINK_FAILED', retry: 'later' });
  expect(asked.length).toBe(1);
});

test('what HBase says of one row is looked for until that row stands alone', async () => {
  const poison = Buffer.from(flatOf(runOf(1), 6).id).toString('base64');
  say = ({ body }) =>
    body.includes(poison)
      ? { status: 400, body: 'Bad request\njava.lang.IllegalArgumentException: KeyValue size too large\n\tat X' }
      : { status: 200 };
  expect(await store.write(records(8))).toEqual([{ index: 5, reason: 'KeyValue size too large' }]);
  expect(asked.map(rowsIn)).toEqual([8, 4, 4, 2, 1, 1, 2]);
});

test('a write of many bytes is several requests, each within its bound', async () => {
  say = () => ({ status: 200 });
  expect(await store.write(records(6000))).toEqual([]);
  expect(asked.length).toBeGreaterThan(1);
  expect(asked.reduce((sum, one) => sum + rowsIn(one), 0)).toBe(6000);
  for (const { body } of asked) expect(body.length).toBeLessThan(4.1 * 2 ** 20);
});
