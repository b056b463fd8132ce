import { describe, expect, it } from 'vitest';
import { HandEnds, HandGateway, type Sent } from '../../test/protocol/udp-by-hand.ts';
import { DATAGRAM_BYTES_MAX, type DatagramHeader, peekDatagram } from './datagram.ts';
import { type Challenge, decodeFrame, encodeFrame, type Frame } from './frames.ts';
import { seal, sealKey, unseal } from './seal.ts';

describe('the handshake', () => {
  it('is a hello, a challenge, its echo, and its acceptance, none larger than what it answers', () => {
    const ends = new HandEnds();
    const gateway = ends.gateway('plaka');
    gateway.session.open(0);
    const sizes: number[] = [];
    for (let step = 0; step < 2; step += 1) {
      const up = gateway.up.shift() as Uint8Array;
      ends.centre.receive(up, gateway.address, step);
      const { datagram } = ends.down.shift() as Sent;
      sizes.push(up.length, datagram.length);
      expect(gateway.session.isUp).toBe(false);
      gateway.session.receive(datagram, step);
    }
    expect(new Set(sizes).size).toBe(1);
    expect(gateway.session.isUp).toBe(true);
    expect(gateway.ups).toBe(1);
    expect(ends.centre.counters).toMatchObject({ challenged: 1, opened: 1 });
    expect(ends.centre.lastHeardMs('plaka')).toBe(1);
  });

  it('is asked for again with longer and longer waits, until the centre answers', () => {
    const ends = new HandEnds();
    const gateway = ends.gateway('plaka');
    gateway.session.open(0);
    const atMs: number[] = [];
    for (let count = 0; count < 6; count += 1) {
      const dueMs = gateway.session.nextDueMs();
      gateway.session.tick(dueMs);
      atMs.push(dueMs);
    }
    expect(atMs).toEqual([250, 750, 1750, 3750, 7750, 11_750]);
    expect(gateway.up).toHaveLength(7);
  });

  it('admits nothing before the echo: data of a process that never answered a challenge is not delivered', () => {
    const ends = new HandEnds();
    const gateway = ends.gateway('plaka').openedAt(0);
    gateway.say('recorded', 0);
    const recorded = gateway.up.slice();
    gateway.exchange(0);
    ends.newCentre();
    ends.delivered.length = 0;
    for (let time = 0; time < 5; time += 1) for (const datagram of recorded) ends.centre.receive(datagram, 'x', time);
    expect(ends.delivered).toEqual([]);
    expect(ends.centre.size).toBe(0);
    // One challenge, not five: they are limited for each process.
    expect(ends.down.length + ends.centre.counters.unchallenged).toBe(5);
    expect(ends.down.length).toBeLessThanOrEqual(1);
  });

  it('takes an echo once: a recording of it admits nothing later', () => {
    const ends = new HandEnds();
    const gateway = ends.gateway('plaka');
    gateway.session.open(0);
    const recorded: Uint8Array[] = [];
    for (let step = 0; step < 3; step += 1) {
      for (const datagram of gateway.up.splice(0)) {
        recorded.push(datagram);
        ends.centre.receive(datagram, gateway.address, 0);
      }
      for (const { datagram } of ends.down.splice(0)) gateway.session.receive(datagram, 0);
    }
    expect(ends.centre.size).toBe(1);
    // As many other processes of this gateway as push the session out.
    for (let process = 0; process < 4; process += 1) ends.gateway('plaka').openedAt(1000 * (process + 1));
    expect(ends.centre.counters.dropped).toBe(1);
    const { opened } = ends.centre.counters;
    for (const datagram of recorded) ends.centre.receive(datagram, 'x', 10_000);
    expect(ends.centre.counters.opened).toBe(opened);
    for (const { datagram } of ends.down.splice(0))
      expect(datagram.length).toBeLessThanOrEqual(recorded[0]?.length ?? 0);
  });

  it('is gone through again, and nothing is lost, where the centre has lost the session', () => {
    const ends = new HandEnds();
    const gateway = ends.gateway('plaka').openedAt(0);
    ends.newCentre();
    const numbers = ['one '.repeat(10), 'two '.repeat(10)].map((text) => gateway.say(text, 100));
    gateway.exchange(100);
    for (let left = 20; left > 0 && gateway.taken.length < 2; left -= 1) {
      const nowMs = Math.min(gateway.session.nextDueMs(), ends.centre.nextDueMs());
      gateway.session.tick(nowMs);
      ends.centre.tick(nowMs);
      gateway.exchange(nowMs);
    }
    expect(gateway.taken.toSorted()).toEqual(numbers);
    expect(ends.delivered).toHaveLength(2);
    expect(gateway.ups).toBe(1);
    expect(gateway.session.isUp).toBe(true);
  });

  it('is not gone through again for a challenge of a repeated hello that only comes late', () => {
    const ends = new HandEnds(11);
    const gateway = ends.gateway('plaka');
    gateway.session.open(0);
    gateway.session.tick(250);
    for (const [index, hello] of gateway.up.splice(0).entries()) {
      ends.centre.receive(hello, gateway.address, 1000 * index);
    }
    const [first, late] = ends.down.splice(0).map(({ datagram }) => datagram);
    gateway.session.receive(first as Uint8Array, 1100);
    gateway.exchange(1200);
    expect(gateway.session.isUp).toBe(true);
    const { challenges } = gateway.session.counters;
    gateway.session.receive(late as Uint8Array, 1300);
    expect(gateway.session.counters).toMatchObject({ challenges, stale: 1 });
    expect(gateway.up).toEqual([]);
  });

  it('may be started over: what is not taken yet is kept, and nothing comes twice', () => {
    const ends = new HandEnds();
    const gateway = ends.gateway('plaka').openedAt(0);
    gateway.say('lost on the way', 0);
    gateway.say('its receipt is lost', 0);
    ends.centre.receive(gateway.up[1] as Uint8Array, gateway.address, 0);
    gateway.up.length = 0;
    ends.down.length = 0;
    gateway.session.open(500);
    expect(gateway.session.canSend).toBe(false);
    gateway.exchange(500);
    expect(gateway.ups).toBe(2);
    gateway.exchange(500);
    ends.centre.tick(600);
    gateway.exchange(600);
    expect(ends.delivered.toSorted()).toEqual(['plaka: its receipt is lost', 'plaka: lost on the way']);
    expect(gateway.taken.toSorted()).toEqual([1, 2]);
  });
});

