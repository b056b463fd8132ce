/** A gateway with a backlog behind a slow modem, over UDP, on a stepped clock. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Forwarder } from '../../daemon/forward/forwarder.ts';
import { UdpTransport } from '../../daemon/forward/udp.ts';
import type { ConnectUdp } from '../../daemon/forward/udp-socket.ts';
import { encodeAck } from '../../protocol/ack-codec.ts';
import { decodeBatch } from '../../protocol/batch-codec.ts';
import { rangesOf } from '../../protocol/intervals.ts';
import { CentreSessions } from '../../protocol/udp/centre-sessions.ts';
import { silentLog } from '../../runtime/log.ts';
import { SeededRandom } from '../../runtime/random.ts';
import { SteppedClock } from '../../sim/clock.ts';
import { MemoryStore } from '../../sim/memory-store.ts';

const KEY = '0f'.repeat(32);
const DELAY_MS = 300;

interface SlowLinkOptions {
  readonly bytesPerSecond: number;
  /** How long the centre takes to answer a batch. */
  readonly answerMs: number;
}

/** Everything from the store to the centre, with a modem that queues without end. */
class SlowLink {
  readonly clock = new SteppedClock();
  readonly store: MemoryStore;
  readonly forwarder: Forwarder;
  /** Of batches, each record's first time. */
  usefulBytes = 0;
  repeated = 0;
  opened = 0;
  /** When each urgent record came. */
  readonly alarmsMs: number[] = [];
  readonly #seen = new Set<number>();
  readonly #bytesPerSecond: number;
  readonly #freeMs = { up: 0, down: 0 };
  #onDatagram: (datagram: Uint8Array) => void = () => undefined;

  constructor(keyFile: string, { bytesPerSecond, answerMs }: SlowLinkOptions) {
    const { clock } = this;
    this.#bytesPerSecond = bytesPerSecond;
    const random = new SeededRandom(1);
    const sessions = new CentreSessions<string>({
      keyOf: () => new Uint8Array(Buffer.from(KEY, 'hex')),
      random,
      transmit: (datagram) => this.#carry('down', datagram, (bytes) => this.#onDatagram(bytes)),
      deliver: (_, message, reply) => {
        const { batch, salt, token, records } = decodeBatch(message);
        this.#count(message.length, records);
        const stored = rangesOf(records.map(({ sequence }) => sequence));
        const ack = encodeAck({ batch, salt, token, stored });
        clock.after(answerMs, () => reply(ack, clock.monotonicMs()));
      },
    });
    const tick = (): void => {
      sessions.tick(clock.monotonicMs());
      clock.after(25, tick);
    };
    tick();
    const connect: ConnectUdp = (_, { onDatagram }) => {
      this.opened += 1;
      this.#onDatagram = onDatagram;
      const send = (datagram: Uint8Array): void =>
        this.#carry('up', datagram, (bytes) => sessions.receive(bytes, 'gateway', clock.monotonicMs()));
      return Promise.resolve({ send, close: () => undefined });
    };
    const gateway = 'plaka';
    this.store = new MemoryStore({ gateway, salt: random.bytes(16), clock });
    const centre = { host: 'centre.example', port: 20_100, keyFile };
    const transport = new UdpTransport({ gateway, centre, clock, random, log: silentLog, connect });
    this.forwarder = new Forwarder({
      name: 'centre',
      gateway,
      store: this.store,
      transport,
      clock,
      random,
      log: silentLog,
    });
  }

  async append(count: number, kind: 'sample' | 'alarm' = 'sample'): Promise<void> {
    const timestampMs = this.clock.wallMs();
    const observations = Array.from({ length: count }, (_, index) => ({
      station: 'buoy-7',
      kind,
      timestampMs: timestampMs + 977 * index,
      clock: 'synced' as const,
      metrics: { temperature: 21.5 + ((index * 7919) % 997) / 100 },
      flags: {},
    }));
    await this.store.append(observations, { urgent: kind === 'alarm' });
    this.forwarder.notify();
  }

  #count(bytes: number, records: readonly { readonly sequence: number; readonly kind: string }[]): void {
    const isNew = records.every(({ sequence }) => !this.#seen.has(sequence));
    if (isNew) this.usefulBytes += bytes;
    else this.repeated += 1;
    for (const { sequence, kind } of records) {
      if (kind === 'alarm' && !this.#seen.has(sequence)) this.alarmsMs.push(this.clock.monotonicMs());
      this.#seen.add(sequence);
    }
  }

  #carry(way: 'up' | 'down', datagram: Uint8Array, deliver: (datagram: Uint8Array) => void): void {
    const nowMs = this.clock.monotonicMs();
    this.#freeMs[way] = Math.max(nowMs, this.#freeMs[way]) + (1000 * datagram.length) / this.#bytesPerSecond;
    this.clock.after(this.#freeMs[way] - nowMs + DELAY_MS, () => deliver(Uint8Array.from(datagram)));
  }
}

let folder: string;
let link: SlowLink;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mooring-slow-'));
  writeFileSync(join(folder, 'key'), KEY, { mode: 0o600 });
});
afterEach(async () => {
  const stopping = link.forwarder.stop();
  await link.clock.advance(3000);
  await stopping;
  rmSync(folder, { recursive: true, force: true });
});

/** A backlog, more of it each second, and both lanes with as much to send as they may. */
async function busy(options: SlowLinkOptions): Promise<SlowLink> {
  link = new SlowLink(join(folder, 'key'), options);
  await link.append(40_000);
  await link.clock.advance(61_000);
  link.forwarder.start();
  await link.append(20_000);
  // The key file is read by no clock.
  while (link.opened === 0) await link.clock.advance(10);
  return link;
}

describe('over a modem of 1,200 bytes a second', () => {
  it.each([0, 5000])(
    'a backlog fills four fifths of the link, and nothing goes twice, where the centre takes %i ms to answer',
    async (answerMs) => {
      const { clock } = await busy({ bytesPerSecond: 1200, answerMs });
      await clock.advance(180_000);
      expect(link.usefulBytes).toBeGreaterThan(0.8 * 180 * 1200);
      expect([link.repeated, link.opened]).toEqual([0, 1]);
    },
  );

  it('an alarm overtakes what waits to be sent', async () => {
    const { clock } = await busy({ bytesPerSecond: 1200, answerMs: 0 });
    await clock.advance(60_000);
    const sinceMs = clock.monotonicMs();
    await link.append(1, 'alarm');
    await clock.advance(30_000);
    expect(link.alarmsMs).toHaveLength(1);
    expect((link.alarmsMs[0] ?? 0) - sinceMs).toBeLessThan(6000);
  });
});
