/** Whatever a way does to the link, the link goes on soon after the way is good again: no sequence of losses stalls it. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { CLEAN_WAY, type WayQuality } from '../../test/protocol/datagram-link.ts';
import { numbered, UdpEnds } from '../../test/protocol/udp-ends.ts';

/** So many messages wait to be taken, as many as a gateway's two lanes let wait. */
const PENDING = 64;
/** The longest time-out, and as long again for a window that has become small. */
const SOON_MS = 25_000;
/** Slow enough that a test of many phases does not take long itself. */
const CLEAN = { ...CLEAN_WAY, bytesPerSecond: 30_000 };

/** A link that always has something to send, each way. */
class BusyLink {
  readonly ends: UdpEnds;
  readonly #gateway;
  taken = 0;
  replies = 0;

  constructor(seed: number) {
    this.ends = new UdpEnds(seed, CLEAN, (_, message, reply) => void reply(message, this.ends.nowMs));
    this.#gateway = this.ends.addGateway('plaka', {
      deliver: () => {
        this.replies += 1;
      },
      onUp: () => this.#feed(),
      onTaken: () => {
        this.taken += 1;
        this.#feed();
      },
    });
  }

  get counters() {
    return this.#gateway.counters;
  }

  reopen(): void {
    this.#gateway.open(this.ends.nowMs);
  }

  /** The process stands still: what comes waits, and no timer runs. */
  stall(durationMs: number): void {
    const { world, gateways } = this.ends;
    const waiting: Uint8Array[] = [];
    world.remove(this.#gateway);
    gateways.set('plaka', { receive: (datagram: Uint8Array) => waiting.push(datagram) } as never);
    world.run(durationMs);
    gateways.set('plaka', this.#gateway);
    for (const datagram of waiting) this.#gateway.receive(datagram, world.nowMs);
    world.add(this.#gateway);
  }

  #feed(): void {
    while (this.#gateway.canSend && this.#gateway.pending < PENDING) {
      this.#gateway.send(numbered(this.taken, 900), this.ends.nowMs);
    }
  }
}

interface Phase {
  readonly what: 'bad' | 'restart' | 'reopen' | 'stall';
  readonly durationMs: number;
  readonly quality: WayQuality;
}

const quality = fc.record({
  delayMs: fc.constantFrom(1, 30, 350, 2000),
  jitterMs: fc.constantFrom(0, 40, 1500),
  loss: fc.constantFrom(0, 0.3, 0.5, 0.9, 1),
  duplication: fc.constantFrom(0, 0.3),
  corruption: fc.constantFrom(0, 0.1),
  bytesPerSecond: fc.constant(30_000),
});
const phase: fc.Arbitrary<Phase> = fc.record({
  what: fc.constantFrom('bad', 'bad', 'bad', 'restart', 'reopen', 'stall'),
  durationMs: fc.constantFrom(50, 700, 3000, 12_000, 25_000),
  quality,
});

it('goes on within 25 s once the way is good again, whatever it has been through', () => {
  fc.assert(
    fc.property(fc.integer(), fc.array(phase, { minLength: 1, maxLength: 4 }), (seed, phases) => {
      const link = new BusyLink(seed);
      const { world } = link.ends;
      world.run(1500);
      for (const { what, durationMs, quality } of phases) {
        world.quality = quality;
        if (what === 'restart') link.ends.restartCentre();
        if (what === 'reopen') link.reopen();
        if (what === 'stall') link.stall(durationMs);
        else world.run(durationMs);
      }
      world.quality = CLEAN;
      const { taken, replies } = link;
      expect(world.run(SOON_MS, () => link.taken > taken + 20 && link.replies > replies + 20)).toBe(true);
    }),
    { numRuns: 30, endOnFailure: true },
  );
});

it.each([2000, 60_000])('goes on after %i ms in which everything that filled its window was lost', (durationMs) => {
  const link = new BusyLink(1);
  const { world } = link.ends;
  world.run(3000);
  world.quality = { ...CLEAN, loss: 1 };
  world.run(durationMs);
  world.quality = CLEAN;
  const { taken } = link;
  expect(world.run(SOON_MS, () => link.taken > taken + 200)).toBe(true);
});

it('keeps its pace where trips become longer than it was patient for', () => {
  const link = new BusyLink(1);
  const { world } = link.ends;
  world.quality = { ...CLEAN, delayMs: 30 };
  world.run(3000);
  world.quality = { ...CLEAN, loss: 1 };
  world.run(5000);
  world.quality = { ...CLEAN, delayMs: 60 };
  world.run(20_000);
  const { taken } = link;
  const { retransmitted } = link.counters;
  world.run(10_000);
  expect(link.taken - taken).toBeGreaterThan(200);
  expect(link.counters.retransmitted - retransmitted).toBeLessThan(20);
});

it('goes on at once after an hour in which the process stood still', () => {
  const link = new BusyLink(1);
  const { world } = link.ends;
  world.run(3000);
  link.stall(3_600_000);
  const { taken } = link;
  expect(world.run(5000, () => link.taken > taken + 100)).toBe(true);
});
