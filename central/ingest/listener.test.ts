import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { SteppedClock } from '../../sim/clock.ts';
import { type Certificates, makeCertificates } from '../../test/certificates.ts';
import { LogLines } from '../../test/log-lines.ts';
import { Listener } from './listener.ts';
import { Refusals } from './refusals.ts';
import type { Peer } from './topic-rules.ts';

describe('a listener with client certificates', { tags: ['openssl'] }, () => {
  let folder: string;
  let certificates: Certificates;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'mooring-listener-'));
    certificates = await makeCertificates(folder, 'plaka');
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  let clock: SteppedClock;
  let refusals: Refusals;
  let listener: Listener;
  let peers: Peer[];
  let sockets: Socket[];
  beforeEach(async () => {
    clock = new SteppedClock();
    refusals = new Refusals(clock, new LogLines());
    peers = [];
    sockets = [];
    const { ca, broker } = certificates;
    listener = new Listener({
      config: {
        listen: { host: '127.0.0.1', port: 0 },
        tls: { certFile: broker.cert, keyFile: broker.key, caFile: ca },
      },
      clock,
      log: new LogLines(),
      refusals,
      connectionsMax: 20,
      packetBytesMax: 1000,
      onConnection: (connection, peer) => {
        peers.push(peer);
        connection.on('error', () => undefined).resume();
      },
    });
    await listener.open();
  });
  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    await listener.close();
  });

  const port = (): number => listener.address?.port as number;

  function kept<T extends Socket>(socket: T): T {
    socket.on('error', () => undefined).resume();
    sockets.push(socket);
    return socket;
  }

  /** Somebody who connects and says nothing, from an address of their own. */
  async function strangerOf(localAddress: string): Promise<Socket> {
    const stranger = kept(connect({ port: port(), host: '127.0.0.1', localAddress }));
    await once(stranger, 'connect');
    return stranger;
  }

  /** Resolves when the gateway is let in, which the listener tells before its first byte. */
  async function gatewayOf(): Promise<TLSSocket> {
    const [ca, cert, key] = [certificates.ca, certificates.gateway.cert, certificates.gateway.key].map((path) =>
      readFileSync(path),
    );
    const before = peers.length;
    const gateway = kept(connectTls({ port: port(), host: '127.0.0.1', ca, cert, key }));
    while (peers.length === before) await new Promise((resolve) => setImmediate(resolve));
    return gateway;
  }

  test('who knocks without a certificate keeps out nobody who has one', async () => {
    const strangers: Socket[] = [];
    for (let count = 0; count < 40; count += 1) strangers.push(await strangerOf('127.0.0.2'));
    await gatewayOf();
    expect(peers).toEqual(['plaka']);
    await Promise.all(
      strangers
        .slice(0, 8)
        .filter((stranger) => !stranger.closed)
        .map((gone) => once(gone, 'close')),
    );
    expect(strangers.slice(8).every((stranger) => !stranger.closed)).toBe(true);
    expect(refusals.count).toBe(8);
  });

  test('from however many addresses they knock', async () => {
    const strangers: Socket[] = [];
    for (let count = 0; count < 300; count += 1) strangers.push(await strangerOf(`127.0.0.${2 + (count % 20)}`));
    await gatewayOf();
    await Promise.all(
      strangers
        .slice(0, 45)
        .filter((stranger) => !stranger.closed)
        .map((gone) => once(gone, 'close')),
    );
    expect(strangers.filter((stranger) => !stranger.closed)).toHaveLength(255);
  });

  test('a handshake has its time, and no connection has less for that', async () => {
    const stranger = await strangerOf('127.0.0.1');
    const gone = once(stranger, 'close');
    // Let in after the stranger was accepted.
    const gateway = await gatewayOf();
    await clock.advance(9999);
    expect(stranger.closed).toBe(false);
    await clock.advance(1);
    await gone;
    expect(gateway.closed).toBe(false);
    expect(refusals.count).toBe(1);
  });

  test('a gateway that connects again and again closes its own oldest connections', async () => {
    const gateways: TLSSocket[] = [];
    for (let count = 0; count < 17; count += 1) gateways.push(await gatewayOf());
    const [first] = gateways as [TLSSocket];
    if (!first.closed) await once(first, 'close');
    expect(gateways.slice(1).every((gateway) => !gateway.closed)).toBe(true);
    for (let count = 0; count < 8; count += 1) await gatewayOf();
    expect(peers).toHaveLength(25);
  });
});
