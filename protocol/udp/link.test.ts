/** Both ends of the UDP link over a way that loses, doubles, reorders and damages, with whoever listens sending it again. */
import { describe, expect, it } from 'vitest';
import { numbered, numberIn, UdpEnds } from '../../test/protocol/udp-ends.ts';
import type { GatewaySession } from './gateway-session.ts';

const BAD = { loss: 0.3, jitterMs: 60, duplication: 0.1, corruption: 0.02 };

/** How often each message came, by gateway and centre life. */
class Tally {
  readonly counts = new Map<string, number>();
  life = 1;

  add(gateway: string, message: Uint8Array): void {
    const name = `${gateway} ${numberIn(message)} in life ${this.life}`;
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
  }

  /** Messages of a gateway that came in any life. */
  of(gateway: string): Set<number> {
    const names = [...this.counts.keys()].filter((name) => name.startsWith(`${gateway} `));
    return new Set(names.map((name) => Number(name.split(' ')[1])));
  }

  get most(): number {
    return Math.max(...this.counts.values());
  }
}

/** Sends whatever may be sent, up to `count` messages, as often as `feed` is called. */
function feeder(session: () => GatewaySession, count: number, nowMs: () => number, length = 40): () => void {
  let sent = 0;
  return () => {
    while (sent < count && session().canSend) {
      session().send(numbered(sent, length), nowMs());
      sent += 1;
    }
  };
}

