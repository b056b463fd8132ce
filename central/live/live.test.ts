import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type ClientOptions, WebSocket } from 'ws';
import { recordIdOf, runIdOf } from '../../protocol/ids.ts';
import { type Clock, systemClock } from '../../runtime/clock.ts';
import { SeededRandom } from '../../runtime/random.ts';
import { SteppedClock } from '../../sim/clock.ts';
import { MemoryKafka } from '../../sim/memory-kafka.ts';
import { saltOf } from '../../test/batches.ts';
import { LogLines } from '../../test/log-lines.ts';
import { eventually } from '../../test/processes.ts';
import type { LiveConfig } from '../config/live.ts';
import type { KafkaConfig } from '../config/types.ts';
import type { FlatRecord, LogEntry } from '../recordlog/recordlog.ts';
import { Live, type LiveOptions } from './live.ts';

const RUN = runIdOf('plaka', saltOf(1));
const TOKEN = 'a-token-of-some-length';
const WITHIN_MS = 10_000;

let folder: string;
let live: Live;
let log: LogLines;
let clients: WebSocket[];
let closings: (() => void)[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mooring-live-'));
  log = new LogLines();
  clients = [];
  closings = [];
});
afterEach(async () => {
  for (const client of clients) client.terminate();
  for (const close of closings) close();
  await live.close();
  rmSync(folder, { recursive: true, force: true });
});

async function started(
  config: Partial<LiveConfig> = {},
  { clock = systemClock, ...options }: Partial<LiveOptions> & { readonly clock?: Clock } = {},
): Promise<void> {
  live = new Live({
    config: {
      listen: { host: '127.0.0.1', port: 0 },
      tokenFile: undefined,
      historyMs: 300_000,
      queueBytes: 262_144,
      origins: [],
      legacy: undefined,
      ...config,
    },
    kafka: undefined,
    clock,
    random: new SeededRandom(1),
    log,
    ...options,
  });
  await live.open();
}

function withToken(): string {
  const path = join(folder, 'token');
  writeFileSync(path, `${TOKEN}\n`);
  return path;
}

function entryOf(from: number, to: number, text = ''): LogEntry {
  const records = Array.from({ length: to - from + 1 }, (_, index) => {
    const sequence = from + index;
    const flat: FlatRecord = {
      id: recordIdOf(RUN, sequence),
      gateway: 'plaka',
      station: 'city-1',
      kind: 'sample',
      timestamp: new Date(Date.UTC(2026, 0, 1) + sequence * 1000).toISOString(),
      clock: 'synced',
      number: sequence,
      text,
    };
    return { sequence, flat };
  });
  return { gateway: 'plaka', run: RUN, records };
}

class Listener {
  readonly socket: WebSocket;
  count = 0;
  dropped = 0;
  last = 0;

  constructor(path: string, options: ClientOptions = {}) {
    this.socket = new WebSocket(`ws://127.0.0.1:${live.status().address?.port}${path}`, {
      perMessageDeflate: false,
      ...options,
    });
    clients.push(this.socket);
    this.socket.on('error', () => undefined);
    this.socket.on('message', (data) => {
      const { type, count, record } = JSON.parse(String(data)) as { type: string; count: number; record: FlatRecord };
      if (type === 'dropped') this.dropped += count;
      else this.count += 1;
      if (record !== undefined) this.last = record.number as number;
    });
  }

  /** 101, or the status that it is refused with. */
  status(): Promise<number> {
    return new Promise((resolve) => {
      this.socket.once('open', () => resolve(101));
      this.socket.once('unexpected-response', (_, { statusCode = 0 }) => resolve(statusCode));
    });
  }
}

/** Asks for a WebSocket as no library would, and does not close when the other side has. */
function askedAs(target: string): Socket {
  const socket = connect({ host: '127.0.0.1', port: live.status().address?.port ?? 0, allowHalfOpen: true });
  closings.push(() => socket.destroy());
  socket.on('error', () => undefined);
  socket.write(
    [
      `GET ${target} HTTP/1.1`,
      'Host: localhost',
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      '\r\n',
    ].join('\r\n'),
  );
  return socket;
}

test('ten clients, of which one does not read: nine have everything, and the slow one costs no more than its queue', async () => {
  const queueBytes = 65_536;
  await started({ queueBytes, historyMs: 60_000 });
  const listeners = Array.from({ length: 10 }, () => new Listener('/api/v1/live'));
  await Promise.all(listeners.map((listener) => listener.status()));
  const [slow, ...others] = listeners as [Listener, ...Listener[]];
  slow.socket.pause();
  const text = 'x'.repeat(2000);
  // What the kernel holds between two ends of loopback is no more than a few megabytes.
  const count = 8000;
  for (let first = 1; first <= count; first += 200) {
    live.took(entryOf(first, first + 199, text));
    // At the pace of those that read.
    await eventually('nine keep pace', WITHIN_MS, () =>
      others.every(({ last }) => last > first - 1000 || first < 1000),
    );
  }
  await eventually('nine have everything', WITHIN_MS, () => others.every((other) => other.last === count));
  expect(others.map((other) => [other.count, other.dropped])).toEqual(others.map(() => [count, 0]));
  expect(live.status()).toMatchObject({ clients: 10 });
  expect(live.status().dropped).toBeGreaterThan(count / 8);
  slow.socket.resume();
  await eventually('the slow one is told', WITHIN_MS, () => slow.count + slow.dropped === count);
  live.took(entryOf(count + 1, count + 1));
  await eventually('and goes on', WITHIN_MS, () => slow.last === count + 1);
});