describe('what is refused', () => {
  it('by the centre is counted by kind, and nobody is answered', () => {
    const ends = new HandEnds();
    const gateway = ends.gateway('plaka').openedAt(0);
    gateway.say('once', 0);
    const [datagram] = gateway.up.splice(0) as [Uint8Array];
    const stranger = new HandGateway(ends, 'stranger', ends.random.bytes(32));
    stranger.session.open(0);
    const impostor = new HandGateway(ends, 'plaka', ends.random.bytes(32));
    impostor.session.open(0);
    const flipped = Uint8Array.from(datagram);
    flipped[40] = (flipped[40] as number) ^ 1;
    const reply = seal(
      sealKey(ends.random.bytes(32), { direction: 'down', gateway: 'plaka', salt: new Uint8Array(16) }),
      { direction: 'down', gateway: 'plaka', salt: new Uint8Array(16), counter: 1 },
      encodeFrame({ kind: 'hello' }),
      new Uint8Array(16),
    );
    ends.centre.receive(flipped, 'attacker', 0);
    ends.centre.receive(datagram, gateway.address, 0);
    const answers = ends.down.length;
    for (const bad of [datagram, reply, ...stranger.up, ...impostor.up, new Uint8Array(100)]) {
      ends.centre.receive(bad, 'attacker', 0);
    }
    expect(ends.down).toHaveLength(answers);
    expect(ends.delivered).toEqual(['plaka: once']);
    expect(ends.centre.size).toBe(1);
    const counters = ends.centre.counters;
    expect(counters).toMatchObject({ replayed: 1, forged: 2, reflected: 1, unknownGateway: 1, garbage: 1 });
  });

  it("by the gateway is counted by kind: its own datagrams, another gateway's, and those for its earlier process", () => {
    const ends = new HandEnds();
    const before = ends.gateway('plaka').openedAt(0);
    before.say('a question', 0);
    for (const datagram of before.up.splice(0)) ends.centre.receive(datagram, before.address, 0);
    ends.down.length = 0;
    const other = ends.gateway('palma');
    other.session.open(0);
    for (const datagram of other.up.splice(0)) ends.centre.receive(datagram, 'palma:1', 0);
    const foreign = ends.down.splice(0);

    const gateway = ends.gateway('plaka').openedAt(1000);
    ends.replies[0]?.(Buffer.from('for the process before'), 1000);
    const old = ends.down.splice(0);
    expect(old.map(({ address }) => address)).toEqual([gateway.address]);
    for (const { datagram } of [...old, ...foreign]) gateway.session.receive(datagram, 1000);
    gateway.say('mine', 1000);
    for (const datagram of gateway.up.splice(0)) gateway.session.receive(datagram, 1000);
    gateway.session.receive(new Uint8Array(9), 1000);
    expect(gateway.delivered).toEqual([]);
    const { counters } = gateway.session;
    expect(counters).toMatchObject({ forged: old.length, foreign: foreign.length, reflected: 1, garbage: 1 });
    expect(gateway.up).toEqual([]);
  });

  it('a recorded challenge is not echoed, whether it comes twice or was held back', () => {
    const ends = new HandEnds();
    const gateway = ends.gateway('plaka');
    gateway.session.open(0);
    ends.centre.receive(gateway.up.shift() as Uint8Array, gateway.address, 0);
    const recorded = ends.down.splice(0) as [Sent];
    // Held back: this centre ends, and the gateway speaks with the next one.
    ends.newCentre();
    gateway.session.tick(250);
    gateway.exchange(250);
    expect(gateway.session.isUp).toBe(true);
    const { sent } = gateway.session.counters;
    gateway.session.receive(recorded[0].datagram, 300);
    expect(gateway.session.counters).toMatchObject({ sent, stale: 1 });
  });
});

