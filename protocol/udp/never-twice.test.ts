/** No counter under one key, and no number of a message, is ever used twice, whatever the centre forgets. */
import { describe, expect, it } from 'vitest';
import { HandEnds } from '../../test/protocol/udp-by-hand.ts';
import { headerBytes } from './datagram.ts';

describe('the centre', () => {
  it('uses no counter twice where a key goes and comes back', () => {
    const ends = new HandEnds();
    const sharedKey = ends.random.bytes(32);
    const headers = new Set<string>();
    let seen = 0;
    for (let round = 0; round < 5; round += 1) {
      ends.keys.set('plaka', sharedKey);
      const gateway = ends.gateway('plaka');
      gateway.session.open(round);
      for (let step = 0; step < 2; step += 1) {
        for (const datagram of gateway.up.splice(0)) ends.centre.receive(datagram, gateway.address, round);
        for (const { datagram } of ends.down.splice(0)) {
          headers.add(Buffer.from(datagram.subarray(0, headerBytes('plaka'))).toString('hex'));
          seen += 1;
          gateway.session.receive(datagram, round);
        }
      }
      expect(gateway.session.isUp).toBe(true);
      ends.keys.delete('plaka');
      gateway.say('it is refused, and the session ends', round);
      gateway.exchange(round);
      expect(ends.centre.size).toBe(0);
    }
    expect(seen).toBe(10);
    expect(headers.size).toBe(10);
  });

  it('gives new numbers to replies after many were given up unsent, and the session was lost', () => {
    const ends = new HandEnds(1, 1);
    const gateway = ends.gateway('plaka').openedAt(0);
    gateway.say('a question', 0);
    gateway.exchange(0);
    const [reply] = ends.replies as [(typeof ends.replies)[number]];
    for (let count = 0; count < 500; count += 1) expect(reply(Buffer.from('lost on the way'), 0)).toBe(true);
    ends.centre.tick(60_000);
    ends.down.length = 0;
    expect(reply(Buffer.from('before'), 60_000)).toBe(true);
    ends.centre.tick(ends.centre.nextDueMs());
    gateway.exchange(60_000);
    expect(gateway.delivered).toEqual(['before']);
    ends.gateway('palma').openedAt(61_000);
    gateway.session.open(62_000);
    gateway.exchange(62_000);
    expect(reply(Buffer.from('after'), 63_000)).toBe(true);
    gateway.exchange(63_000);
    expect(gateway.delivered).toEqual(['before', 'after']);
  });

  it('challenges nothing that is shorter than its answer', () => {
    const ends = new HandEnds();
    const gateway = ends.gateway('plaka').openedAt(0);
    ends.newCentre();
    gateway.say('short', 0);
    const [short] = gateway.up as [Uint8Array];
    gateway.exchange(0);
    expect(ends.centre.counters).toMatchObject({ challenged: 0, unchallenged: 1, sent: 0 });
    gateway.say('so long that it may be answered', 0);
    for (const datagram of gateway.up.splice(0)) ends.centre.receive(datagram, gateway.address, 10);
    expect(ends.centre.counters).toMatchObject({ challenged: 1 });
    expect(ends.down[0]?.datagram.length).toBeGreaterThan(short.length);
  });
});