test('the token is shown as a header or as the cookie of a session, never in the query', async () => {
  await started({ tokenFile: withToken() });
  const authorization = `Bearer ${TOKEN}`;
  expect(await new Listener('/api/v1/live').status()).toBe(401);
  expect(await new Listener('/api/v1/live', { headers: { authorization: 'Bearer wrong' } }).status()).toBe(401);
  expect(await new Listener(`/api/v1/live?token=${TOKEN}`).status()).toBe(401);
  expect(await new Listener(`/api/v1/live?token=${TOKEN}`, { headers: { authorization } }).status()).toBe(400);
  expect(await new Listener('/api/v1/live', { headers: { authorization } }).status()).toBe(101);
  const session = `http://127.0.0.1:${live.status().address?.port}/api/v1/live/session`;
  expect((await fetch(session, { method: 'POST' })).status).toBe(401);
  const given = await fetch(session, { method: 'POST', headers: { authorization } });
  expect([given.status, given.headers.get('set-cookie')]).toEqual([
    204,
    `mooring_live=${TOKEN}; Path=/; HttpOnly; SameSite=Strict`,
  ]);
  expect(await new Listener('/api/v1/live', { headers: { cookie: `a=b; mooring_live=${TOKEN}` } }).status()).toBe(101);
  expect(JSON.stringify(log.fields)).not.toContain(TOKEN);
});

test('a page of another origin is refused, cookie or not, unless it is configured', async () => {
  await started({ tokenFile: withToken(), origins: ['https://grafana.example'] });
  const cookie = `mooring_live=${TOKEN}`;
  const from = (origin: string) => new Listener('/api/v1/live', { headers: { cookie, origin } }).status();
  expect(await from('https://evil.example')).toBe(403);
  expect(await from('null')).toBe(403);
  expect(await from('https://grafana.example')).toBe(101);
  expect(await from(`http://127.0.0.1:${live.status().address?.port}`)).toBe(101);
});

test('without a token it is for this machine, and not for a name that a page has led here', async () => {
  await started();
  const as = (host: string) => new Listener('/api/v1/live', { headers: { host } }).status();
  expect(await as('evil.example:8081')).toBe(403);
  expect(await as('localhost:8081')).toBe(101);
  expect(await as('[::1]:8081')).toBe(101);
});

test('what is not the feed is told from it', async () => {
  await started();
  const url = `http://127.0.0.1:${live.status().address?.port}`;
  expect((await fetch(`${url}/api/v1/live`)).status).toBe(426);
  expect((await fetch(url)).status).toBe(404);
  expect(await new Listener('/raw/temperature').status()).toBe(404);
  expect(await new Listener('/api/v1/live?station=UPPER').status()).toBe(400);
});

test('what is asked in no way that a URL can be is refused as what is not there', async () => {
  await started();
  for (const target of ['//', 'http://[', '/api/v1/live?station=%']) {
    const socket = askedAs(target);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect([target, String(answer).split('\r\n')[0]]).toEqual([
      target,
      target.startsWith('/api') ? 'HTTP/1.1 400 Bad Request' : 'HTTP/1.1 404 Not Found',
    ]);
  }
  expect(await new Listener('/api/v1/live').status()).toBe(101);
});

test('a client that is refused and stays is let go a second later, and holds up no end', async () => {
  const clock = new SteppedClock();
  await started({ tokenFile: withToken() }, { clock });
  const [staying, late] = [askedAs('/api/v1/live'), askedAs('/api/v1/live')];
  await Promise.all([once(staying, 'data'), once(late, 'data')]);
  await clock.advance(1000);
  await eventually('what it says reaches nobody', WITHIN_MS, () => {
    if (!staying.destroyed) staying.write('x');
    return staying.destroyed;
  });
  await once(askedAs('/api/v1/live'), 'data');
  const told = (): number => log.said.filter((line) => line === 'warn: clients of the live feed are refused').length;
  expect(told()).toBe(1);
  await live.close();
  // The other two.
  expect(told()).toBe(2);
});

test('a client that does not answer a ping is let go', async () => {
  const clock = new SteppedClock();
  await started({}, { clock });
  const listener = new Listener('/api/v1/live');
  await listener.status();
  await eventually('it is there', WITHIN_MS, () => live.status().clients === 1);
  const pinged = new Promise((resolve) => listener.socket.once('ping', resolve));
  await clock.advance(30_000);
  await pinged;
  listener.socket.pause();
  await clock.advance(60_000);
  await eventually('it is gone', WITHIN_MS, () => live.status().clients === 0);
});

test('with Kafka the records of all copies come, from the end of the topic on, and what is no record does not', async () => {
  const kafka = new MemoryKafka();
  const topic = 'mooring.records';
  const admin = kafka.createAdmin();
  await admin.createTopic({ name: topic, partitions: 2, replication: 1, settings: {} });
  const producer = await kafka.createProducer();
  const send = async (number: number, value?: string): Promise<void> => {
    const [record] = entryOf(number, number).records;
    await producer.send([{ topic, partition: number % 2, key: 'plaka', value: value ?? JSON.stringify(record?.flat) }]);
  };
  await send(1);
  const config = { client: 'kafkajs', brokers: [], prefix: 'mooring' } as unknown as KafkaConfig;
  const clock = new SteppedClock();
  await started({}, { clock, kafka: config, createClient: async () => kafka });
  const listener = new Listener('/api/v1/live');
  await listener.status();
  // Of nobody: with Kafka nothing is told directly.
  live.took(entryOf(90, 90));
  await clock.advance(1000);
  await send(2, 'no record');
  await send(3);
  await send(4);
  await eventually('both have come', WITHIN_MS, async () => {
    await clock.advance(20);
    return listener.count === 2;
  });
  expect(listener.last).toBe(4);
});
