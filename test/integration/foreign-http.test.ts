/** Sources over HTTP on real sockets; time is stepped. */
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type IncomingHttpHeaders, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ForeignOutcome, ReceivedMessage } from '../../central/ingest/foreign/foreign-intake.ts';
import { type HttpRoute, HttpSources, type HttpSourcesOptions } from '../../central/ingest/foreign/http-source.ts';
import { SteppedClock } from '../../sim/clock.ts';
import { LogLines } from '../log-lines.ts';
import { eventually } from '../processes.ts';

const TOKEN = 'a-token-of-some-length';
const SOON_MS = 20_000;

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

let folder: string;
let clock: SteppedClock;
let lines: LogLines;
let given: ReceivedMessage[];
let answerOf: (message: ReceivedMessage) => ForeignOutcome | Promise<ForeignOutcome>;
let sources: HttpSources;

const intake = {
  take: async (message: ReceivedMessage): Promise<ForeignOutcome> => {
    given.push(message);
    return await answerOf(message);
  },
};

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mooring-http-'));
  writeFileSync(join(folder, 'token'), `${TOKEN}\n`);
  clock = new SteppedClock();
  lines = new LogLines();
  given = [];
  answerOf = () => ({
    isTaken: true,
    records: [{ id: 'an id', original: 'A84', partition: 1, offset: 5 }],
    refused: [],
  });
});
afterEach(async () => {
  await closed();
  rmSync(folder, { recursive: true, force: true });
});

async function closed(): Promise<void> {
  const closing = sources.close();
  await clock.advance(1000);
  await closing;
}

async function opened(route: Partial<HttpRoute> = {}, options: Partial<HttpSourcesOptions> = {}): Promise<void> {
  const tokenFile = join(folder, 'token');
  const first = { source: 'schools', path: '/stream', tokenFile, bodyBytesMax: 100, isReplying: true, intake };
  sources = new HttpSources({
    listen: { host: '127.0.0.1', port: 0 },
    routes: [
      { ...first, ...route },
      { ...first, source: 'open', path: '/open', tokenFile: undefined, isReplying: false },
    ],
    clock,
    log: lines,
    ...options,
  });
  await sources.open(new AbortController().signal);
}

function portOf(): number {
  return sources.status().address?.port ?? 0;
}

