import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { GatewaySession } from '../../../protocol/udp/gateway-session.ts';
import { systemClock } from '../../../runtime/clock.ts';
import { SeededRandom } from '../../../runtime/random.ts';
import { SteppedClock } from '../../../sim/clock.ts';
import { LogLines } from '../../../test/log-lines.ts';
import type { BindDatagrams, OnDatagram, PeerAddress } from './datagram-socket.ts';
import { UdpIngest } from './udp-ingest.ts';

const FOREVER = new AbortController().signal;
const LISTEN = { host: '127.0.0.1', port: 20_100 };
const TRIP_MS = 10;

interface Received {
  readonly gateway: string;
  readonly bytes: Uint8Array;
  readonly answer: (ack: Uint8Array) => void;
}

let folder: string;
let clock: SteppedClock;
let log: LogLines;
let received: Received[];
let ingest: UdpIngest;
let onDatagram: OnDatagram;
/** Sockets of gateways, by port. */
let peers: Map<number, (datagram: Uint8Array) => void>;
const bind: BindDatagrams = (address, listener) => {
  onDatagram = listener;
  return Promise.resolve({
    address,
    receiveBufferBytes: 1,
    send: (datagram, { port }) => void clock.after(TRIP_MS, () => peers.get(port)?.(datagram)),
    close: () => Promise.resolve(),
  });
};

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mooring-udp-ingest-'));
  for (const name of ['plaka', 'other']) writeFileSync(join(folder, `${name}.key`), keyOf(name), { mode: 0o600 });
  clock = new SteppedClock();
  log = new LogLines();
  received = [];
  peers = new Map();
  ingest = new UdpIngest({
    config: { listen: LISTEN, keysDir: folder },
    intake: { receive: (gateway, bytes, answer) => void received.push({ gateway, bytes, answer }) },
    clock,
    random: new SeededRandom(1),
    log,
    bind,
  });
  await ingest.open(FOREVER);
});
afterEach(async () => {
  await ingest.close();
  rmSync(folder, { recursive: true, force: true });
});

function keyOf(name: string): string {
  return Buffer.from(name.padEnd(32, '.')).toString('hex');
}

/** A gateway's session on a socket of its own, called when it wants to be. */
class Peer {
  readonly session: GatewaySession;
  readonly heard: string[] = [];
  readonly #port: number;
  #isGone = false;

