/** A gateway's transport and the centre's ingest, with everything between them as bad and as hostile as UDP can be. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decodeAck } from '../../protocol/ack-codec.ts';
import { recordIdOf } from '../../protocol/ids.ts';
import { SeededRandom } from '../../runtime/random.ts';
import { saltOf } from '../batches.ts';
import { LogLines } from '../log-lines.ts';
import { eventually } from '../processes.ts';
import { type UdpGateway, UdpSite } from '../udp-site.ts';

const SOON_MS = 20_000;
/** Of a datagram's header (docs/protocol.md, "Datagrams"). */
const NAME_LENGTH_AT = 4;
const COUNTER_AFTER_NAME = 21;
const BAD = { loss: 0.3, duplication: 0.2, delayMs: 3, jitterMs: 25 };

let site: UdpSite;
let log: LogLines;
beforeEach(() => {
  log = new LogLines();
  site = new UdpSite(log);
  site.writeKey('plaka');
});
afterEach(async () => await site.close());

/** Every record of these gateways stands in the sink, and stands there once. */
function expectComplete(...gateways: readonly UdpGateway[]): void {
  const expected = gateways.flatMap(({ run, store }) => store.records.map(({ sequence }) => recordIdOf(run, sequence)));
  expect(site.stored().toSorted()).toEqual(expected.toSorted());
}

/** The same datagram under a counter that was not there yet. */
function ahead(datagram: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(datagram);
  const counterAt = COUNTER_AFTER_NAME + (copy[NAME_LENGTH_AT] ?? 0);
  new DataView(copy.buffer).setBigUint64(counterAt, 5000n + new DataView(copy.buffer).getBigUint64(counterAt));
  return copy;
}