interface Post {
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

async function post(body: string, { path = '/stream', method = 'POST', headers = {} }: Post = {}): Promise<Answer> {
  const sent = request({
    host: '127.0.0.1',
    port: portOf(),
    path,
    method,
    headers: { authorization: `Bearer ${TOKEN}`, ...headers },
  });
  sent.end(body);
  const [response] = (await once(sent, 'response')) as [import('node:http').IncomingMessage];
  let text = '';
  for await (const chunk of response) text += (chunk as Buffer).toString();
  return { status: response.statusCode, headers: response.headers, body: text };
}

async function raw(text: string): Promise<Socket> {
  const socket = connect(portOf(), '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.write(text);
  return socket;
}

async function textOf(socket: Socket): Promise<string> {
  let text = '';
  for await (const chunk of socket) text += (chunk as Buffer).toString();
  return text;
}

test('a post is answered when it is durable, and not before', async () => {
  await opened();
  const durable = Promise.withResolvers<ForeignOutcome>();
  answerOf = () => durable.promise;
  let isAnswered = false;
  const answer = post('{"a":1}').finally(() => (isAnswered = true));
  await eventually('the message is given', SOON_MS, () => given.length === 1);
  await clock.advance(60_000);
  expect(isAnswered).toBe(false);
  durable.resolve({ isTaken: true, records: [{ id: 'an id', original: 'A84', partition: 1, offset: 5 }], refused: [] });
  const { status, headers, body } = await answer;
  expect([status, headers['content-type']]).toEqual([200, 'application/json']);
  expect(JSON.parse(body)).toEqual({
    id: 'an id',
    original: 'A84',
    source: 'schools',
    partition: 1,
    offset: 5,
    bytes: 7,
    sha256: '015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862',
    received_at: '2026-01-01T00:00:00.000Z',
  });
  expect(given.map(({ bytes }) => Buffer.from(bytes).toString())).toEqual(['{"a":1}']);
});

test('without reply the answer is 200 and nothing else', async () => {
  await opened();
  expect(await post('{}', { path: '/open', headers: { authorization: '' } })).toMatchObject({ status: 200, body: '' });
});

test('what nothing can be made of is 400, with what is wrong and what to do', async () => {
  await opened();
  const reason = 'the message is no JSON';
  answerOf = () => ({ isTaken: true, records: [], refused: [{ code: 'invalid_record', reason, text: '{' }] });
  const { status, body } = await post('{');
  expect([status, JSON.parse(body)]).toEqual([
    400,
    {
      code: 'INVALID_RECORD',
      message: reason,
      hint: 'It is kept in the dead letter: posting it again changes nothing.',
    },
  ]);
});

test.each(['busy', 'failed'] as const)('what is not taken is 503, to be posted again: %s', async (why) => {
  await opened();
  answerOf = () => ({ isTaken: false, why, retryAfterMs: 1500 });
  const { status, headers, body } = await post('{}');
  expect([status, headers['retry-after'], JSON.parse(body)]).toMatchObject([503, '2', { code: 'UNAVAILABLE' }]);
});

test('what is no post to a source with its token is not read', async () => {
  await opened();
  const said = async (answer: Promise<Answer>): Promise<unknown[]> => {
    const { status, body, headers } = await answer;
    return [status, (JSON.parse(body) as { code: string }).code, headers.allow ?? headers['www-authenticate']];
  };
  expect(await said(post('{}', { path: '/other' }))).toEqual([404, 'NOT_FOUND', undefined]);
  expect(await said(post('', { method: 'GET' }))).toEqual([405, 'METHOD', 'POST']);
  for (const authorization of ['', 'Bearer', `Bearer ${TOKEN}x`, `Basic ${TOKEN}`, TOKEN]) {
    expect(await said(post('{}', { headers: { authorization } }))).toEqual([401, 'UNAUTHORIZED', 'Bearer']);
  }
  expect(given).toEqual([]);
  expect(sources.status().answers).toEqual({ 401: 5, 404: 1, 405: 1 });
  expect(lines.told.slice(1)).toEqual(['warn: posts to a source are refused: they do not show its token']);
  expect(JSON.stringify(lines.fields)).not.toContain(TOKEN);
});

test('a body that is too large is 413, whether it says so before or not', async () => {
  await opened();
  expect(await post('x'.repeat(100))).toMatchObject({ status: 200 });
  expect(await post('x'.repeat(101))).toMatchObject({ status: 413 });
  const large = await post('x'.repeat(2_000_000), { headers: { 'transfer-encoding': 'chunked' } });
  expect([large.status, JSON.parse(large.body)]).toMatchObject([413, { code: 'TOO_LARGE' }]);
  expect(given).toHaveLength(1);
  expect(lines.told.slice(1)).toEqual(['warn: posts to a source are refused: they are too large']);
});

test('a body that does not come to its end is given up, and one that is cut off is no message', async () => {
  await opened();
  const head = `POST /stream HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${TOKEN}\r\ncontent-length: 50\r\n\r\n`;
  const slow = await raw(`${head}{"a":`);
  const answer = textOf(slow);
  await eventually('its body is waited for', SOON_MS, () => clock.pendingTimers === 1);
  await clock.advance(10_000);
  expect(await answer).toMatch(/^HTTP\/1.1 408 [\s\S]*"TOO_SLOW"/);
  const gone = await raw(`${head}{"a":`);
  await eventually('its body is waited for', SOON_MS, () => clock.pendingTimers === 1);
  gone.destroy();
  await eventually('it is given up', SOON_MS, () => sources.status().answers[408] === 2);
  expect(given).toEqual([]);
});

test('a head that does not come to its end is given up', async () => {
  await opened({}, { requestMs: 50 });
  const socket = await raw('POST /stream HTTP/1.1\r\nhost: x\r\n');
  expect(await textOf(socket)).toMatch(/^HTTP\/1.1 408 /);
});

test('whoever waits for an answer as it closes has it, and nobody else holds it up', async () => {
  await opened();
  const durable = Promise.withResolvers<ForeignOutcome>();
  answerOf = () => durable.promise;
  const answer = post('{}');
  const idle = await raw('');
  await eventually('the message is given', SOON_MS, () => given.length === 1);
  const closing = sources.close();
  durable.resolve({ isTaken: false, why: 'failed', retryAfterMs: 2000 });
  const { status, headers } = await answer;
  expect([status, headers.connection]).toEqual([503, 'close']);
  await clock.advance(1000);
  await closing;
  idle.destroy();
  expect(sources.status().address).toBeUndefined();
});

test('a post that is not stored a second after it closes is told to come again', async () => {
  await opened();
  const durable = Promise.withResolvers<ForeignOutcome>();
  answerOf = () => durable.promise;
  const answer = post('{}');
  const unfinished = await raw(`POST /open HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\n{`);
  await eventually('the message is given', SOON_MS, () => given.length === 1);
  const closing = sources.close();
  await clock.advance(1000);
  const { status, headers, body } = await answer;
  expect([status, headers['retry-after'], headers.connection]).toEqual([503, '2', 'close']);
  expect(JSON.parse(body)).toMatchObject({ code: 'UNAVAILABLE' });
  unfinished.destroy();
  await clock.advance(1000);
  await closing;
  durable.resolve({ isTaken: true, records: [], refused: [] });
});

test('one address has half of the connections: its oldest gives way, and the newest is heard', async () => {
  await opened({}, { connectionsMax: 4 });
  const first = await raw('');
  const second = await raw('');
  const gone = once(first, 'close');
  expect((await post('{}')).status).toBe(200);
  await gone;
  expect(second.destroyed).toBe(false);
  second.destroy();
});

test('a token that is short, or not there, and an address that is taken are errors of the start', async () => {
  await opened();
  const first = sources;
  const path = join(folder, 'short');
  writeFileSync(path, 'too short\n');
  await expect(opened({ tokenFile: path })).rejects.toMatchObject({ code: 'CONFIG_INVALID', context: { path } });
  await expect(opened({ tokenFile: join(folder, 'none') })).rejects.toMatchObject({ code: 'CONFIG_UNREADABLE' });
  const listen = first.status().address ?? { host: '', port: 0 };
  await expect(opened({}, { listen })).rejects.toMatchObject({ code: 'SOCKET_FAILED' });
  sources = first;
});
