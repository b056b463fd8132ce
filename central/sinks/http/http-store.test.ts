import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../../runtime/clock.ts';
import { SteppedClock } from '../../../sim/clock.ts';
import { eventually } from '../../../test/processes.ts';
import { HttpStore, type HttpStoreOptions } from './http-store.ts';

let server: Server;
let answer: (request: IncomingMessage, response: ServerResponse) => void;
let asked: IncomingMessage[] = [];
let folder = '';
let stores: HttpStore[] = [];
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mooring-http-'));
  asked = [];
  answer = (_, response) => void response.end('yes');
  server = createServer((request, response) => {
    asked.push(request);
    answer(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(async () => {
  await Promise.all(stores.map((store) => store.close()));
  stores = [];
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true });
});

function store(options: Partial<HttpStoreOptions> = {}): HttpStore {
  const { port } = server.address() as AddressInfo;
  const made = new HttpStore({ name: 'wide', url: `http://127.0.0.1:${port}/below/`, clock: systemClock, ...options });
  stores.push(made);
  return made;
}

test('asks below its URL and gives back any status with its text', async () => {
  answer = (_, response) => void response.writeHead(418).end('tea ☕');
  const query = { q: 'a b&c' };
  expect(await store().ask({ method: 'GET', path: '/pot', query })).toEqual({ status: 418, body: 'tea ☕' });
  expect(asked[0]?.url).toBe('/below/pot?q=a+b%26c');
  expect(asked[0]?.headers.authorization).toBeUndefined();
});

test('says who it is by the first line of a file, and reads it anew when it was refused', async () => {
  const passwordFile = join(folder, 'password');
  writeFileSync(passwordFile, 'sécret:1\r\nnot this');
  const client = store({ login: { user: 'mooring', passwordFile } });
  answer = (_, response) => void response.writeHead(401).end();
  await client.ask({ method: 'GET', path: '/' });
  writeFileSync(passwordFile, 'second\n');
  await client.ask({ method: 'GET', path: '/' });
  const told = asked.map(({ headers }) => Buffer.from(headers.authorization?.slice(6) ?? '', 'base64').toString());
  expect(told).toEqual(['mooring:sécret:1', 'mooring:second']);
});

test('a token stands behind its scheme', async () => {
  writeFileSync(join(folder, 'token'), 'abc\n');
  await store({ login: { scheme: 'ApiKey', tokenFile: join(folder, 'token') } }).ask({ method: 'GET', path: '/' });
  expect(asked[0]?.headers.authorization).toBe('ApiKey abc');
});

test('a file that is not there, is empty, or holds no text that a header could is refused before anything is sent', async () => {
  const tokenFile = join(folder, 'token');
  const client = store({ login: { scheme: 'Token', tokenFile } });
  await expect(client.ask({ method: 'GET', path: '/' })).rejects.toMatchObject({ code: 'CONFIG_UNREADABLE' });
  for (const content of ['', '\nsecond line', 'bell\u0007']) {
    writeFileSync(tokenFile, content);
    const error = await client.ask({ method: 'GET', path: '/' }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'CONFIG_INVALID' });
    expect(JSON.stringify(error)).not.toContain('bell');
  }
  expect(asked).toEqual([]);
});

test('a URL with a password in it is refused', () => {
  expect(() => store({ url: 'http://user:hidden@127.0.0.1/' })).toThrow('carries a user or a password');
});

test('the deadline is that of the whole answer, however steadily it drips', async () => {
  const clock = new SteppedClock();
  answer = (_, response) => {
    response.writeHead(200);
    response.write('a');
  };
  const asking = store({ clock, deadlineMs: 5000 }).ask({ method: 'GET', path: '/' });
  const outcome = asking.catch((error: unknown) => error);
  await eventually('the question arrives', 10_000, () => asked.length === 1);
  await clock.advance(4999);
  await clock.advance(1);
  expect(await outcome).toMatchObject({
    code: 'SINK_FAILED',
    retry: 'later',
    context: { reason: 'no answer within 5000 ms' },
  });
});

test('an answer beyond its bound is not read', async () => {
  answer = (_, response) => void response.end('x'.repeat(100_001));
  await expect(store({ answerBytesMax: 100_000 }).ask({ method: 'GET', path: '/' })).rejects.toMatchObject({
    code: 'SINK_FAILED',
    context: { reason: 'an answer of more than 100000 bytes' },
  });
});

test('nobody listens: the error says where and why', async () => {
  const { port } = server.address() as AddressInfo;
  const client = store();
  server.close();
  await expect(client.ask({ method: 'GET', path: '/' })).rejects.toMatchObject({
    code: 'SINK_FAILED',
    context: { store: 'wide', url: `http://127.0.0.1:${port}`, reason: expect.stringContaining('ECONNREFUSED') },
    hint: expect.stringContaining(`http://127.0.0.1:${port}`),
  });
});

test('a redirection is an answer: nothing is told to another place', async () => {
  answer = (_, response) => void response.writeHead(307, { location: 'http://127.0.0.1:1/' }).end();
  expect((await store().ask({ method: 'POST', path: '/', body: 'x' })).status).toBe(307);
  expect(asked).toHaveLength(1);
});

test('closing ends what is under way and what comes after; a signal ends it with its reason', async () => {
  answer = () => undefined;
  const client = store();
  const under = client.ask({ method: 'GET', path: '/' }).catch((error: unknown) => error);
  const stop = new AbortController();
  const stopped = client.ask({ method: 'GET', path: '/', signal: stop.signal }).catch((error: unknown) => error);
  await eventually('both arrive', 10_000, () => asked.length === 2);
  stop.abort(new Error('shutting down'));
  expect(await stopped).toMatchObject({ message: 'shutting down' });
  await client.close();
  const refusal = { code: 'SINK_FAILED', context: { reason: 'the connection was let go' } };
  expect(await under).toMatchObject(refusal);
  await expect(client.ask({ method: 'GET', path: '/' })).rejects.toMatchObject(refusal);
});
