import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SeededRandom } from '../runtime/random.ts';
import { SteppedClock } from './clock.ts';
import { startUdpLink, type UdpLink } from './udp-link.ts';
import type { DatagramQuality } from './udp-link-direction.ts';

/** A socket, what it has heard, and from whom last. */
interface End {
  readonly socket: Socket;
  readonly heard: string[];
  lastFrom: number;
}

let clock: SteppedClock;
let target: End;
let link: UdpLink;
let ends: End[];

beforeEach(async () => {
  ends = [];
  clock = new SteppedClock();
  target = await end();
});

afterEach(async () => {
  await link.close();
  for (const { socket } of ends) socket.close();
});

async function end(): Promise<End> {
  const made: End = { socket: createSocket('udp4'), heard: [], lastFrom: 0 };
  made.socket.on('message', (datagram, { port }) => {
    made.heard.push(datagram.toString('latin1'));
    made.lastFrom = port;
  });
  made.socket.bind(0, '127.0.0.1');
  await once(made.socket, 'listening');
  ends.push(made);
  return made;
}

async function start(quality: Partial<DatagramQuality> = {}, seed = 1): Promise<void> {
  link = await startUdpLink({ target: target.socket.address().port, clock, random: new SeededRandom(seed), quality });
}

/** Sends datagrams, each when the link has the one before: the kernel's buffers lose nothing then. */
async function sendUp(from: End, texts: readonly string[]): Promise<void> {
  for (const text of texts) {
    const taken = new Promise<void>((resolve) => {
      const untap = link.tap(() => {
        untap();
        resolve();
      });
    });
    from.socket.send(text, link.port, '127.0.0.1');
    await taken;
  }
}

const numbers = (count: number): string[] => Array.from({ length: count }, (_, index) => String(index));

describe('a UDP link', () => {
  it('carries datagrams both ways and counts them, one flow for each address', async () => {
    await start();
    const [one, other] = [await end(), await end()];
    await sendUp(one, ['from one']);
    await vi.waitFor(() => expect(target.heard).toEqual(['from one']));
    const { lastFrom } = target;
    await sendUp(other, ['from the other']);
    await vi.waitFor(() => expect(target.heard).toHaveLength(2));
    expect(target.lastFrom).not.toBe(lastFrom);
    target.socket.send('to one', lastFrom, '127.0.0.1');
    await vi.waitFor(() => expect(one.heard).toEqual(['to one']));
    expect(other.heard).toEqual([]);
    expect(link.flows).toBe(2);
    expect(link.datagrams).toEqual({ up: 2, down: 1 });
    expect(link.bytes).toEqual({ up: 'from onefrom the other'.length, down: 'to one'.length });
  });

  it('loses and doubles as often as it is told, the same for the same seed', async () => {
    await start({ loss: 0.3, duplication: 0.5 });
    const near = await end();
    await sendUp(near, numbers(400));
    const { up: lost } = link.lost;
    expect(lost).toBeGreaterThan(400 * 1.5 * 0.2);
    expect(lost).toBeLessThan(400 * 1.5 * 0.4);
    expect(link.datagrams.up + lost).toBeGreaterThan(500);
    await vi.waitFor(() => expect(target.heard).toHaveLength(link.datagrams.up));
    expect(new Set(target.heard).size).toBeLessThan(target.heard.length);
    const first = [...target.heard];
    await link.close();
    target.heard.length = 0;
    await start({ loss: 0.3, duplication: 0.5 });
    await sendUp(near, numbers(400));
    await vi.waitFor(() => expect(target.heard).toEqual(first));
  });

  it('delivers nothing before its time, and what came later earlier where chance has it', async () => {
    await start({ delayMs: 100, jitterMs: 100 });
    const near = await end();
    await sendUp(near, numbers(20));
    await clock.advance(99);
    expect(link.datagrams.up).toBe(0);
    await clock.advance(101);
    await vi.waitFor(() => expect(target.heard).toHaveLength(20));
    expect(target.heard).not.toEqual(numbers(20));
    expect([...target.heard].sort()).toEqual(numbers(20).sort());
  });

  it('turns a bit over', async () => {
    await start({ corruption: 1 });
    await sendUp(await end(), ['\0\0\0\0']);
    await vi.waitFor(() => expect(target.heard).toHaveLength(1));
    const bits = Buffer.from(target.heard[0] ?? '', 'latin1').reduce(
      (sum, byte) => sum + byte.toString(2).replaceAll('0', '').length,
      0,
    );
    expect(bits).toBe(1);
  });

  it('keeps to its bandwidth, and loses what does not fit into half a second of it', async () => {
    await start({ bytesPerSecond: 10_000 });
    const near = await end();
    await sendUp(
      near,
      Array.from({ length: 20 }, () => 'x'.repeat(972)),
    );
    expect(link.lost.up).toBe(15);
    await clock.advance(250);
    expect(link.datagrams.up).toBe(2);
    await clock.advance(250);
    expect(link.datagrams.up).toBe(5);
  });

  it('loses everything while it is cut, one way or both', async () => {
    await start();
    const near = await end();
    link.cut('up');
    await sendUp(near, ['lost']);
    link.heal();
    await sendUp(near, ['carried']);
    await vi.waitFor(() => expect(target.heard).toEqual(['carried']));
    link.cut('down');
    target.socket.send('lost', target.lastFrom, '127.0.0.1');
    await vi.waitFor(() => expect(link.lost.down).toBe(1));
    expect(near.heard).toEqual([]);
  });

  it('holds back while frozen, and delivers that at the thaw', async () => {
    await start();
    const near = await end();
    link.freeze('up');
    await sendUp(near, ['a', 'b']);
    expect(link.datagrams.up).toBe(0);
    link.thaw();
    await vi.waitFor(() => expect(target.heard).toEqual(['a', 'b']));
  });

  it('shows what is sent, and says what nobody has sent', async () => {
    await start({ loss: 1 });
    const near = await end();
    const seen: string[] = [];
    const untap = link.tap((direction, datagram) => seen.push(`${direction} ${Buffer.from(datagram).toString()}`));
    near.socket.send('hello', link.port, '127.0.0.1');
    await vi.waitFor(() => expect(seen).toEqual(['up hello']));
    link.inject('up', Buffer.from('forged'));
    link.inject('down', Buffer.from('reflected'));
    await vi.waitFor(() => expect([target.heard, near.heard]).toEqual([['forged'], ['reflected']]));
    expect(seen).toHaveLength(1);
    untap();
  });

  it('leads to another target, and comes from another address, when told so', async () => {
    await start();
    const near = await end();
    await sendUp(near, ['a']);
    await vi.waitFor(() => expect(target.heard).toEqual(['a']));
    link.rebind();
    await sendUp(near, ['b']);
    await vi.waitFor(() => expect(target.heard).toEqual(['a', 'b']));
    const later = await end();
    link.setTarget(later.socket.address().port);
    await sendUp(near, ['c']);
    await vi.waitFor(() => expect(later.heard).toEqual(['c']));
    expect(target.heard).toEqual(['a', 'b']);
  });
});
