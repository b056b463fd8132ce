import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { Aedes, type AedesOptions } from 'aedes';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { encodeAck } from '../../protocol/ack-codec.ts';
import { systemClock } from '../../runtime/clock.ts';
import { SeededRandom } from '../../runtime/random.ts';
import { type Link, startLink } from '../../sim/link.ts';
import { saltOf, tokenOf } from '../../test/batches.ts';
import { makeCertificates } from '../../test/certificates.ts';
import { LogLines } from '../../test/log-lines.ts';
import { PlainGateway } from '../../test/plain-gateway.ts';
import { BrokerLink, type BrokerLinkOptions } from './broker-link.ts';
import type { BatchReceiver } from './ingest.ts';

const never = new AbortController().signal;
const ackOf = (batch: number): Uint8Array =>
  encodeAck({ salt: saltOf(1), batch, token: tokenOf(batch), stored: [[batch, batch]] });

/** Answers each batch with an ack whose number is the batch's only byte. */
class Receiver implements BatchReceiver {
  readonly gateways: string[] = [];
  isAnswering = true;
  readonly answers: (() => void)[] = [];
  #wake: (() => void) | undefined;

  receive(gateway: string, [number = 0]: Uint8Array, answer: (ack: Uint8Array) => void): void {
    this.gateways.push(gateway);
    const say = (): void => answer(ackOf(number));
    this.answers.push(say);
    if (this.isAnswering) say();
    this.#wake?.();
  }

