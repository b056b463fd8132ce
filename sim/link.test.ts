import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SeededRandom } from '../runtime/random.ts';
import { SteppedClock } from './clock.ts';
import { type Link, type LinkOptions, startLink } from './link.ts';
import { reset } from './link-pipe.ts';

/** One side of a connection, and everything that it has heard. */
interface End {
  readonly socket: Socket;
  readonly heard: () => string;
  isClosed: boolean;
}

let server: Server;
let clock: SteppedClock;
let link: Link;
let accepted: End[];
let clients: End[];

beforeEach(async () => {
  accepted = [];
  clients = [];
  clock = new SteppedClock();
  server = createServer((socket) => accepted.push(endOf(socket)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});

afterEach(async () => {
  await link.close();
  for (const { socket } of [...clients, ...accepted]) socket.destroy();
  server.close();
  await once(server, 'close');
});

function endOf(socket: Socket): End {
  let text = '';
  const end: End = { socket, heard: () => text, isClosed: false };
  socket.on('data', (bytes: Buffer) => {
    text += bytes.toString('latin1');
  });
  socket.on('error', () => undefined);
  socket.once('close', () => {
    end.isClosed = true;
  });
  return end;
}

async function start(options: Partial<LinkOptions> = {}): Promise<void> {
  const target = (server.address() as AddressInfo).port;
  link = await startLink({ target, clock, random: new SeededRandom(1), ...options });
}

function client(): End {
  const end = endOf(connect(link.port, '127.0.0.1'));
  clients.push(end);
  return end;
}

async function pair(): Promise<[near: End, far: End]> {
  const near = client();
  await vi.waitFor(() => expect(accepted.length).toBe(clients.length));
  return [near, accepted.at(-1) as End];
}

/** Lets the kernel move what is on its way; for showing that nothing comes. */
async function quiet(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

describe('a link', () => {
  it('carries bytes both ways, and the end of each', async () => {
    await start();
    const [near, far] = await pair();
    near.socket.write('up');
    far.socket.write('down');
    await vi.waitFor(() => expect([far.heard(), near.heard()]).toEqual(['up', 'down']));
    expect(link.bytes).toEqual({ up: 2, down: 4 });
    near.socket.end();
    await vi.waitFor(() => expect([near.isClosed, far.isClosed]).toEqual([true, true]));
    expect(link.connections).toBe(0);
  });

  it('delivers no earlier than its delay', async () => {
    await start({ delayMs: 500 });
    const [near, far] = await pair();
    near.socket.write('slow');
    await vi.waitFor(() => expect(clock.pendingTimers).toBe(1));
    await clock.advance(499);
    await quiet();
    expect(far.heard()).toBe('');
    await clock.advance(1);
    await vi.waitFor(() => expect(far.heard()).toBe('slow'));
  });

  it('keeps to its bandwidth, over all connections together', async () => {
    await start({ bytesPerSecond: 10_000 });
    const pairs = [await pair(), await pair()];
    for (const [near] of pairs) near.socket.write('x'.repeat(20_000));
    await vi.waitFor(() => expect(clock.pendingTimers).toBe(2));
    for (let second = 0; second < 2; second += 1) {
      await clock.advance(1000);
      await quiet();
    }
    // The burst of 10 ms, and a segment that was under way.
    expect(link.bytes.up).toBeGreaterThan(17_000);
    expect(link.bytes.up).toBeLessThanOrEqual(20_000 + 2 * 1460);
    link.setBandwidth(undefined);
    await clock.advance(1000);
    await vi.waitFor(() => expect(pairs.map(([, far]) => far.heard().length)).toEqual([20_000, 20_000]));
  });

  it('turns loss into lateness, never into missing or disordered bytes', async () => {
    await start({ loss: 0.5 });
    const [near, far] = await pair();
    const text = Array.from({ length: 20_000 }, (_, index) => String.fromCharCode(97 + (index % 26))).join('');
    near.socket.write(text);
    await vi.waitFor(() => expect(clock.pendingTimers).toBe(1));
    await quiet();
    expect(far.heard().length).toBeLessThan(text.length);
    await clock.advance(60_000);
    await vi.waitFor(() => expect(far.heard()).toBe(text));
  });

  it('resets every connection when it is cut, and new ones until it is healed', async () => {
    await start();
    const [near, far] = await pair();
    link.cut();
    await vi.waitFor(() => expect([near.isClosed, far.isClosed]).toEqual([true, true]));
    const refused = client();
    await vi.waitFor(() => expect(refused.isClosed).toBe(true));
    link.heal();
    const before = accepted.length;
    const again = client();
    again.socket.write('back');
    await vi.waitFor(() => expect(accepted.slice(before).map((end) => end.heard())).toEqual(['back']));
  });

  it.each([
    ['up', '', 'down'],
    ['down', 'up', ''],
    ['both', '', ''],
  ] as const)(
    'keeps silent %s while it is frozen, and delivers at the thaw',
    async (direction, farHears, nearHears) => {
      await start();
      const [near, far] = await pair();
      link.freeze(direction);
      near.socket.write('up');
      far.socket.write('down');
      await vi.waitFor(() => expect([far.heard(), near.heard()]).toEqual([farHears, nearHears]));
      await quiet();
      expect([far.heard(), near.heard(), near.isClosed, far.isClosed]).toEqual([farHears, nearHears, false, false]);
      link.thaw();
      await vi.waitFor(() => expect([far.heard(), near.heard()]).toEqual(['up', 'down']));
    },
  );

  it('hides from the far side that the near one has gone, until the thaw', async () => {
    await start();
    const [near, far] = await pair();
    link.freeze('both');
    near.socket.resetAndDestroy();
    await vi.waitFor(() => expect(near.isClosed).toBe(true));
    await quiet();
    expect(far.isClosed).toBe(false);
    link.thaw();
    await vi.waitFor(() => expect(far.isClosed).toBe(true));
  });

  it('holds no more than a buffer, so that a slow reader slows the writer', async () => {
    await start();
    link.freeze('up');
    const [near] = await pair();
    let written = 0;
    // What fits into the buffers of both sockets and the link; far less than is offered.
    while (written < 64 * 2 ** 20 && near.socket.writableLength < 2 ** 20) {
      near.socket.write(Buffer.alloc(65_536));
      written += 65_536;
      await quiet();
    }
    expect(near.socket.writableLength).toBeGreaterThanOrEqual(2 ** 20);
  });

  it('closes a socket that is just sending its end, which cannot be reset', async () => {
    await start();
    const [near] = await pair();
    near.socket.end();
    reset(near.socket);
    await vi.waitFor(() => expect(near.isClosed).toBe(true));
  });
});
