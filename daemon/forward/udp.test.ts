import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Ack } from '../../protocol/ack.ts';
import { encodeAck } from '../../protocol/ack-codec.ts';
import { BOUNDS } from '../../protocol/record.ts';
import { CentreSessions, type Reply } from '../../protocol/udp/centre-sessions.ts';
import { peekDatagram } from '../../protocol/udp/datagram.ts';
import { systemClock } from '../../runtime/clock.ts';
import { SeededRandom } from '../../runtime/random.ts';
import { SteppedClock } from '../../sim/clock.ts';
import { LogLines } from '../../test/log-lines.ts';
import { UdpTransport, type UdpTransportOptions } from './udp.ts';
import type { ConnectUdp, UdpDestination, UdpSocketEvents } from './udp-socket.ts';

const KEY = '0f'.repeat(32);
const ACK: Ack = { salt: new Uint8Array(16), batch: 7, token: new Uint8Array(8), stored: [[1, 3]] };
/** As long as the shortest that there is. */
const BATCH = new Uint8Array(84).fill(7);
const FOREVER = new AbortController().signal;

/** A network in memory: one gateway, and a centre that can be away. */
class Shore {
  readonly messages: Uint8Array[] = [];
  readonly destinations: UdpDestination[] = [];
  /** Of what the gateway has sent: what is in clear. */
  readonly salts = new Set<string>();
  readonly counters: number[] = [];
  replies: Reply[] = [];
  isAway = false;
  failure: NodeJS.ErrnoException | undefined;
  readonly #clock: SteppedClock;
  #events: UdpSocketEvents | undefined;
  #sessions: CentreSessions<string>;

  constructor(clock: SteppedClock) {
    this.#clock = clock;
    this.#sessions = this.#newSessions(1);
  }

  /** Its memory is gone. */
  restart(): void {
    this.#sessions = this.#newSessions(2);
    this.replies = [];
  }

  fail(code: string): void {
    this.#events?.onError(Object.assign(new Error(code), { code }));
  }

  say(datagram: Uint8Array): void {
    this.#events?.onDatagram(datagram);
  }

  readonly connect: ConnectUdp = (destination, events) => {
    this.destinations.push(destination);
    if (this.failure !== undefined) return Promise.reject(this.failure);
    this.#events = events;
    return Promise.resolve({
      send: (datagram) => this.#sent(datagram),
      close: () => {
        if (this.#events === events) this.#events = undefined;
      },
    });
  };

  #sent(datagram: Uint8Array): void {
    const header = peekDatagram(datagram);
    this.salts.add(Buffer.from(header?.salt ?? []).toString('hex'));
    this.counters.push(header?.counter ?? 0);
    if (this.isAway) return;
    this.#clock.after(10, () => this.#sessions.receive(datagram, 'gateway', this.#clock.monotonicMs()));
    this.#clock.after(40, () => this.#sessions.tick(this.#clock.monotonicMs()));
  }

  #newSessions(seed: number): CentreSessions<string> {
    return new CentreSessions<string>({
      keyOf: () => new Uint8Array(Buffer.from(KEY, 'hex')),
      random: new SeededRandom(seed),
      transmit: (datagram) => void this.#clock.after(10, () => this.#events?.onDatagram(datagram)),
      deliver: (_, message, reply) => {
        this.messages.push(message);
        this.replies.push(reply);
      },
    });
  }
}

let folder: string;
let keyFile: string;
let clock: SteppedClock;
let shore: Shore;
let log: LogLines;
let acks: Ack[];
let downs: Error[];
let transports: UdpTransport[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mooring-udp-'));
  keyFile = join(folder, 'link.key');
  writeFileSync(keyFile, KEY, { mode: 0o600 });
  clock = new SteppedClock();
  shore = new Shore(clock);
  log = new LogLines();
  [acks, downs, transports] = [[], [], []];
});
afterEach(async () => {
  for (const transport of transports) await transport.close();
  rmSync(folder, { recursive: true, force: true });
});

function transportOf(options: Partial<UdpTransportOptions> = {}, host = 'centre.example'): UdpTransport {
  const shared = { gateway: 'plaka', clock, random: new SeededRandom(9), log, connect: shore.connect };
  const transport = new UdpTransport({ ...shared, centre: { host, port: 20_100, keyFile }, ...options });
  transports.push(transport);
  return transport;
}