  async until(count: number): Promise<void> {
    while (this.gateways.length < count) await new Promise<void>((wake) => (this.#wake = wake));
  }
}

/** Counts how often a wait before the next try was drawn, and keeps them short. */
class CountedRandom extends SeededRandom {
  tries = 0;
  #wake: (() => void) | undefined;

  override uniform(): number {
    this.tries += 1;
    this.#wake?.();
    return super.uniform() / 10;
  }

  async until(tries: number): Promise<void> {
    while (this.tries < tries) await new Promise<void>((wake) => (this.#wake = wake));
  }
}

let random: CountedRandom;
let receiver: Receiver;
let lines: LogLines;
let open: (() => unknown)[];
beforeEach(() => {
  random = new CountedRandom(1);
  receiver = new Receiver();
  lines = new LogLines();
  open = [];
});
afterEach(async () => {
  for (const close of open.reverse()) await close();
});

interface Broker {
  readonly aedes: Aedes;
  readonly port: number;
}

/** Somebody's broker, without any rules. */
async function brokerOf(options: AedesOptions = {}, secure?: TlsOptions): Promise<Broker> {
  const aedes = await Aedes.createBroker(options);
  const serve = (socket: Socket): void => void aedes.handle(socket);
  const server = secure === undefined ? createServer(serve) : createTlsServer(secure, serve);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push(async () => {
    await new Promise<void>((resolve) => aedes.close(() => resolve()));
    server.close();
  });
  return { aedes, port: (server.address() as AddressInfo).port };
}

async function linkOf(port: number, config: Partial<BrokerLinkOptions['config']> = {}, keepaliveSeconds?: number) {
  const nothing = {
    caFile: undefined,
    certFile: undefined,
    keyFile: undefined,
    user: undefined,
    passwordFile: undefined,
  };
  const link = new BrokerLink({
    config: { url: `mqtt://127.0.0.1:${port}`, ...nothing, ...config },
    intake: receiver,
    clock: systemClock,
    random,
    log: lines,
    ...(keepaliveSeconds === undefined ? {} : { keepaliveSeconds }),
  });
  open.push(() => link.close());
  await link.open(never);
  return link;
}

async function gatewayOf({ port }: Broker, name = 'plaka'): Promise<PlainGateway> {
  const gateway = await PlainGateway.connect(`mqtt://127.0.0.1:${port}`, name);
  open.push(() => gateway.end());
  return gateway;
}

async function throughOf({ port }: Broker): Promise<Link> {
  const through = await startLink({ target: port, clock: systemClock, random: new SeededRandom(2) });
  open.push(() => through.close());
  return through;
}

const CONNECTED = 'info: connected to the broker';
const LOST = 'warn: the broker is out of reach; trying again';
const BACK = 'info: the broker is back';

test('batches of every gateway come in, and each answer goes to its own', async () => {
  const broker = await brokerOf();
  const link = await linkOf(broker.port);
  await lines.until(CONNECTED);
  expect(link.status()).toEqual({
    mode: 'client',
    url: `mqtt://127.0.0.1:${broker.port}`,
    isConnected: true,
    acksDropped: 0,
  });
  const [plaka, ikaros] = [await gatewayOf(broker, 'plaka'), await gatewayOf(broker, 'ikaros')];
  await plaka.send(Uint8Array.of(1));
  await ikaros.send(Uint8Array.of(2));
  expect(await plaka.nextAck()).toMatchObject({ batch: 1 });
  expect(await ikaros.nextAck()).toMatchObject({ batch: 2 });
  expect(receiver.gateways).toEqual(['plaka', 'ikaros']);
});

test('a name that no gateway may have is not heard', async () => {
  const broker = await brokerOf();
  await linkOf(broker.port);
  await lines.until(CONNECTED);
  await (await gatewayOf(broker, 'Plaka')).send(Uint8Array.of(1));
  await (await gatewayOf(broker, 'plaka')).send(Uint8Array.of(2));
  await receiver.until(1);
  expect(receiver.gateways).toEqual(['plaka']);
});

test('a batch is confirmed at once, however long its answer takes', async () => {
  const broker = await brokerOf();
  receiver.isAnswering = false;
  await linkOf(broker.port);
  await lines.until(CONNECTED);
  const confirmed = once(broker.aedes, 'ack');
  const gateway = await gatewayOf(broker);
  await gateway.send(Uint8Array.of(1));
  await confirmed;
  expect(gateway.acks).toEqual([]);
  receiver.answers[0]?.();
  await gateway.nextAck();
});

test('an outage is told once, however many tries it takes, and what was to be answered is dropped', async () => {
  const broker = await brokerOf();
  const through = await throughOf(broker);
  receiver.isAnswering = false;
  const link = await linkOf(through.port);
  await lines.until(CONNECTED);
  const gateway = await gatewayOf(broker);
  await gateway.send(Uint8Array.of(1));
  await receiver.until(1);
  through.cut();
  await lines.until(LOST);
  expect(link.status().isConnected).toBe(false);
  receiver.answers[0]?.();
  expect(link.status().acksDropped).toBe(1);
  through.heal();
  await lines.until(BACK);
  receiver.isAnswering = true;
  await gateway.send(Uint8Array.of(2));
  expect(await gateway.nextAck()).toMatchObject({ batch: 2 });
  expect(lines.said).toEqual([CONNECTED, LOST, BACK]);
});

test('an answer that comes after an outage goes through the new connection', async () => {
  const broker = await brokerOf();
  const through = await throughOf(broker);
  receiver.isAnswering = false;
  const link = await linkOf(through.port);
  await lines.until(CONNECTED);
  const gateway = await gatewayOf(broker);
  await gateway.send(Uint8Array.of(1));
  await receiver.until(1);
  through.cut();
  await lines.until(LOST);
  through.heal();
  await lines.until(BACK);
  receiver.answers[0]?.();
  expect(await gateway.nextAck()).toMatchObject({ batch: 1 });
  expect(link.status().acksDropped).toBe(0);
});

test('a broker that is not there yet is waited for', async () => {
  const broker = await brokerOf();
  const through = await throughOf(broker);
  through.cut();
  const link = await linkOf(through.port);
  await lines.until(LOST);
  expect(link.status().isConnected).toBe(false);
  through.heal();
  await lines.until(BACK);
});

test('a half-open link is given up after the keep-alive', async () => {
  const broker = await brokerOf();
  const through = await throughOf(broker);
  await linkOf(through.port, {}, 1);
  await lines.until(CONNECTED);
  through.freeze('both');
  await lines.until(LOST);
  expect(lines.fields[1]).toMatchObject({ err: { code: 'LINK_SILENT' } });
  through.thaw();
  await lines.until(BACK);
});

test('the login comes from the file with the password, read anew for every try', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'mooring-login-'));
  open.push(() => rmSync(folder, { recursive: true }));
  const passwordFile = join(folder, 'password');
  writeFileSync(passwordFile, 'wrong\n');
  const broker = await brokerOf({
    authenticate(_client, user, password, done) {
      done(null, user === 'centre' && password?.toString() === 'right');
    },
  });
  const link = await linkOf(broker.port, { user: 'centre', passwordFile });
  await lines.until(LOST);
  expect(lines.fields[0]).toMatchObject({ err: { code: 'LINK_REFUSED', hint: expect.stringContaining('password') } });
  writeFileSync(passwordFile, 'right\nand a comment\n');
  await lines.until(BACK);
  expect(link.status().isConnected).toBe(true);
});

test('a file that is not there is an error at start', async () => {
  await expect(linkOf(1883, { user: 'centre', passwordFile: '/absent' })).rejects.toMatchObject({
    code: 'CONFIG_UNREADABLE',
    context: { path: '/absent' },
  });
});

test('a certificate that is none is an error at start, and waited out later', { tags: ['openssl'] }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'mooring-login-'));
  open.push(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'centre.pem');
  writeFileSync(file, 'no certificate');
  await expect(linkOf(1883, { certFile: file, keyFile: file })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });

  const made = await makeCertificates(join(folder, 'made'), 'plaka');
  const whole = Buffer.concat([readFileSync(made.centre.cert), readFileSync(made.centre.key)]);
  writeFileSync(file, whole);
  const broker = await brokerOf({}, { cert: readFileSync(made.broker.cert), key: readFileSync(made.broker.key) });
  const through = await throughOf(broker);
  const url = `mqtts://127.0.0.1:${through.port}`;
  await linkOf(through.port, { url, caFile: made.ca, certFile: file, keyFile: file });
  await lines.until(CONNECTED);
  writeFileSync(file, whole.subarray(0, 200));
  const { tries } = random;
  through.cut();
  await lines.until(LOST);
  through.heal();
  await random.until(tries + 4);
  expect(lines.said).toEqual([CONNECTED, LOST]);
  writeFileSync(file, whole);
  await lines.until(BACK);
});

