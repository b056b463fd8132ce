import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { Aedes, type AedesOptions, type AedesPublishPacket } from 'aedes';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import type { Ack } from '../../protocol/ack.ts';
import { encodeAck } from '../../protocol/ack-codec.ts';
import { systemClock } from '../../runtime/clock.ts';
import type { BrokerClientConfig } from '../../runtime/config/broker.ts';
import { silentLog } from '../../runtime/log.ts';
import { SeededRandom } from '../../runtime/random.ts';
import { SteppedClock } from '../../sim/clock.ts';
import { startLink } from '../../sim/link.ts';
import { type Certificates, makeCertificates } from '../../test/certificates.ts';
import { MqttTransport, type MqttTransportOptions } from './mqtt.ts';

const BATCH = Uint8Array.of(1, 2, 3, 250);
const ACK: Ack = { salt: new Uint8Array(16), batch: 7, token: new Uint8Array(8), stored: [[1, 3]] };
const FOREVER = new AbortController().signal;
const closers: (() => Promise<void> | void)[] = [];
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mooring-mqtt-'));
});

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  rmSync(folder, { recursive: true });
});

interface Broker {
  readonly port: number;
  /** `topic payload`, in the order in which the broker took them. */
  readonly taken: string[];
  readonly sockets: Set<Socket>;
  readonly clientIds: string[];
  publish(topic: string, payload: Uint8Array): Promise<void>;
  retained(): Promise<string | undefined>;
  /** Resolves when the broker has taken so many messages of a channel. */
  saw(text: string): Promise<void>;
}

