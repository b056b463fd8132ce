import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MooringError } from '../../runtime/errors.ts';
import { type Log, silentLog } from '../../runtime/log.ts';
import { SteppedClock } from '../../sim/clock.ts';
import { ForwardBench, saysNothing } from '../../test/simulation/forward-bench.ts';
import { Link } from './link.ts';
import type { Transport, TransportEvents } from './transport.ts';

/** A transport that does as the test says. */
class ScriptedTransport implements Transport {
  readonly kind = 'scripted';
  readonly limits = { batchBytesMax: 1, batchesInFlightMax: 1, ackDeadlineMs: 1 };
  readonly calls: string[] = [];
  events: TransportEvents | undefined;
  opening: (signal: AbortSignal) => Promise<void> = async () => await Promise.resolve();
  closing: () => Promise<void> = async () => await Promise.resolve();

  async open(events: TransportEvents, signal: AbortSignal): Promise<void> {
    this.calls.push('open');
    await this.opening(signal);
    this.events = events;
  }

  async send(): Promise<void> {
    await Promise.resolve();
  }

  async close(): Promise<void> {
    this.calls.push('close');
    await this.closing();
  }
}

describe('a link', () => {
  let clock: SteppedClock;
  let transport: ScriptedTransport;
  let link: Link;
  let logged: string[];
  let heard: string[];

  beforeEach(() => {
    clock = new SteppedClock();
    transport = new ScriptedTransport();
    logged = [];
    heard = [];
    const hear = (_: object, message: string): void => void logged.push(message);
    const log: Log = { ...silentLog, info: hear, warn: hear };
    link = new Link({
      transport,
      clock,
      // With the longest possible waits, so that the back-off can be read off.
      random: { uniform: () => 0.999_999, bytes: (length) => new Uint8Array(length) },
      log,
      onAck: () => undefined,
      onUp: () => heard.push('up'),
      onDown: () => heard.push('down'),
    });
  });

  afterEach(async () => {
    const stopping = link.stop();
    await clock.advance(1000);
    await stopping;
    expect([link.state, clock.pendingTimers]).toEqual(['down', 0]);
  });

  const lose = (): void => transport.events?.onDown(new MooringError('LINK_DOWN', 'gone'));

  it('that cannot be opened is tried for ever with growing waits, and closed after each try', async () => {
    const openedAt: number[] = [];
    transport.opening = async () => {
      openedAt.push(Math.round(clock.monotonicMs() / 100) / 10);
      await Promise.resolve();
      throw new MooringError('LINK_DOWN', 'nobody is there', { hint: 'look' });
    };
    link.start();
    await clock.advance(200_000);
    expect(openedAt).toEqual([0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5, 63.5, 123.5, 183.5]);
    expect(transport.calls.slice(0, 4)).toEqual(['open', 'close', 'open', 'close']);
    expect([logged, heard]).toEqual([['the link is down'], []]);
    expect(link.lastError).toMatchObject({ code: 'LINK_DOWN' });
    transport.opening = async () => await Promise.resolve();
    await clock.advance(60_000);
    expect([link.state, link.lastError, logged.at(-1), heard]).toEqual(['up', undefined, 'the link is up', ['up']]);
  });

  it('that comes and goes is opened ever less often, until it has proven good', async () => {
    link.start();
    const ups = (): number => heard.filter((each) => each === 'up').length;
    await clock.advance(0);
    for (let second = 0; second < 120; second += 1) {
      lose();
      transport.events = undefined;
      await clock.advance(1000);
    }
    expect(ups()).toBeLessThan(9);
    await clock.advance(60_000);
    const before = ups();
    link.proven();
    lose();
    await clock.advance(600);
    expect(ups()).toBe(before + 1);
    await clock.advance(60_000);
    lose();
    await clock.advance(600);
    expect(ups()).toBe(before + 2);
    expect(heard.filter((each) => each === 'down').length).toBe(ups() - 1);
  });

  it('reports another reason for being down, but not the same one again', async () => {
    const fail = (code: 'LINK_DOWN' | 'LINK_REFUSED') => async () => {
      await Promise.resolve();
      throw new MooringError(code, 'no');
    };
    transport.opening = fail('LINK_DOWN');
    link.start();
    await clock.advance(10_000);
    transport.opening = fail('LINK_REFUSED');
    await clock.advance(60_000);
    expect(logged).toEqual(['the link is down', 'the link is down']);
  });

  it('does not wait for ever for a transport that neither opens nor closes', async () => {
    transport.opening = async () => await new Promise(() => undefined);
    transport.closing = async () => await new Promise(() => undefined);
    link.start();
    await clock.advance(62_000);
    expect(transport.calls).toEqual(['open', 'close', 'open']);
    transport.closing = async () => await Promise.resolve();
  });

  it('tells the transport to give up opening when it is stopped', async () => {
    let reason: unknown;
    transport.opening = async (signal) =>
      await new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          reason = signal.reason;
          reject(signal.reason as Error);
        });
      });
    link.start();
    await clock.advance(100);
    await link.stop();
    expect(reason).toMatchObject({ code: 'LINK_DOWN' });
    expect([transport.calls, heard]).toEqual([['open', 'close'], []]);
  });
});

describe('a forwarder whose link is lost', () => {
  it('gives back what was in flight and sends it again when the link is back', async () => {
    const bench = new ForwardBench();
    bench.answer = saysNothing;
    bench.start();
    await bench.append(3);
    await bench.advance(1000);
    bench.transport.cut();
    await bench.advance(10);
    expect(bench.stats).toMatchObject({ inFlight: 0, pending: 3 });
    expect(bench.status).toMatchObject({ link: 'down', batchesInFlight: 0, lastError: { code: 'LINK_DOWN' } });
    bench.answer = (batch) => [{ stored: [[1, batch.records.length]] }];
    bench.transport.heal();
    await bench.advance(2000);
    expect([bench.settled, bench.arrivals.map(({ batch }) => batch.batch)]).toEqual([[[1, 3]], [1, 2]]);
    await bench.stop();
  });

  it('notices one that is half open, and goes on when it is whole', async () => {
    const bench = new ForwardBench({ quality: { delayMs: 50 } });
    bench.start();
    await bench.append(1);
    await bench.advance(1000);
    bench.transport.freeze();
    await bench.append(2);
    await bench.advance(21_000);
    expect(bench.status).toMatchObject({ lastError: { code: 'LINK_SILENT' } });
    expect(bench.stats).toMatchObject({ inFlight: 0, pending: 2 });
    bench.transport.heal();
    await bench.advance(60_000);
    expect([bench.settled, bench.logged]).toEqual([[[1, 3]], ['the link is up', 'the link is down', 'the link is up']]);
    await bench.stop();
  });

  it('takes a late ack in the next session for what was sent in the last', async () => {
    const bench = new ForwardBench();
    bench.answer = saysNothing;
    bench.start();
    await bench.append(3);
    await bench.advance(1000);
    const first = bench.batch(0);
    bench.transport.cut();
    bench.transport.heal();
    await bench.advance(2000);
    expect(bench.arrivals).toHaveLength(2);
    bench.say(first, { stored: [[1, 3]] });
    await bench.advance(100);
    expect([bench.settled, bench.status]).toMatchObject([[[1, 3]], { batchesInFlight: 0, unknownAcks: 0 }]);
    await bench.stop();
  });
});