describe('sessions of the centre', () => {
  it('answer to where the newest authentic datagram came from, and not to where a recording did', () => {
    const ends = new HandEnds();
    const gateway = ends.gateway('plaka').openedAt(0);
    gateway.say('first', 0);
    gateway.say('second', 0);
    const [first, second] = gateway.up.splice(0) as [Uint8Array, Uint8Array];
    ends.centre.receive(second, 'plaka:2', 1);
    ends.centre.receive(first, 'plaka:1', 1);
    ends.centre.receive(second, 'attacker', 1);
    ends.down.length = 0;
    ends.replies[0]?.(Buffer.from('an answer'), 1);
    expect(ends.down.map(({ address }) => address)).toEqual(['plaka:2']);
  });

  it('end with the key that they were opened with', () => {
    const ends = new HandEnds();
    const gateway = ends.gateway('plaka').openedAt(0);
    ends.keys.set('plaka', ends.random.bytes(32));
    gateway.say('with the old key', 0);
    gateway.exchange(0);
    expect(ends.delivered).toEqual([]);
    expect(ends.centre.size).toBe(0);
    expect(ends.centre.counters).toMatchObject({ forged: 1, dropped: 1 });
    ends.gateway('plaka').openedAt(10);
    ends.keys.delete('plaka');
    ends.centre.receive(gateway.up[0] ?? new Uint8Array(DATAGRAM_BYTES_MAX), 'x', 20);
    gateway.say('nobody knows it', 20);
    gateway.exchange(20);
    expect(ends.centre.size).toBe(0);
    expect(ends.centre.counters.unknownGateway).toBeGreaterThan(0);
  });

  it('are bounded, in all and for each gateway: the one that was silent for the longest goes', () => {
    const ends = new HandEnds(1, 5);
    const first = ends.gateway('gateway-0').openedAt(0);
    for (let index = 1; index < 5; index += 1) ends.gateway(`gateway-${index}`).openedAt(index);
    first.say('still here', 10);
    first.exchange(10);
    ends.gateway('gateway-5').openedAt(11);
    expect(ends.centre.size).toBe(5);
    expect(ends.centre.lastHeardMs('gateway-0')).toBe(10);
    expect(ends.centre.lastHeardMs('gateway-1')).toBeUndefined();
    for (let process = 0; process < 10; process += 1) ends.gateway('gateway-5').openedAt(1000 * (process + 1));
    expect(ends.centre.size).toBe(5);
    expect(ends.centre.lastHeardMs('gateway-0')).toBe(10);
  });

  it('use no counter and no number twice after they were dropped and opened again', () => {
    const ends = new HandEnds(1, 1);
    const gateway = ends.gateway('plaka').openedAt(0);
    const other = ends.gateway('palma');
    const nonces = new Set<string>();
    let replied = 0;
    for (let round = 1; round <= 20; round += 1) {
      const nowMs = round * 10_000;
      gateway.say(`a question of some length, number ${round}`, nowMs);
      gateway.exchange(nowMs);
      for (let left = 20; left > 0 && gateway.session.pending > 0; left -= 1) {
        const dueMs = gateway.session.nextDueMs();
        gateway.session.tick(dueMs);
        gateway.exchange(dueMs);
      }
      if (ends.replies.at(-1)?.(Buffer.from(`answer ${round}`), nowMs)) replied += 1;
      for (const { datagram } of ends.down) {
        const nonce = Buffer.from(datagram.subarray(0, 5 + 5 + 16 + 8)).toString('hex');
        expect(nonces.has(nonce)).toBe(false);
        nonces.add(nonce);
      }
      gateway.exchange(nowMs);
      other.session.open(nowMs + 5000);
      other.exchange(nowMs + 5000);
    }
    expect(ends.delivered).toHaveLength(20);
    expect(replied).toBe(20);
    expect(gateway.delivered).toHaveLength(20);
  });

  it('challenge a flood of recordings at a bounded rate', () => {
    const ends = new HandEnds();
    const recordings: Uint8Array[] = [];
    for (let process = 0; process < 300; process += 1) {
      const gateway = ends.gateway('plaka');
      gateway.session.open(0);
      recordings.push(...gateway.up);
    }
    for (let second = 0; second < 10; second += 1) {
      for (const datagram of recordings) ends.centre.receive(datagram, 'victim', second * 1000);
    }
    expect(ends.centre.counters.challenged).toBeLessThanOrEqual(64 + 9 * 32);
    expect(ends.centre.counters.challenged).toBeGreaterThan(64);
    expect(ends.centre.size).toBe(0);
  });
});

