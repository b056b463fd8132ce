/** What a real server does only when it is in trouble, played by its documented answers. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { MooringError } from '../../../runtime/errors.ts';
import { SteppedClock } from '../../../sim/clock.ts';
import { flatOf, runOf, span } from '../../../test/conformance/entries.ts';
import { storeRecordOf } from '../../../test/conformance/remote-records.ts';
import { eventually } from '../../../test/processes.ts';
import type { BulkItem } from './bulk.ts';
import { ElasticsearchStore } from './elasticsearch-store.ts';

interface Asked {
  readonly path: string;
  readonly body: string;
}

type Answer = { readonly status: number; readonly body: object | string };

const records = span(1, 8).map((sequence) => storeRecordOf(flatOf(runOf(1), sequence)));
/** So long that no step of the clock reaches it while a real answer is on its way. */
const DEADLINE_MS = 3_600_000;
const CREATED: BulkItem = { status: 201, _shards: { failed: 0 } };

let server: Server;
let asked: Asked[] = [];
let bulk: (ids: readonly string[]) => Answer;
let clock: SteppedClock;
let search: ElasticsearchStore;
beforeEach(async () => {
  asked = [];
  bulk = (ids) => itemsOf(ids.map(() => CREATED));
  server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const path = (request.url ?? '').replace(/\?.*/, '');
    const body = Buffer.concat(chunks).toString();
    asked.push({ path, body });
    const answer = path === '/_bulk' ? bulk(idsIn(body)) : { status: 200, body: { _shards: { failed: 0 } } };
    response.writeHead(answer.status, { 'content-type': 'application/json' });
    response.end(typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  clock = new SteppedClock();
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  search = new ElasticsearchStore({
    name: 'search',
    url,
    index: 'mooring',
    period: 'month',
    deadlineMs: DEADLINE_MS,
    clock,
  });
});
afterEach(async () => {
  await search.close();
  server.closeAllConnections();
  server.close();
});

function itemsOf(items: readonly BulkItem[]): Answer {
  return { status: 200, body: { items: items.map((create) => ({ create })) } };
}

function idsIn(body: string): string[] {
  return [...body.matchAll(/^\{"create":\{"_index":"[^"]*","_id":"([^"]*)"/gm)].map(([, id = '']) => id);
}

function bulks(): string[][] {
  return asked.filter(({ path }) => path === '/_bulk').map(({ body }) => idsIn(body));
}

/** Lets the store have the time that it waits for, until it has settled. */
async function settled<T>(work: Promise<T>): Promise<T | MooringError> {
  let result: T | MooringError | undefined;
  void work.then(
    (value) => (result = value),
    (error: MooringError) => (result = error),
  );
  return await eventually('it settles', 20_000, async () => {
    await clock.advance(500);
    return result;
  });
}

const ids = records.map(({ flat }) => flat.id);

test('a document is the record as it came, with its run and sequence, under its id in the index of its month', async () => {
  expect(await settled(search.write(records.slice(6, 7)))).toEqual([]);
  const [action = '', document = '', end] = asked[0]?.body.split('\n') ?? [];
  const { flat, place } = records[6] as (typeof records)[0];
  expect(JSON.parse(action)).toEqual({ create: { _index: 'mooring-2026.01', _id: flat.id } });
  expect(JSON.parse(document)).toEqual({ ...flat, ...place });
  expect(end).toBe('');
});

test('what the server has no room for is sent again by itself, and nothing else is', async () => {
  let times = 0;
  bulk = (sent) => {
    times += 1;
    const full = { status: 429, error: { type: 'rejected_execution_exception', reason: 'queue' } };
    return itemsOf(sent.map((id) => (times < 3 && (id === ids[2] || id === ids[5]) ? full : CREATED)));
  };
  expect(await settled(search.write(records))).toEqual([]);
  expect(bulks()).toEqual([ids, [ids[2], ids[5]], [ids[2], ids[5]]]);
});

test.each<[string, BulkItem, string]>([
  [
    'a queue that stays full',
    { status: 429, error: { type: 'rejected_execution_exception', reason: 'queue' } },
    'queue',
  ],
  ['a shard that is away', { status: 503, error: { type: 'unavailable_shards_exception', reason: 'away' } }, 'away'],
  ['a copy that failed', { status: 201, _shards: { failed: 1 } }, '1 copies'],
  [
    'a full cluster',
    { status: 400, error: { type: 'validation_exception', reason: 'maximum shards open' } },
    'maximum',
  ],
  ['a closed index', { status: 400, error: { type: 'index_closed_exception', reason: 'closed' } }, 'closed'],
  [
    'a pipeline that is not there',
    { status: 400, error: { type: 'illegal_argument_exception', reason: 'pipeline with id [x] does not exist' } },
    'pipeline',
  ],
  [
    'a shard that is full',
    {
      status: 400,
      error: {
        type: 'illegal_argument_exception',
        reason: 'Number of documents in shard [0] exceeds the limit of 2147483519 documents per shard',
      },
    },
    'per shard',
  ],
  [
    'an index that may not be made',
    { status: 404, error: { type: 'index_not_found_exception', reason: 'none' } },
    'none',
  ],
  ['an index without leave', { status: 403, error: { type: 'security_exception', reason: 'no leave' } }, 'no leave'],
])('%s is no fault of a record and no success: all come again', async (_, item, word) => {
  bulk = (sent) => itemsOf(sent.map((id) => (id === ids[3] ? item : CREATED)));
  expect(await settled(search.write(records))).toMatchObject({
    code: 'SINK_FAILED',
    retry: 'later',
    context: { count: 1, reason: expect.stringContaining(word) },
  });
  expect(bulks()).toHaveLength(4);
});

test.each<[BulkItem, string]>([
  [
    {
      status: 400,
      error: { type: 'mapper_parsing_exception', reason: 'failed to parse', caused_by: { reason: 'an object' } },
    },
    '400 mapper_parsing_exception: failed to parse (an object)',
  ],
  [
    { status: 400, error: { type: 'document_parsing_exception', reason: '[1:9] no' } },
    '400 document_parsing_exception: [1:9] no',
  ],
  [
    { status: 400, error: { type: 'illegal_argument_exception', reason: 'Limit of total fields [2000] exceeded' } },
    '400 illegal_argument_exception: Limit of total fields [2000] exceeded',
  ],
])('what is wrong with a document is the reason why it is refused: %j', async (item, reason) => {
  bulk = (sent) => itemsOf(sent.map((id) => (id === ids[3] ? item : CREATED)));
  expect(await settled(search.write(records))).toEqual([{ index: 3, reason }]);
});

test('a body that is too large is halved, until one alone is refused', async () => {
  bulk = (sent) =>
    sent.length > 2 || sent.includes(ids[4] ?? '') ? { status: 413, body: '' } : itemsOf(sent.map(() => CREATED));
  expect(await settled(search.write(records))).toEqual([{ index: 4, reason: '413: larger than the server takes' }]);
});

test.each([[429], [500], [503], [401], [404]])('a whole answer of %d rejects, in words', async (status) => {
  bulk = () => ({ status, body: { error: 'circuit_breaking_exception' } });
  expect(await settled(search.write(records))).toMatchObject({
    code: 'SINK_FAILED',
    retry: 'later',
    context: { reason: expect.stringContaining(String(status)) },
  });
});

test.each([
  ['no JSON', 'half an ans'],
  ['fewer items than were sent', { items: [{ create: CREATED }] }],
  ['nothing', {}],
])('an answer that is %s is no success', async (_, body) => {
  bulk = () => ({ status: 200, body });
  expect(await settled(search.write(records))).toMatchObject({ code: 'SINK_FAILED', retry: 'later' });
});

test('what is there already is brought to disk before it counts', async () => {
  const there: BulkItem = { status: 409, error: { type: 'version_conflict_engine_exception' } };
  const flushes = (): string[] => asked.map(({ path }) => path).filter((path) => path.endsWith('/_flush'));
  expect(await settled(search.write(records.slice(0, 4)))).toEqual([]);
  expect(flushes()).toEqual([]);
  bulk = (sent) => itemsOf(sent.map((_, at) => (at === 0 ? there : CREATED)));
  expect(await settled(search.write(records))).toEqual([]);
  expect(flushes()).toEqual(['/mooring-2026.01/_flush']);
});

test('closing ends the wait for room', async () => {
  bulk = (sent) => itemsOf(sent.map(() => ({ status: 429, error: { reason: 'queue' } })));
  const outcome = search.write(records).catch((error: unknown) => error);
  await eventually('it was refused', 20_000, () => bulks().length === 1);
  await search.close();
  expect(await outcome).toMatchObject({ code: 'SINK_FAILED' });
});

test('an index that no server would take is refused', () => {
  const options = { name: 'search', url: 'http://127.0.0.1:9', period: 'day', clock } as const;
  for (const index of ['', 'Mooring', '_all', 'a*', 'a,b', 'a.b', '-a'])
    expect(() => new ElasticsearchStore({ ...options, index }), index).toThrow('name of an index');
});
