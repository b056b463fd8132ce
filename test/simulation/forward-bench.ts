import { expect } from 'vitest';
import { Forwarder, type ForwarderOptions } from '../../daemon/forward/forwarder.ts';
import type { TransportLimits } from '../../daemon/forward/transport.ts';
import type { Ack } from '../../protocol/ack.ts';
import { encodeAck } from '../../protocol/ack-codec.ts';
import type { Batch } from '../../protocol/batch.ts';
import { decodeBatch } from '../../protocol/batch-codec.ts';
import { type Range, rangesOf } from '../../protocol/intervals.ts';
import type { Observation } from '../../protocol/record.ts';
import { type Log, silentLog } from '../../runtime/log.ts';
import { SeededRandom } from '../../runtime/random.ts';
import { SteppedClock } from '../../sim/clock.ts';
import { type LinkQuality, LossyTransport } from '../../sim/lossy-transport.ts';
import { MemoryStore } from '../../sim/memory-store.ts';

const START_MS = Date.UTC(2026, 0, 1);
const GATEWAY = 'plaka';
export const FORWARDER = 'centre';

/** What the centre says to a batch: each part is an ack of its own. */
export type Answerer = (batch: Batch) => readonly Partial<Ack>[];

export const storeAll: Answerer = (batch) => [{ stored: sequencesOf(batch) }];
export const saysNothing: Answerer = () => [];

export interface Arrival {
  readonly batch: Batch;
  /** On the monotonic clock. */
  readonly atMs: number;
}

export interface BenchOptions extends Partial<Omit<ForwarderOptions, 'store' | 'transport' | 'clock'>> {
  readonly quality?: Partial<LinkQuality>;
  readonly limits?: Partial<TransportLimits>;
}

/** A forwarder between a store in memory and a centre that answers as the test tells it, on a stepped clock. */
export class ForwardBench {
  readonly clock = new SteppedClock(START_MS);
  readonly store: MemoryStore;
  readonly transport: LossyTransport;
  readonly forwarder: Forwarder;
  readonly arrivals: Arrival[] = [];
  /** Messages of the log, from `info` up. */
  readonly logged: string[] = [];
  answer: Answerer = storeAll;
  #send: ((ack: Uint8Array) => void) | undefined;

  constructor({ quality, limits, ...options }: BenchOptions = {}) {
    const { clock } = this;
    const random = new SeededRandom(1);
    this.store = new MemoryStore({ gateway: GATEWAY, salt: random.bytes(16), clock });
    this.transport = new LossyTransport({
      gateway: GATEWAY,
      centre: (_, bytes, send) => this.#arrive(decodeBatch(bytes), send),
      clock,
      random,
      quality: quality ?? {},
      limits: limits ?? {},
    });
    const hear = (_: object, message: string): void => void this.logged.push(message);
    const log: Log = { ...silentLog, info: hear, warn: hear, error: hear, child: () => log };
    const { store, transport } = this;
    const ports = { name: FORWARDER, gateway: GATEWAY, store, transport, clock, random, log };
    this.forwarder = new Forwarder({ ...ports, ...options });
  }

  start(): this {
    this.forwarder.start();
    return this;
  }

  async append(count: number, { urgent = false, text = '' } = {}): Promise<void> {
    const observations = Array.from(
      { length: count },
      (_, index): Observation => ({
        station: 'buoy-7',
        kind: urgent ? 'alarm' : 'sample',
        timestampMs: this.clock.wallMs() + index,
        clock: 'synced',
        metrics: { temperature: 21.5 + (index % 7) / 10, ...(text === '' ? {} : { modem_state: text }) },
        flags: {},
      }),
    );
    await this.store.append(observations, { urgent });
    this.forwarder.notify();
  }

  /** Rows that are too old for the live lane. */
  async appendBacklog(count: number): Promise<void> {
    await this.append(count);
    await this.clock.advance(61_000);
  }

  /** Says something about a batch that has arrived, out of its turn. */
  say(batch: Batch, ...parts: readonly Partial<Ack>[]): void {
    for (const part of parts) this.#send?.(encodeAck({ ...nameOf(batch), ...part }));
  }

  async advance(durationMs: number): Promise<void> {
    await this.clock.advance(durationMs);
  }

  /** Stops the forwarder and checks that it has left nothing behind. */
  async stop(): Promise<void> {
    const stopping = this.forwarder.stop();
    await this.clock.advance(3000);
    await stopping;
    // What is still on its way arrives at nobody.
    await this.clock.advance(10_000);
    expect(this.stats).toMatchObject({ inFlight: 0, held: 0 });
    expect(this.clock.pendingTimers).toBe(0);
  }

  get stats() {
    return this.store.statsOf(FORWARDER);
  }

  get settled(): Range[] {
    return this.store.settled(FORWARDER);
  }

  get status() {
    return this.forwarder.status();
  }

  /** The sequences of each batch that has arrived. */
  get arrived(): Range[][] {
    return this.arrivals.map(({ batch }) => sequencesOf(batch));
  }

  /** Number of records of each batch that has arrived. */
  get sizes(): number[] {
    return this.arrivals.map(({ batch }) => batch.records.length);
  }

  batch(index: number): Batch {
    const arrival = this.arrivals.at(index);
    if (arrival === undefined) throw new Error(`no batch ${index} of ${this.arrivals.length}`);
    return arrival.batch;
  }

  #arrive(batch: Batch, send: (ack: Uint8Array) => void): void {
    this.arrivals.push({ batch, atMs: this.clock.monotonicMs() });
    this.#send = send;
    this.say(batch, ...this.answer(batch));
  }
}

export function sequencesOf({ records }: Batch): Range[] {
  return rangesOf(records.map(({ sequence }) => sequence));
}

function nameOf({ salt, batch, token }: Batch): Pick<Ack, 'salt' | 'batch' | 'token'> {
  return { salt, batch, token };
}