const events = { onAck: (ack: Ack) => void acks.push(ack), onDown: (error: Error) => void downs.push(error) };

/** What became of a promise, without waiting for it. */
function fateOf(work: Promise<void>): { code?: string; isDone: boolean } {
  const fate: { code?: string; isDone: boolean } = { isDone: false };
  work.then(
    () => (fate.isDone = true),
    (error: { code: string }) => Object.assign(fate, { code: error.code, isDone: true }),
  );
  return fate;
}

/** Lets the key file be read, which no clock steps. */
async function keyRead(): Promise<void> {
  const before = shore.destinations.length;
  while (shore.destinations.length === before) await new Promise((resolve) => setImmediate(resolve));
}

async function opened(transport = transportOf()): Promise<UdpTransport> {
  const fate = fateOf(transport.open(events, FOREVER));
  await keyRead();
  await clock.advance(1000);
  expect(fate).toEqual({ isDone: true });
  return transport;
}

describe('the UDP transport', () => {
  it('names where it leads, and takes any one record', () => {
    expect(transportOf().url).toBe('udp://centre.example:20100');
    expect(transportOf({}, '2001:db8::1').url).toBe('udp://[2001:db8::1]:20100');
    const { limits } = transportOf({ gateway: 'x'.repeat(63) });
    expect(limits.batchBytesMax).toBeGreaterThanOrEqual(BOUNDS.recordBytes);
  });

  it('hands a batch on when the centre has it, and acks when they come', async () => {
    const transport = await opened();
    const sent = fateOf(transport.send(BATCH));
    await clock.advance(5);
    expect(sent.isDone).toBe(false);
    await clock.advance(100);
    expect([sent.isDone, shore.messages.map((message) => [...message])]).toEqual([true, [[...BATCH]]]);
    expect(shore.replies[0]?.(encodeAck(ACK), clock.monotonicMs())).toBe(true);
    await clock.advance(100);
    expect(acks).toEqual([ACK]);
  });

  it('says once that something else than an ack came as one', async () => {
    const transport = await opened();
    fateOf(transport.send(BATCH));
    await clock.advance(100);
    for (let times = 0; times < 2; times += 1) shore.replies[0]?.(Uint8Array.of(1, 2), clock.monotonicMs());
    await clock.advance(100);
    expect(log.told).toEqual(['warn: something else than an ack came as one']);
  });

  it('keeps salt and counter from one opening to the next, and counts on', async () => {
    const transport = await opened();
    await transport.close();
    await opened(transport);
    expect(shore.salts.size).toBe(1);
    expect(shore.counters).toEqual(shore.counters.map((_, index) => index + 1));
  });

  it('draws a new salt for another key', async () => {
    const transport = await opened();
    await transport.close();
    writeFileSync(keyFile, 'aa'.repeat(32));
    const fate = fateOf(transport.open(events, FOREVER));
    await keyRead();
    await clock.advance(16_000);
    expect([shore.salts.size, fate]).toEqual([2, { code: 'LINK_SILENT', isDone: true }]);
  });

  it('is refused by a key that others may read, and tries another address of the host after a failure', async () => {
    const transport = transportOf();
    chmodSync(keyFile, 0o644);
    await expect(transport.open(events, FOREVER)).rejects.toMatchObject({
      code: 'LINK_REFUSED',
      message: 'the UDP key may be used by others than its owner',
      hint: expect.stringContaining('chmod 600') as string,
    });
    chmodSync(keyFile, 0o600);
    shore.failure = Object.assign(new Error('x'), { code: 'ENOTFOUND' });
    await expect(transport.open(events, FOREVER)).rejects.toMatchObject({
      code: 'LINK_DOWN',
      context: { code: 'ENOTFOUND' },
    });
    shore.failure = undefined;
    await opened(transport);
    expect(shore.destinations.map(({ attempt }) => attempt)).toEqual([0, 1]);
  });

  it('gives up opening after fifteen seconds without an answer, or when told to', async () => {
    shore.isAway = true;
    const transport = transportOf();
    const silent = fateOf(transport.open(events, FOREVER));
    await keyRead();
    await clock.advance(14_900);
    expect(silent.isDone).toBe(false);
    await clock.advance(200);
    expect(silent).toEqual({ code: 'LINK_SILENT', isDone: true });
    const abort = new AbortController();
    const aborted = fateOf(transport.open(events, abort.signal));
    await keyRead();
    abort.abort(new Error('stopped'));
    await clock.advance(0);
    expect(aborted.isDone).toBe(true);
    expect([downs, clock.pendingTimers]).toEqual([[], 0]);
  });

  it('is down when something waits and nothing is heard for twenty seconds; silence alone is none', async () => {
    const transport = await opened();
    shore.isAway = true;
    await clock.advance(600_000);
    expect(downs).toEqual([]);
    const sent = fateOf(transport.send(BATCH));
    await clock.advance(19_000);
    expect([sent.isDone, downs.length]).toEqual([false, 0]);
    await clock.advance(2000);
    expect(sent).toEqual({ code: 'LINK_SILENT', isDone: true });
    expect(downs).toMatchObject([{ code: 'LINK_SILENT' }]);
    await expect(transport.send(BATCH)).rejects.toMatchObject({ code: 'LINK_SILENT' });
    await transport.close();
    expect(clock.pendingTimers).toBe(0);
  });

  it('is down when the other machine says that nobody listens there', async () => {
    const transport = await opened();
    shore.isAway = true;
    const sent = fateOf(transport.send(BATCH));
    shore.fail('ECONNREFUSED');
    await clock.advance(0);
    expect(sent).toEqual({ code: 'LINK_DOWN', isDone: true });
    expect(downs).toMatchObject([
      { code: 'LINK_DOWN', hint: expect.stringContaining('Nothing listens there') as string },
    ]);
  });

  it('is down once when the centre has begun anew, as it will never answer what it had taken', async () => {
    const transport = await opened();
    fateOf(transport.send(BATCH));
    await clock.advance(100);
    shore.restart();
    fateOf(transport.send(BATCH));
    await clock.advance(5000);
    expect(downs).toMatchObject([{ code: 'LINK_DOWN', message: 'the centre has begun anew' }]);
    await transport.close();
    await opened(transport);
    const sent = fateOf(transport.send(BATCH));
    await clock.advance(1000);
    expect([sent.isDone, downs.length]).toEqual([true, 1]);
  });

  it('lets hostile datagrams pass by', async () => {
    const transport = await opened();
    const random = new SeededRandom(5);
    for (let length = 0; length < 1500; length += 7) shore.say(random.bytes(length));
    const sent = fateOf(transport.send(BATCH));
    await clock.advance(1000);
    expect([sent, downs]).toEqual([{ isDone: true }, []]);
  });
});