/** An MQTT 3.1.1 broker in this process. */
async function startBroker(options: AedesOptions = {}, listen: (broker: Aedes) => Server = plain): Promise<Broker> {
  const aedes = await Aedes.createBroker(options);
  const server = listen(aedes);
  // Its types leave out where it keeps what is retained.
  const { persistence } = aedes as unknown as {
    persistence: { createRetainedStream(topic: string): AsyncIterable<{ payload: Buffer }> };
  };
  const taken: string[] = [];
  const sockets = new Set<Socket>();
  const clientIds: string[] = [];
  let wake = (): void => undefined;
  aedes.on('client', (client) => clientIds.push(client.id));
  aedes.on('publish', ({ topic, payload }: AedesPublishPacket) => {
    if (topic.startsWith('$SYS')) return;
    taken.push(`${topic} ${payload.toString('latin1')}`);
    wake();
  });
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(async () => {
    await new Promise<void>((resolve) => aedes.close(() => resolve()));
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return {
    port: (server.address() as AddressInfo).port,
    taken,
    sockets,
    clientIds,
    publish: async (topic, payload) => {
      const packet = {
        cmd: 'publish',
        topic,
        payload: Buffer.from(payload),
        qos: 1,
        retain: false,
        dup: false,
      } as const;
      await new Promise<void>((resolve, reject) =>
        aedes.publish(packet, (error) => (error ? reject(error) : resolve())),
      );
    },
    retained: async () => {
      for await (const { payload } of persistence.createRetainedStream('mooring/1/plaka/state')) {
        return payload.toString();
      }
      return undefined;
    },
    saw: async (text) => {
      while (!taken.some((each) => each.includes(text))) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}

function plain(broker: Aedes): Server {
  return createServer((socket) => broker.handle(socket));
}

/** A transport with what it has reported. */
function transportTo(url: string, broker: Partial<BrokerClientConfig> = {}, more: Partial<MqttTransportOptions> = {}) {
  const none = { caFile: undefined, certFile: undefined, keyFile: undefined, user: undefined, passwordFile: undefined };
  const transport = new MqttTransport({
    gateway: 'plaka',
    name: 'centre',
    broker: { url, ...none, ...broker },
    clock: systemClock,
    random: new SeededRandom(1),
    log: silentLog,
    ...more,
  });
  const acks: Ack[] = [];
  const downs: Error[] = [];
  let wake = (): void => undefined;
  const events = {
    onAck: (ack: Ack): void => {
      acks.push(ack);
      wake();
    },
    onDown: (error: Error): void => {
      downs.push(error);
      wake();
    },
  };
  closers.push(() => transport.close());
  return {
    transport,
    acks,
    downs,
    open: () => transport.open(events, FOREVER),
    /** Resolves at the next event. */
    next: () =>
      new Promise<void>((resolve) => {
        wake = resolve;
      }),
  };
}

describe('an MQTT transport', () => {
  it('hands batches on, hears acks, says when it comes and when it goes', async () => {
    const broker = await startBroker();
    const { transport, acks, downs, open, next } = transportTo(`mqtt://127.0.0.1:${broker.port}`);
    await open();
    await transport.send(BATCH);
    await broker.saw('/batch');
    expect(broker.taken).toEqual([
      'mooring/1/plaka/state {"state":"online","forwarder":"centre"}',
      'mooring/1/plaka/batch \x01\x02\x03\xfa',
    ]);
    expect(await broker.retained()).toBe('{"state":"online","forwarder":"centre"}');
    const heard = next();
    await broker.publish('mooring/1/plaka/ack', encodeAck(ACK));
    await heard;
    expect(acks).toEqual([ACK]);
    await transport.close();
    expect(await broker.retained()).toBe('{"state":"offline","forwarder":"centre"}');
    expect(downs).toEqual([]);
    await expect(transport.send(BATCH)).rejects.toMatchObject({ code: 'LINK_DOWN' });
  });

  it('takes no notice of what is no ack', async () => {
    const broker = await startBroker();
    const { acks, open, next } = transportTo(`mqtt://127.0.0.1:${broker.port}`);
    await open();
    const heard = next();
    await broker.publish('mooring/1/plaka/ack', Uint8Array.of(1, 2, 3));
    await broker.publish('mooring/1/plaka/ack', new Uint8Array());
    await broker.publish('mooring/1/plaka/ack', encodeAck(ACK));
    await heard;
    expect(acks).toEqual([ACK]);
  });

  it('that loses its connection says so once, fails what was not handed on, leaves a last will and can be opened again', async () => {
    const broker = await startBroker();
    const { transport, downs, open, next } = transportTo(`mqtt://127.0.0.1:${broker.port}`);
    await open();
    await broker.saw('online');
    const down = next();
    const sending = transport.send(BATCH);
    for (const socket of broker.sockets) socket.destroy();
    await expect(sending).rejects.toMatchObject({ code: 'LINK_DOWN' });
    await down;
    expect(downs).toMatchObject([{ code: 'LINK_DOWN' }]);
    await expect(transport.send(BATCH)).rejects.toMatchObject({ code: 'LINK_DOWN' });
    await broker.saw('offline');
    await transport.close();
    await open();
    await transport.send(BATCH);
    expect(downs).toHaveLength(1);
    expect(new Set(broker.clientIds)).toEqual(new Set([expect.stringMatching(/^mooring-plaka-centre-[0-9a-f]{8}$/)]));
    expect(broker.clientIds).toHaveLength(2);
  });

  it('is refused where the login is wrong, and reads the password anew at each try', async () => {
    const broker = await startBroker({
      authenticate: (_client, user, password, done) => {
        if (user === 'plaka' && password?.toString() === 'right') done(null, true);
        else done(Object.assign(new Error('no'), { returnCode: 4 }), false);
      },
    });
    const passwordFile = join(folder, 'password');
    const { transport, open } = transportTo(`mqtt://127.0.0.1:${broker.port}`, { user: 'plaka', passwordFile });
    await expect(open()).rejects.toMatchObject({ code: 'LINK_REFUSED', context: { path: passwordFile } });
    writeFileSync(passwordFile, 'wrong\n');
    await expect(open()).rejects.toMatchObject({ code: 'LINK_REFUSED', hint: expect.stringContaining('password') });
    await transport.close();
    writeFileSync(passwordFile, 'right\r\nsecond line');
    await open();
  });

  it('is refused where it may not read its acks', async () => {
    const broker = await startBroker({ authorizeSubscribe: (_client, _subscription, done) => done(null, null) });
    const { open } = transportTo(`mqtt://127.0.0.1:${broker.port}`);
    await expect(open()).rejects.toMatchObject({ code: 'LINK_REFUSED', hint: expect.stringContaining('ack') });
  });

  it('is down where nobody listens', async () => {
    const { open } = transportTo('mqtt://127.0.0.1:1');
    await expect(open()).rejects.toMatchObject({ code: 'LINK_DOWN', hint: expect.stringContaining('Nothing listens') });
  });

  it('stops opening when it is told to', async () => {
    const server = createServer(() => undefined).listen(0, '127.0.0.1');
    await once(server, 'listening');
    closers.push(() => void server.close());
    const { transport } = transportTo(`mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const stopping = new AbortController();
    const opening = transport.open({ onAck: () => undefined, onDown: () => undefined }, stopping.signal);
    stopping.abort(new Error('enough'));
    await expect(opening).rejects.toThrow();
  });
});

describe('an MQTT transport whose broker is silent', () => {
  it('gives up opening in time', async () => {
    const clock = new SteppedClock();
    const server = createServer(() => undefined).listen(0, '127.0.0.1');
    await once(server, 'listening');
    closers.push(() => void server.close());
    const url = `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { transport, open, downs } = transportTo(url, {}, { clock });
    const connected = once(server, 'connection');
    const refused = expect(open()).rejects.toMatchObject({ code: 'LINK_SILENT' });
    await connected;
    await clock.advance(14_999);
    expect(clock.pendingTimers).toBeGreaterThan(0);
    await clock.advance(1);
    await refused;
    expect([downs, clock.pendingTimers]).toEqual([[], 0]);
    await transport.close();
  });

  it('notices at a batch that is not acknowledged, or at a ping', async () => {
    const broker = await startBroker();
    const link = await startLink({ target: broker.port, clock: systemClock, random: new SeededRandom(2) });
    closers.push(() => link.close());
    for (const hasBatch of [true, false]) {
      const clock = new SteppedClock();
      const { transport, open, downs } = transportTo(`mqtt://127.0.0.1:${link.port}`, {}, { clock });
      await open();
      await transport.send(BATCH);
      link.freeze('both');
      const sending = hasBatch
        ? expect(transport.send(BATCH)).rejects.toMatchObject({ code: 'LINK_SILENT' })
        : Promise.resolve();
      await clock.advance(hasBatch ? 19_000 : 22_000);
      expect(downs).toEqual([]);
      await clock.advance(2000);
      expect(downs).toMatchObject([{ code: 'LINK_SILENT' }]);
      await sending;
      await transport.close();
      expect(clock.pendingTimers).toBe(0);
      link.thaw();
    }
  });

  it('closes within a second', async () => {
    const broker = await startBroker();
    const link = await startLink({ target: broker.port, clock: systemClock, random: new SeededRandom(2) });
    closers.push(() => link.close());
    const clock = new SteppedClock();
    const { transport, open } = transportTo(`mqtt://127.0.0.1:${link.port}`, {}, { clock });
    await open();
    link.freeze('both');
    let isClosed = false;
    const closing = transport.close().then(() => {
      isClosed = true;
    });
    await clock.advance(1000);
    expect([isClosed, clock.pendingTimers]).toEqual([true, 0]);
    await closing;
  });
});

describe('an MQTT transport over TLS', () => {
  test('shows its certificate, and takes no broker that its authority has not signed', {
    tags: ['openssl'],
  }, async () => {
    const { ca, broker: identity, gateway }: Certificates = await makeCertificates(folder, 'plaka');
    const subjects: string[] = [];
    const broker = await startBroker({}, (aedes) =>
      createTlsServer(
        {
          ca: readFileSync(ca),
          cert: readFileSync(identity.cert),
          key: readFileSync(identity.key),
          requestCert: true,
          rejectUnauthorized: true,
        },
        (socket) => {
          subjects.push(String(socket.getPeerCertificate().subject.CN));
          aedes.handle(socket);
        },
      ).on('tlsClientError', () => undefined),
    );
    const url = `mqtts://127.0.0.1:${broker.port}`;
    const known = { caFile: ca, certFile: gateway.cert, keyFile: gateway.key };
    const { transport, open } = transportTo(url, known);
    await open();
    await transport.send(BATCH);
    expect(subjects).toEqual(['plaka']);

    const strange = transportTo(url, { certFile: gateway.cert, keyFile: gateway.key });
    await expect(strange.open()).rejects.toMatchObject({
      code: 'LINK_REFUSED',
      hint: expect.stringContaining('`ca`'),
    });

    const nameless = transportTo(url, { caFile: ca });
    await expect(nameless.open()).rejects.toMatchObject({
      code: 'LINK_REFUSED',
      hint: expect.stringContaining('`cert`'),
    });
  });
});