test('a broker that does not let it subscribe is no connection', async () => {
  const broker = await brokerOf({ authorizeSubscribe: (_client, _subscription, done) => done(null, null) });
  const link = await linkOf(broker.port);
  await lines.until(LOST);
  expect(lines.fields[0]).toMatchObject({ err: { code: 'LINK_REFUSED', context: { filter: 'mooring/1/+/batch' } } });
  expect(link.status().isConnected).toBe(false);
});

test('a shared subscription is asked for by its name, and one that is refused says what a broker has to know', async () => {
  const asked: string[] = [];
  const broker = await brokerOf({
    authorizeSubscribe: (_client, { topic }, done) => {
      asked.push(topic);
      done(null, null);
    },
  });
  await linkOf(broker.port, { share: 'centre' });
  await lines.until(LOST);
  expect(asked[0]).toBe('$share/centre/mooring/1/+/batch');
  expect(lines.fields[0]).toMatchObject({
    err: { code: 'LINK_REFUSED', hint: expect.stringContaining('shared subscriptions from MQTT 3.1.1 clients') },
  });
});

test('acks that a broker does not confirm are dropped in the end, which is told once', async () => {
  const broker = await brokerOf({
    authorizePublish: (_client, { topic }, done) => (topic.endsWith('/ack') ? undefined : done(null)),
  });
  receiver.isAnswering = false;
  const link = await linkOf(broker.port);
  await lines.until(CONNECTED);
  await (await gatewayOf(broker)).send(Uint8Array.of(1));
  await receiver.until(1);
  for (let count = 0; count < 4200; count += 1) receiver.answers[0]?.();
  expect(link.status().acksDropped).toBe(4);
  expect(lines.said).toEqual([CONNECTED, 'warn: acks are dropped, as the broker does not confirm those before']);
});

test('it closes while connected, and the last acks arrive', async () => {
  const broker = await brokerOf();
  receiver.isAnswering = false;
  const link = await linkOf(broker.port);
  await lines.until(CONNECTED);
  const gateway = await gatewayOf(broker);
  for (const number of [1, 2, 3]) await gateway.send(Uint8Array.of(number));
  await receiver.until(3);
  for (const answer of receiver.answers) answer();
  await link.close();
  expect([await gateway.nextAck(), await gateway.nextAck(), await gateway.nextAck()]).toMatchObject([
    { batch: 1 },
    { batch: 2 },
    { batch: 3 },
  ]);
  expect(link.status().isConnected).toBe(false);
  expect(lines.said).toEqual([CONNECTED]);
});

test('it closes while the broker is away or silent', async () => {
  const broker = await brokerOf();
  const through = await throughOf(broker);
  const away = await linkOf(through.port);
  await lines.until(CONNECTED);
  through.cut();
  await lines.until(LOST);
  await away.close();
  through.heal();
  lines = new LogLines();
  const silent = await linkOf(through.port);
  await lines.until(CONNECTED);
  through.freeze('both');
  await silent.close();
});