  constructor(gateway: string, port: number, key = keyOf(gateway)) {
    this.#port = port;
    this.session = new GatewaySession({
      gateway,
      sharedKey: new Uint8Array(Buffer.from(key, 'hex')),
      random: new SeededRandom(port),
      transmit: (datagram) => void clock.after(TRIP_MS, () => onDatagram(datagram, this.#address)),
      deliver: (message) => void this.heard.push(Buffer.from(message).toString()),
      onUp: () => undefined,
      onTaken: () => undefined,
    });
    peers.set(port, (datagram) => {
      if (!this.#isGone) this.session.receive(datagram, clock.monotonicMs());
    });
  }

  get #address(): PeerAddress {
    return { address: '192.0.2.1', port: this.#port };
  }

  async open(): Promise<this> {
    this.session.open(clock.monotonicMs());
    await this.pass(200);
    return this;
  }

  async send(text: string): Promise<void> {
    this.session.send(Buffer.from(text.padEnd(84)), clock.monotonicMs());
    await this.pass(100);
  }

  async pass(durationMs: number): Promise<void> {
    for (let passed = 0; passed < durationMs; passed += 10) {
      await clock.advance(10);
      if (!this.#isGone) this.session.tick(clock.monotonicMs());
    }
  }

  leave(): void {
    this.#isGone = true;
  }
}

const texts = (): string[] =>
  received.map(({ gateway, bytes }) => `${gateway}: ${Buffer.from(bytes).toString().trim()}`);

test('hands each batch to the intake once, under the name that its key proves', async () => {
  const [plaka, other] = [await new Peer('plaka', 1).open(), await new Peer('other', 2).open()];
  await plaka.send('a batch');
  await other.send('another');
  expect(texts()).toEqual(['plaka: a batch', 'other: another']);
  expect(ingest.status()).toMatchObject({ mode: 'udp', address: LISTEN, gateways: 2, sessions: 2, delivered: 2 });
  expect(log.told.slice(-3)).toEqual([
    'info: listening for datagrams',
    'info: a gateway sends over UDP',
    'info: a gateway sends over UDP',
  ]);
});

test('an answer reaches its gateway whenever it is given, and any number of times', async () => {
  const [plaka, other] = [await new Peer('plaka', 1).open(), await new Peer('other', 2).open()];
  await plaka.send('a batch');
  received[0]?.answer(Buffer.from('held'));
  await plaka.pass(100);
  for (let times = 0; times < 10; times += 1) {
    await clock.advance(55_000);
    await plaka.send('more');
  }
  received[0]?.answer(Buffer.from('stored'));
  await plaka.pass(1000);
  expect([plaka.heard, other.heard]).toEqual([['held', 'stored'], []]);
  expect(ingest.status().acksDropped).toBe(0);
});

test('an answer that comes after the end is counted, and harms nobody', async () => {
  const plaka = await new Peer('plaka', 1).open();
  await plaka.send('a batch');
  plaka.leave();
  await ingest.close();
  expect(() => received[0]?.answer(Buffer.from('stored'))).not.toThrow();
  expect(ingest.status()).toMatchObject({ address: undefined, acksDropped: 1 });
});

test('tells that a gateway is not heard any more, and that it is again', async () => {
  const told = (): string[] => log.told.filter((line) => line.startsWith('info: a gateway') && line.includes('over'));
  const plaka = await new Peer('plaka', 1).open();
  await plaka.send('a batch');
  await clock.advance(590_000);
  expect(told()).toEqual(['info: a gateway sends over UDP']);
  await clock.advance(20_000);
  await plaka.send('another');
  expect(told()).toEqual([
    'info: a gateway sends over UDP',
    'info: a gateway is not heard over UDP any more',
    'info: a gateway sends over UDP',
  ]);
});

test('what is refused is counted by kind, answered by nothing, and told once a minute', async () => {
  const stranger = new Peer('unknown', 3, '11'.repeat(32));
  const forger = new Peer('plaka', 4, '22'.repeat(32));
  stranger.session.open(clock.monotonicMs());
  forger.session.open(clock.monotonicMs());
  for (let times = 0; times < 30; times += 1) {
    onDatagram(Buffer.from('GET / HTTP/1.1'), { address: '192.0.2.9', port: 9 });
    await stranger.pass(500);
    forger.session.tick(clock.monotonicMs());
  }
  const { refused, sessions, delivered, received: taken } = ingest.status();
  expect([refused.garbage, sessions, delivered, taken]).toEqual([30, 0, 0, 0]);
  expect([refused.unknownGateway > 2, refused.forged > 2]).toEqual([true, true]);
  expect([stranger.session.counters.received, forger.session.counters.received]).toEqual([0, 0]);
  const told = log.said.flatMap((line, index) => (line === 'warn: datagrams are refused' ? [log.fields[index]] : []));
  expect(told).toHaveLength(3);
  expect(told).toContainEqual(expect.objectContaining({ gateway: 'unknown', remote: '192.0.2.1' }));
});

test('a key that is taken away ends what goes on under it', async () => {
  const plaka = await new Peer('plaka', 1).open();
  await plaka.send('a batch');
  rmSync(join(folder, 'plaka.key'));
  await clock.advance(6000);
  await plaka.send('looks at the folder');
  while (ingest.status().gateways === 2) await new Promise((resolve) => setImmediate(resolve));
  const before = texts().length;
  await plaka.send('too late');
  expect(texts()).toHaveLength(before);
  expect(ingest.status().refused.unknownGateway).toBeGreaterThan(0);
});

test('an address that is taken, and a folder that is not there, are errors of the start', async () => {
  const intake = { receive: () => undefined };
  const shared = { intake, clock: systemClock, random: new SeededRandom(1), log };
  const first = new UdpIngest({ ...shared, config: { listen: { host: '127.0.0.1', port: 0 }, keysDir: folder } });
  await first.open(FOREVER);
  const listen = first.status().address ?? LISTEN;
  const second = new UdpIngest({ ...shared, config: { listen, keysDir: folder } });
  await expect(second.open(FOREVER)).rejects.toMatchObject({
    code: 'SOCKET_FAILED',
    hint: 'Another program listens there: choose another port.',
  });
  await first.close();
  const lost = new UdpIngest({ ...shared, config: { listen, keysDir: join(folder, 'absent') } });
  await expect(lost.open(FOREVER)).rejects.toMatchObject({ code: 'UDP_KEY_UNUSABLE' });
});