describe('a reply', () => {
  it('is refused where the gateway is gone, where it is too long, and where too many wait', () => {
    const ends = new HandEnds(1, 1);
    const gateway = ends.gateway('plaka').openedAt(0);
    gateway.say('a question', 0);
    gateway.exchange(0);
    const [reply] = ends.replies as [(message: Uint8Array, nowMs: number) => boolean];
    expect(reply(new Uint8Array(DATAGRAM_BYTES_MAX), 0)).toBe(false);
    let taken = 0;
    while (taken < 5000 && reply(Buffer.from('again'), 0)) taken += 1;
    expect(taken).toBe(1024);
    ends.gateway('palma').openedAt(0);
    expect(reply(Buffer.from('too late'), 0)).toBe(false);
    expect(ends.centre.counters.repliesLost).toBe(3 + 1024);
  });

  it('is given up after a minute, and then nothing is due any more', () => {
    const ends = new HandEnds();
    const gateway = ends.gateway('plaka').openedAt(0);
    gateway.say('a question', 0);
    gateway.exchange(0);
    ends.replies[0]?.(Buffer.from('nobody hears it'), 0);
    let ticks = 0;
    for (let dueMs = ends.centre.nextDueMs(); dueMs < Number.POSITIVE_INFINITY; dueMs = ends.centre.nextDueMs()) {
      ends.centre.tick(dueMs);
      ticks += 1;
      expect(dueMs).toBeLessThanOrEqual(60_000);
    }
    expect(ticks).toBeLessThan(30);
    expect(ends.down.length).toBeLessThan(20);
    expect(ends.centre.counters.repliesLost).toBe(1);
  });
});

