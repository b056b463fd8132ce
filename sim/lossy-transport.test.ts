import { beforeEach, describe, expect, it } from 'vitest';
import type { Ack } from '../protocol/ack.ts';
import { encodeAck } from '../protocol/ack-codec.ts';
import { SeededRandom } from '../runtime/random.ts';
import { SteppedClock } from './clock.ts';
import { type LinkQuality, LossyTransport } from './lossy-transport.ts';

const ACK: Ack = { salt: new Uint8Array(16), batch: 1, token: new Uint8Array(8), stored: [[1, 1]] };
const FOREVER = new AbortController().signal;

describe('a lossy transport', () => {
  let clock: SteppedClock;
  let arrived: { readonly batch: number; readonly atMs: number; readonly bytes: Uint8Array }[];
  let acks: Ack[];
  let downs: Error[];
  beforeEach(() => {
    clock = new SteppedClock();
    arrived = [];
    acks = [];
    downs = [];
  });

  async function opened(quality: Partial<LinkQuality>, seed = 1): Promise<LossyTransport> {
    const transport = new LossyTransport({
      gateway: 'plaka',
      centre: (_, bytes, answer) => {
        arrived.push({ batch: bytes[0] as number, atMs: clock.monotonicMs(), bytes });
        answer(encodeAck(ACK));
      },
      clock,
      random: new SeededRandom(seed),
      quality,
    });
    const events = { onAck: (ack: Ack) => void acks.push(ack), onDown: (error: Error) => void downs.push(error) };
    const opening = transport.open(events, FOREVER);
    await clock.advance(10_000);
    await opening;
    return transport;
  }

  async function send(transport: LossyTransport, count: number): Promise<number> {
    let handedOn = 0;
    for (let batch = 0; batch < count; batch += 1) {
      transport.send(Uint8Array.of(batch, 1, 2, 3)).then(
        () => (handedOn += 1),
        () => undefined,
      );
    }
    await clock.advance(10_000);
    return handedOn;
  }

  it('that is perfect carries everything at once, in order', async () => {
    const transport = await opened({});
    expect(await send(transport, 5)).toBe(5);
    expect(arrived.map(({ batch }) => batch)).toEqual([0, 1, 2, 3, 4]);
    expect(acks).toHaveLength(5);
  });

  it('delays, reorders, loses, doubles and damages, each as often as it is told to', async () => {
    const transport = await opened({ delayMs: 100, jitterMs: 400, loss: 0.2, duplication: 0.1, corruption: 0.1 });
    expect(await send(transport, 250)).toBe(250);
    const times = arrived.map(({ atMs }) => atMs - 10_000);
    expect([Math.min(...times) >= 100, Math.max(...times) <= 500]).toEqual([true, true]);
    const numbers = arrived.map(({ batch }) => batch);
    expect(numbers).not.toEqual(numbers.toSorted((a, b) => a - b));
    const whole = arrived.filter(({ bytes }) => bytes.slice(1).join() === '1,2,3');
    expect(new Set(numbers).size).toBeGreaterThan(180);
    expect(new Set(numbers).size).toBeLessThan(220);
    expect(numbers.length - new Set(numbers).size).toBeGreaterThan(8);
    expect(arrived.length - whole.length).toBeGreaterThan(8);
    expect(acks.length).toBeLessThan(arrived.length);
    expect(acks.every(({ batch }) => batch === 1)).toBe(true);
  });

  it('does the same again with the same seed', async () => {
    const quality = { delayMs: 100, jitterMs: 400, loss: 0.2, duplication: 0.1 };
    await send(await opened(quality, 7), 50);
    const first = arrived;
    [clock, arrived] = [new SteppedClock(), []];
    await send(await opened(quality, 7), 50);
    expect(arrived).toEqual(first);
  });

  it('that is cut says so once, fails what was not handed on, and opens when it is whole again', async () => {
    const transport = await opened({ delayMs: 100 });
    const sending = transport.send(Uint8Array.of(1));
    transport.cut();
    await expect(sending).rejects.toMatchObject({ code: 'LINK_DOWN' });
    await expect(transport.send(Uint8Array.of(2))).rejects.toMatchObject({ code: 'LINK_DOWN' });
    expect(downs).toMatchObject([{ code: 'LINK_DOWN' }]);
    await clock.advance(1000);
    // What had left arrives; its ack finds nobody.
    expect([arrived.length, acks.length]).toEqual([1, 0]);
    const events = { onAck: () => undefined, onDown: () => undefined };
    const refused = expect(transport.open(events, FOREVER)).rejects.toMatchObject({ code: 'LINK_DOWN' });
    await clock.advance(1000);
    await refused;
    transport.heal();
    const opening = transport.open(events, FOREVER);
    await clock.advance(1000);
    await opening;
    expect(transport.isOpen).toBe(true);
  });

  it('that is half open carries nothing, and is noticed by what is not handed on', async () => {
    const transport = await opened({ delayMs: 100 });
    transport.freeze();
    expect(await send(transport, 3)).toBe(0);
    expect([arrived, downs]).toEqual([[], []]);
    await clock.advance(10_000);
    expect(downs).toMatchObject([{ code: 'LINK_SILENT' }]);
    expect(clock.pendingTimers).toBe(0);
  });
});