describe('on this machine’s network, the UDP transport', () => {
  it('is told at once that there is no way, and leaves no socket open', async () => {
    const socketsOpen = (): number => process.getActiveResourcesInfo().filter((name) => name.startsWith('UDP')).length;
    const before = socketsOpen();
    const shared = { gateway: 'plaka', clock: systemClock, random: new SeededRandom(9), log };
    // No socket may be connected to it unasked.
    const transport = new UdpTransport({ ...shared, centre: { host: '255.255.255.255', port: 9, keyFile } });
    transports.push(transport);
    await expect(transport.open(events, FOREVER)).rejects.toMatchObject({
      code: 'LINK_DOWN',
      context: { code: 'EACCES' },
    });
    await expect.poll(socketsOpen).toBe(before);
  });

  it('is told at once that nobody listens', async () => {
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    await once(socket, 'listening');
    const { port } = socket.address();
    await new Promise<void>((resolve) => socket.close(() => resolve()));
    const shared = { gateway: 'plaka', clock: systemClock, random: new SeededRandom(9), log };
    const transport = new UdpTransport({ ...shared, centre: { host: '127.0.0.1', port, keyFile } });
    transports.push(transport);
    await expect(transport.open(events, FOREVER)).rejects.toMatchObject({
      code: 'LINK_DOWN',
      context: { code: 'ECONNREFUSED' },
    });
  });
});