/** A datagram with one bit turned over. */
function damaged(datagram: Uint8Array, bit: number): Uint8Array {
  const copy = Uint8Array.from(datagram);
  copy[bit >>> 3] = (copy[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
  return copy;
}

describe('over UDP', () => {
  it('nothing is lost and nothing is there twice, though the link loses 30 %, doubles and reorders', async () => {
    await site.startCentre();
    const link = await site.startLink(BAD);
    const gateway = site.startGateway('plaka', link);
    for (let second = 0; second < 10; second += 1) await gateway.append(500, second);
    await gateway.delivered();
    expectComplete(gateway);
    expect(link.lost.up).toBeGreaterThan(15);
    expect(site.ingest).toMatchObject({ sessions: 1, refused: { forged: 0, garbage: 0, unknownGateway: 0 } });
    expect(site.ingest.delivered).toBeLessThan(5000 / 50);
    expect(gateway.forwarder.status()).toMatchObject({ kind: 'udp', link: 'up', unknownAcks: 0 });
  });

  it('a centre that is started anew in mid-session gets the rest, and what it had acknowledged only once', async () => {
    await site.startCentre();
    const link = await site.startLink(BAD);
    const gateway = site.startGateway('plaka', link);
    for (let round = 0; round < 2; round += 1) {
      const before = gateway.pending;
      await gateway.append(1500, round);
      await eventually('some of it is acknowledged', SOON_MS, () => gateway.pending < before + 1500);
      await site.stopCentre();
      await gateway.append(500, 100 + round);
      await site.startCentre();
    }
    await gateway.delivered();
    expectComplete(gateway);
    expect(log.said).toContain('warn: the link is down');
  }, 60_000);

  it('a session goes on when the gateway comes from another address', async () => {
    await site.startCentre();
    const link = await site.startLink();
    const gateway = site.startGateway('plaka', link);
    await gateway.append(200);
    await gateway.delivered();
    link.rebind();
    await gateway.append(200);
    await gateway.delivered();
    expectComplete(gateway);
    expect([site.ingest.sessions, link.flows]).toEqual([1, 1]);
    expect(log.said.filter((line) => line === 'info: the link is up')).toHaveLength(1);
  });

  it('what is forged, replayed or reflected admits nothing and frees nothing', async () => {
    await site.startCentre();
    const link = await site.startLink();
    const seen = { up: [] as Uint8Array[], down: [] as Uint8Array[] };
    link.tap((direction, datagram) => seen[direction].push(Uint8Array.from(datagram)));
    const gateway = site.startGateway('plaka', link);
    await gateway.append(2000);
    await gateway.delivered();
    // From here on the gateway sends and hears nothing of the centre, only of the attacker.
    const before = site.ingest;
    link.cut('down');
    await gateway.append(300);
    await eventually('it is stored', SOON_MS, () => site.stored().length === 2300);
    await eventually('its acks are on their way', SOON_MS, () => link.lost.down > 0);
    // One that was on its way when the link was cut has come by now.
    const { acksReceived } = gateway.forwarder.status();
    const random = new SeededRandom(3);
    const hostile = { up: [] as Uint8Array[], down: [] as Uint8Array[] };
    for (const [way, other] of [
      ['up', 'down'],
      ['down', 'up'],
    ] as const) {
      hostile[way].push(...seen[way], ...seen[other]);
      for (const datagram of seen[way])
        hostile[way].push(damaged(datagram, random.integer(8 * datagram.length)), ahead(datagram));
      for (let length = 0; length < 200; length += 1) hostile[way].push(random.bytes(length * 7));
    }
    // The acks that were cut off are authentic and new: the attacker does not have those.
    const isOwn = new Set(seen.down.slice(-link.lost.down).map((datagram) => Buffer.from(datagram).toString('hex')));
    for (const datagram of hostile.down) {
      if (!isOwn.has(Buffer.from(datagram).toString('hex'))) link.inject('down', datagram);
      await new Promise((resolve) => setImmediate(resolve));
    }
    for (const datagram of hostile.up) {
      link.inject('up', datagram);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await eventually('they are refused', SOON_MS, () => {
      const { refused } = site.ingest;
      return refused.replayed > 10 && refused.forged > 10 && refused.reflected > 5 && refused.garbage > 100;
    });
    expect(gateway.pending).toBe(300);
    expect(gateway.forwarder.status().acksReceived).toBe(acksReceived);
    expect(site.ingest.delivered - before.delivered).toBeLessThan(10);
    link.heal();
    await gateway.delivered();
    expectComplete(gateway);
    await eventually('it is told', SOON_MS, () => log.said.includes('warn: datagrams are refused'));
  });

  it('a gateway with the salt of another’s run gets ids of its own, and its acks free only its own', async () => {
    site.writeKey('other');
    await site.startCentre();
    const link = await site.startLink();
    const [one, other] = [site.startGateway('plaka', link, saltOf(1)), site.startGateway('other', link, saltOf(1))];
    const acks: string[] = [];
    link.tap((direction, datagram) => direction === 'down' && acks.push(Buffer.from(datagram).toString('latin1')));
    await one.append(100);
    await one.delivered();
    expect(other.settled).toEqual([]);
    await other.append(40);
    await other.delivered();
    expect(one.run).not.toBe(other.run);
    expectComplete(one, other);
    expect(() => acks.map((ack) => decodeAck(Buffer.from(ack, 'latin1')))).toThrow('it begins with something else');
  });

  it('a gateway whose key is another is told that nobody answers, and gets in when it has the right one', async () => {
    await site.startCentre();
    const link = await site.startLink();
    // The centre has read the key already, and notices the change.
    site.writeKey('plaka');
    const gateway = site.startGateway('plaka', link);
    await gateway.append(10);
    await gateway.delivered();
    expect(site.ingest.refused.forged).toBeGreaterThan(0);
    expect(log.said).toContain('info: the UDP key of a gateway was changed');
  });

  it('two processes of one gateway, each with a salt of its own, do not disturb each other', async () => {
    await site.startCentre();
    const link = await site.startLink(BAD);
    const [one, other] = [site.startGateway('plaka', link), site.startGateway('plaka', link)];
    for (let round = 0; round < 4; round += 1) {
      await one.append(300);
      await other.append(300);
    }
    await Promise.all([one.delivered(), other.delivered()]);
    expectComplete(one, other);
    expect(site.ingest.sessions).toBe(2);
  });
});