describe('hostile datagrams', () => {
  it('of any bytes crash neither end, deliver nothing, and grow nothing', () => {
    const ends = new HandEnds(9);
    const { random } = ends;
    const gateway = ends.gateway('plaka').openedAt(0);
    gateway.say('a genuine message', 0);
    const genuine = gateway.up.slice();
    gateway.exchange(0);
    const before = ends.delivered.length;
    for (let count = 0; count < 20_000; count += 1) {
      const kind = random.integer(3);
      let bytes = random.bytes(random.integer(1300));
      if (kind > 0) {
        bytes = Uint8Array.from(genuine[random.integer(genuine.length)] as Uint8Array);
        for (let times = random.integer(4) + 1; times > 0; times -= 1)
          bytes[random.integer(bytes.length)] = random.integer(256);
        if (kind > 1) bytes = bytes.subarray(0, random.integer(bytes.length + 1));
      }
      if (random.integer(4) === 0 && bytes.length > 3) bytes[3] = 1;
      ends.centre.receive(bytes, 'attacker', count);
      gateway.session.receive(bytes, count);
    }
    expect(ends.delivered).toHaveLength(before);
    expect(gateway.delivered).toEqual([]);
    expect(ends.centre.size).toBe(1);
    expect(ends.down.filter(({ address }) => address === 'attacker')).toEqual([]);
  });

  it('of somebody who has the key, with numbers that no receipt can say, do not end the centre', () => {
    const ends = new HandEnds(10);
    const { random, centre } = ends;
    const sharedKey = random.bytes(32);
    ends.keys.set('plaka', sharedKey);
    const salt = random.bytes(16);
    const key = sealKey(sharedKey, { direction: 'up', gateway: 'plaka', salt });
    let counter = 0;
    const say = (frame: Frame): void => {
      counter += 1;
      const header = { direction: 'up', gateway: 'plaka', salt, counter } as const;
      centre.receive(seal(key, header, encodeFrame(frame)), 'thief', 0);
    };
    say({ kind: 'hello' });
    const challenged = ends.down[0]?.datagram as Uint8Array;
    const header = peekDatagram(challenged) as DatagramHeader;
    const plain = unseal(sealKey(sharedKey, header), header, challenged, salt) as Uint8Array;
    const challenge = decodeFrame(plain, 'down');
    for (const lowest of [2 ** 48, 2 ** 53 - 1, 2 ** 48 - 1]) {
      say({ kind: 'echo', nonce: (challenge as Challenge).nonce, lowest });
      say({ kind: 'carriage', message: { number: 5, back: 0, bytes: random.bytes(20) } });
      say({ kind: 'carriage', message: { number: 2 ** 48 - 2, back: 0, bytes: random.bytes(20) } });
      centre.tick(1000);
    }
    expect([centre.size, centre.counters.garbage]).toEqual([1, 2]);
  });
});