describe('the UDP link', () => {
  it.each([1, 2, 3, 4, 5])(
    'delivers every message once, and every reply that was taken, on a bad way (seed %i)',
    (seed) => {
      const tally = new Tally();
      const replies = new Tally();
      let repliesTaken = 0;
      const ends: UdpEnds = new UdpEnds(seed, BAD, (gateway, message, reply) => {
        tally.add(gateway, message);
        ends.world.after(30, () => {
          if (reply(message, ends.nowMs)) repliesTaken += 1;
        });
      });
      const taken = new Set<number>();
      const feed = feeder(
        () => session,
        3000,
        () => ends.nowMs,
      );
      const session: GatewaySession = ends.addGateway('plaka', {
        deliver: (message) => replies.add('plaka', message),
        onUp: () => feed(),
        onTaken: (number) => {
          expect(taken.has(number)).toBe(false);
          taken.add(number);
          feed();
        },
      });
      expect(ends.world.run(120_000, () => taken.size === 3000)).toBe(true);
      expect(tally.of('plaka').size).toBe(3000);
      expect(tally.most).toBe(1);
      expect(replies.most).toBe(1);
      expect(ends.centre.counters).toMatchObject({
        delivered: 3000,
        opened: 1,
      });
      expect(session.pending).toBe(0);
      ends.world.run(70_000);
      expect(replies.counts.size).toBe(repliesTaken);
      expect(repliesTaken).toBeGreaterThan(1500);
      expect(Math.min(session.nextDueMs(), ends.centre.nextDueMs())).toBe(Number.POSITIVE_INFINITY);
    },
  );

  it.each([11, 12, 13])(
    'delivers at least once over restarts of the centre, and once in each life (seed %i)',
    (seed) => {
      const tally = new Tally();
      const ends: UdpEnds = new UdpEnds(seed, BAD, (gateway, message) => tally.add(gateway, message));
      const taken = new Set<number>();
      const feed = feeder(
        () => session,
        4000,
        () => ends.nowMs,
      );
      const session: GatewaySession = ends.addGateway('plaka', {
        onUp: () => feed(),
        onTaken: (number) => {
          taken.add(number);
          feed();
        },
      });
      for (let life = 1; life <= 4; life += 1) {
        expect(ends.world.run(60_000, () => taken.size > life * 700)).toBe(true);
        ends.restartCentre();
        tally.life += 1;
      }
      expect(ends.world.run(120_000, () => taken.size === 4000)).toBe(true);
      expect(tally.of('plaka').size).toBe(4000);
      expect(tally.most).toBe(1);
      expect(session.counters.challenges).toBeGreaterThanOrEqual(5);
    },
  );

  it('goes on with two gateways at once while recordings, reflections and foreign salts are thrown at both ends', () => {
    const tally = new Tally();
    const replies = new Tally();
    const ends: UdpEnds = new UdpEnds(21, BAD, (gateway, message, reply) => {
      tally.add(gateway, message);
      reply(message, ends.nowMs);
    });
    const taken = new Map<string, number>();
    // Recordings of earlier processes of the same gateways, with the same keys.
    for (const gateway of ['plaka', 'palma']) {
      const feed = feeder(
        () => old,
        200,
        () => ends.nowMs,
      );
      const old: GatewaySession = ends.addGateway(gateway, { onUp: () => feed(), onTaken: () => feed() });
    }
    ends.world.run(5000);
    tally.counts.clear();
    const recordedBefore = ends.tap.up.length;
    ends.restartCentre();
    for (const gateway of ['plaka', 'palma']) {
      const feed = feeder(
        () => session,
        2000,
        () => ends.nowMs,
      );
      const session: GatewaySession = ends.addGateway(gateway, {
        deliver: (message) => replies.add(gateway, message),
        onUp: () => feed(),
        onTaken: () => {
          taken.set(gateway, (taken.get(gateway) ?? 0) + 1);
          feed();
        },
      });
    }
    const attack = (): void => {
      const { random, tap, centre, gateways, nowMs } = ends;
      const up = tap.up[random.integer(tap.up.length)] as Uint8Array;
      const down = tap.down[random.integer(tap.down.length)] as Uint8Array;
      for (const datagram of [up, down]) {
        centre.receive(datagram, 'attacker', nowMs);
        for (const session of gateways.values()) session.receive(datagram, nowMs);
      }
      // Another gateway's salt under this one's name, and a counter that was not there.
      const forged = Uint8Array.from(up);
      forged.set(Buffer.from(random.integer(2) === 0 ? 'plaka' : 'palma'), 5);
      if (random.integer(2) === 0) forged[5 + 5 + 16 + 7] = random.integer(256);
      if (Buffer.compare(forged, up) !== 0) centre.receive(forged, 'attacker', nowMs);
      ends.world.after(2, attack);
    };
    attack();
    const isDone = (): boolean => taken.get('plaka') === 2000 && taken.get('palma') === 2000;
    expect(ends.world.run(120_000, isDone)).toBe(true);
    ends.world.run(2000);
    for (const gateway of ['plaka', 'palma']) expect(tally.of(gateway).size).toBe(2000);
    expect(tally.most).toBe(1);
    expect(replies.most).toBe(1);
    const { opened, replayed, reflected, forged, challenged } = ends.centre.counters;
    expect(opened).toBe(2);
    expect(recordedBefore).toBeGreaterThan(250);
    for (const count of [replayed, reflected, forged, challenged]) expect(count).toBeGreaterThan(10);
  });

  it('goes on through a balancer that moves the gateway between two copies of the centre', () => {
    const tally = new Tally();
    const ends: UdpEnds = new UdpEnds(31, { ...BAD, corruption: 0 }, (gateway, message) => tally.add(gateway, message));
    const taken = new Set<number>();
    const feed = feeder(
      () => session,
      2000,
      () => ends.nowMs,
    );
    const session: GatewaySession = ends.addGateway('plaka', {
      onUp: () => feed(),
      onTaken: (number) => {
        taken.add(number);
        feed();
      },
    });
    const first = ends.centre;
    ends.restartCentre();
    const second = ends.centre;
    ends.world.add(first);
    const move = (): void => {
      ends.centre = ends.centre === first ? second : first;
      ends.world.after(1500, move);
    };
    move();
    expect(ends.world.run(120_000, () => taken.size === 2000)).toBe(true);
    expect(tally.of('plaka').size).toBe(2000);
    // Either copy delivers a message once.
    expect(tally.most).toBeLessThanOrEqual(2);
    expect(first.counters.opened + second.counters.opened).toBe(2);
  });

  it('keeps at least 60 % of its pace under 30 % loss where the way is the bound, and 40 % where nothing is', () => {
    const pace = (quality: object): number => {
      let delivered = 0;
      const ends: UdpEnds = new UdpEnds(41, { ...quality, delayMs: 50 }, () => {
        delivered += 1;
      });
      const feed = feeder(
        () => session,
        Number.POSITIVE_INFINITY,
        () => ends.nowMs,
        1000,
      );
      const session: GatewaySession = ends.addGateway('plaka', { onUp: () => feed(), onTaken: () => feed() });
      ends.world.run(2000);
      const before = delivered;
      ends.world.run(2000);
      return (delivered - before) / 2;
    };
    const bounded = { bytesPerSecond: 120_000 };
    expect(pace({ ...bounded, loss: 0.3 }) / pace(bounded)).toBeGreaterThan(0.6);
    expect(pace({ loss: 0.3 }) / pace({})).toBeGreaterThan(0.4);
  });

  it('does not fill the queue of a slow modem', () => {
    const ends: UdpEnds = new UdpEnds(51, { delayMs: 250, bytesPerSecond: 5000 }, () => undefined);
    const feed = feeder(
      () => session,
      Number.POSITIVE_INFINITY,
      () => ends.nowMs,
      1000,
    );
    const session: GatewaySession = ends.addGateway('plaka', { onUp: () => feed(), onTaken: () => feed() });
    ends.world.run(60_000);
    expect(session.roundTripMs).toBeLessThan(2000);
    expect(ends.centre.counters.delivered * 1000).toBeGreaterThan(0.8 * 60 * 5000);
  });
});
