import { afterEach, describe, expect, it } from 'vitest';
import type { Ack } from '../../protocol/ack.ts';
import { encodeAck } from '../../protocol/ack-codec.ts';
import type { Batch } from '../../protocol/batch.ts';
import { decodeBatch } from '../../protocol/batch-codec.ts';
import { type Range, rangesOf } from '../../protocol/intervals.ts';
import type { Observation } from '../../protocol/record.ts';
import { silentLog } from '../../runtime/log.ts';
import { SeededRandom } from '../../runtime/random.ts';
import { SteppedClock } from '../../sim/clock.ts';
import { type LinkQuality, LossyTransport } from '../../sim/lossy-transport.ts';
import { MemoryStore } from '../../sim/memory-store.ts';
import { Forwarder, type ForwarderOptions } from './forwarder.ts';
import type { TransportLimits } from './transport.ts';

const START_MS = Date.UTC(2026, 0, 1);
const NAME = 'centre';

/** What the centre does with a batch: each ack that it returns is sent. */
type Answerer = (batch: Batch) => readonly Partial<Ack>[];

const storeAll: Answerer = ({ records }) => [{ stored: rangesOf(records.map(({ sequence }) => sequence)) }];

/** A forwarder between a store in memory and a centre that answers as it is told. */
class Bench {
  readonly clock = new SteppedClock(START_MS);
  readonly store: MemoryStore;
  readonly transport: LossyTransport;
  readonly forwarder: Forwarder;
  /** What has arrived, with its time. */
  readonly arrived: { readonly batch: Batch; readonly atMs: number }[] = [];
  /** Messages of the log, from `info` up. */
  readonly logged: string[] = [];
  answer: Answerer = storeAll;
  #say: ((ack: Ack) => void) | undefined;

  constructor(
    options: Partial<ForwarderOptions> = {},
    { quality, limits }: { quality?: Partial<LinkQuality>; limits?: Partial<TransportLimits> } = {},
  ) {
    const { clock } = this;
    const random = new SeededRandom(1);
    this.store = new MemoryStore({ gateway: 'plaka', salt: random.bytes(16), clock });
    this.transport = new LossyTransport({
      gateway: 'plaka',
      centre: (_, bytes, answer) => {
        const batch = decodeBatch(bytes);
        this.arrived.push({ batch, atMs: clock.monotonicMs() });
        this.#say = (ack) => answer(encodeAck(ack));
        for (const part of this.answer(batch)) this.#say({ ...nameOf(batch), ...part });
      },
      clock,
      random,
      ...(quality === undefined ? {} : { quality }),
      ...(limits === undefined ? {} : { limits }),
    });
    const hear = (_: object, message: string): void => void this.logged.push(message);
    const log = { ...silentLog, info: hear, warn: hear, error: hear, child: () => log };
    const { store, transport } = this;
    this.forwarder = new Forwarder({ name: NAME, gateway: 'plaka', store, transport, clock, random, log, ...options });
  }

  /** An ack out of the blue. */
  say(ack: Ack): void {
    this.#say?.(ack);
  }

  async append(count: number, urgent = false): Promise<void> {
    const observations = Array.from(
      { length: count },
      (_, index): Observation => ({
        station: 'buoy-7',
        kind: urgent ? 'alarm' : 'sample',
        timestampMs: START_MS + this.clock.monotonicMs() + index,
        clock: 'synced',
        metrics: { temperature: 21.5 + (index % 7) / 10 },
        flags: {},
      }),
    );
    await this.store.append(observations, { urgent });
    this.forwarder.notify();
  }

  /** Rows that have left the live lane, before the forwarder is started. */
  async backlog(count: number): Promise<void> {
    await this.append(count);
    await this.clock.advance(61_000);
  }

  async stop(): Promise<void> {
    const stopping = this.forwarder.stop();
    await this.clock.advance(3000);
    await stopping;
  }

  get pending(): number {
    return this.store.statsOf(NAME).pending;
  }

  get sizes(): number[] {
    return this.arrived.map(({ batch }) => batch.records.length);
  }
}

function nameOf({ salt, batch, token }: Batch): Pick<Ack, 'salt' | 'batch' | 'token'> {
  return { salt, batch, token };
}

function all(batch: Batch): Range[] {
  return rangesOf(batch.records.map(({ sequence }) => sequence));
}

describe('a forwarder', () => {
  const benches: Bench[] = [];
  const bench = (...parameters: ConstructorParameters<typeof Bench>): Bench => {
    const made = new Bench(...parameters);
    benches.push(made);
    return made;
  };
  afterEach(async () => {
    for (const made of benches.splice(0)) {
      await made.stop();
      expect(made.store.statsOf(NAME)).toMatchObject({ inFlight: 0, held: 0 });
      expect(made.clock.pendingTimers).toBe(0);
    }
  });

  it('sends what is pending and settles it by its ack', async () => {
    const { store, forwarder, clock, append, arrived } = bench();
    await append.call(benches[0], 3);
    forwarder.start();
    await clock.advance(1000);
    expect(arrived.map(({ batch }) => all(batch))).toEqual([[[1, 3]]]);
    expect(store.settled(NAME)).toEqual([[1, 3]]);
    expect(forwarder.status()).toMatchObject({
      link: 'up',
      url: 'lossy://centre',
      acked: 3,
      acksReceived: 1,
      batchesInFlight: 0,
      unknownAcks: 0,
    });
  });
});
