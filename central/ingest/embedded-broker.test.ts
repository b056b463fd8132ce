import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect as connectTcp, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type IClientOptions, type MqttClient } from 'mqtt';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { encodeAck } from '../../protocol/ack-codec.ts';
import { BOUNDS } from '../../protocol/record.ts';
import { topicOf } from '../../protocol/topics.ts';
import { systemClock } from '../../runtime/clock.ts';
import { saltOf, tokenOf } from '../../test/batches.ts';
import { type Certificates, type Identity, makeCertificates } from '../../test/certificates.ts';
import { LogLines } from '../../test/log-lines.ts';
import { PlainGateway } from '../../test/plain-gateway.ts';
import type { ListenTlsConfig } from '../config/types.ts';
import { EmbeddedBroker, type EmbeddedBrokerOptions } from './embedded-broker.ts';
import type { BatchReceiver } from './ingest.ts';

const never = new AbortController().signal;
const ACK = encodeAck({ salt: saltOf(1), batch: 1, token: tokenOf(1), stored: [[1, 3]] });

/** Notes what came, and answers it with one ack. */
class Receiver implements BatchReceiver {
  readonly received: { readonly gateway: string; readonly bytes: Uint8Array }[] = [];
  answers: ((ack: Uint8Array) => void)[] = [];
  isAnswering = true;

  receive(gateway: string, bytes: Uint8Array, answer: (ack: Uint8Array) => void): void {
    this.received.push({ gateway, bytes });
    this.answers.push(answer);
    if (this.isAnswering) answer(ACK);
  }
}

let receiver: Receiver;
let lines: LogLines;
let open: (() => unknown)[];
beforeEach(() => {
  receiver = new Receiver();
  lines = new LogLines();
  open = [];
});
afterEach(async () => {
  for (const close of open.reverse()) await close();
});

async function brokerOf(options: Partial<EmbeddedBrokerOptions> = {}): Promise<EmbeddedBroker> {
  const config = { listen: { host: '127.0.0.1', port: 0 }, tls: undefined };
  const broker = new EmbeddedBroker({ config, intake: receiver, clock: systemClock, log: lines, ...options });
  open.push(() => broker.close());
  await broker.open(never);
  return broker;
}

const urlOf = (broker: EmbeddedBroker): string => broker.status().url as string;

async function gatewayOf(broker: EmbeddedBroker, name = 'plaka', options: IClientOptions = {}): Promise<PlainGateway> {
  const gateway = await PlainGateway.connect(urlOf(broker), name, options);
  open.push(() => gateway.end());
  return gateway;
}

/** A client that need not get through. */
function clientOf(broker: EmbeddedBroker, options: IClientOptions = {}): MqttClient {
  return connectedTo(urlOf(broker), options);
}

function connectedTo(url: string, options: IClientOptions = {}): MqttClient {
  const client = connect(url, { protocolVersion: 4, reconnectPeriod: 0, ...options });
  client.on('error', () => undefined);
  open.push(() => client.endAsync(true));
  return client;
}

const closeOf = (client: MqttClient): Promise<void> => new Promise((resolve) => client.once('close', () => resolve()));

test('a batch goes to the intake under the name in its topic, and the answer to that gateway alone', async () => {
  const broker = await brokerOf();
  const plaka = await gatewayOf(broker, 'plaka');
  const ikaros = await gatewayOf(broker, 'ikaros');
  const largest = new Uint8Array(BOUNDS.batchBytes).fill(7);
  await plaka.send(largest);
  expect(await plaka.nextAck()).toMatchObject({ batch: 1, stored: [[1, 3]] });
  expect(receiver.received).toEqual([{ gateway: 'plaka', bytes: largest }]);
  await ikaros.send(Uint8Array.of(1));
  await ikaros.nextAck();
  expect(receiver.received[1]).toEqual({ gateway: 'ikaros', bytes: Uint8Array.of(1) });
  expect(plaka.acks).toEqual([]);
  expect(broker.status()).toMatchObject({ mode: 'embedded', connections: 2, refused: 0 });
});

test('the PUBACK does not wait for the answer', async () => {
  const broker = await brokerOf();
  const gateway = await gatewayOf(broker);
  receiver.isAnswering = false;
  await gateway.send(Uint8Array.of(1));
  expect(gateway.acks).toEqual([]);
  receiver.answers[0]?.(ACK);
  await gateway.nextAck();
});

test('an answer for a gateway that is gone is forgotten', async () => {
  const broker = await brokerOf();
  receiver.isAnswering = false;
  const gateway = await gatewayOf(broker, 'plaka', { clean: false });
  await gateway.send(Uint8Array.of(1));
  await gateway.end();
  receiver.answers[0]?.(ACK);
  const again = await gatewayOf(broker, 'plaka', { clean: false });
  await again.send(Uint8Array.of(2));
  receiver.answers[1]?.(ACK);
  await again.nextAck();
  expect(again.acks).toEqual([]);
});

test.each([
  ['an ack', 'mooring/1/plaka/ack'],
  ['something else', 'elsewhere/plaka/batch'],
])('who publishes %s is disconnected', async (_what, topic) => {
  const broker = await brokerOf();
  const reader = await gatewayOf(broker, 'plaka');
  const client = clientOf(broker);
  await once(client as never, 'connect');
  const closed = closeOf(client);
  client.publish(topic, Buffer.from(ACK), { qos: 1 });
  await closed;
  expect(reader.acks).toEqual([]);
  expect(broker.status().refused).toBe(1);
  expect(lines.told.at(-1)).toBe('warn: the embedded broker refuses');
});

test('a subscription to what is not ours is refused, and the connection stays', async () => {
  const broker = await brokerOf();
  const gateway = await gatewayOf(broker);
  await expect(gateway.client.subscribeAsync('#', { qos: 1 })).rejects.toThrow();
  await expect(gateway.client.subscribeAsync('$SYS/#', { qos: 1 })).rejects.toThrow();
  await gateway.send(Uint8Array.of(1));
  await gateway.nextAck();
});

test('a last will that it may not publish keeps a client out', async () => {
  const broker = await brokerOf();
  const client = clientOf(broker, {
    will: { topic: 'mooring/1/plaka/ack', payload: Buffer.from(ACK), qos: 1, retain: false },
  });
  await closeOf(client);
  expect(broker.status()).toMatchObject({ refused: 1, connections: 0 });
});

test('the state of a gateway is kept for who asks later, and its last will takes its place', async () => {
  const broker = await brokerOf();
  const topic = topicOf('plaka', 'state');
  const will = { topic, payload: Buffer.from('gone'), qos: 1 as const, retain: true };
  const gateway = await gatewayOf(broker, 'plaka', { will });
  await gateway.client.publishAsync(topic, 'here', { qos: 1, retain: true });
  const observer = clientOf(broker);
  const states: string[] = [];
  const state = async (): Promise<string> => {
    while (states.length === 0) await once(observer as never, 'message');
    return states.shift() as string;
  };
  observer.on('message', (_topic, payload) => states.push(payload.toString()));
  await observer.subscribeAsync('mooring/1/+/state', { qos: 1 });
  expect(await state()).toBe('here');
  gateway.client.stream.destroy();
  expect(await state()).toBe('gone');
});

test('states are kept of so many gateways, and of another when one is taken away', async () => {
  const broker = await brokerOf();
  const client = clientOf(broker);
  const keep = (gateway: string, state = 'here') =>
    client.publishAsync(topicOf(gateway, 'state'), state, { qos: 1, retain: true });
  await Promise.all(Array.from({ length: 4096 }, (_, number) => keep(`g${number}`)));
  await keep('g7', '');
  await keep('another');
  await keep('g8', 'again');
  const closed = closeOf(client);
  client.publish(topicOf('g7', 'state'), 'here', { qos: 1, retain: true });
  await closed;
  expect(lines.fields).toContainEqual(expect.objectContaining({ reason: 'too many states are kept' }));
});

test('a gateway that does not read its acks holds up nobody, and is closed', async () => {
  const broker = await brokerOf({ drainTimeoutMs: 500 });
  receiver.isAnswering = false;
  const slow = await gatewayOf(broker, 'slow');
  await slow.send(Uint8Array.of(1));
  slow.client.stream.pause();
  for (let count = 0; count < 300; count += 1) receiver.answers[0]?.(new Uint8Array(60_000));
  receiver.isAnswering = true;
  const plaka = await gatewayOf(broker, 'plaka');
  await plaka.send(Uint8Array.of(1));
  await plaka.nextAck();
  expect(broker.status().connections).toBe(2);
  await lines.until('debug: a client was closed');
  expect(lines.fields.at(-1)).toMatchObject({ err: { message: 'drain timeout' } });
});

test('a second client of the same id takes the place of the first', async () => {
  const broker = await brokerOf();
  const first = await gatewayOf(broker);
  const closed = closeOf(first.client);
  const second = await gatewayOf(broker);
  await closed;
  await second.send(Uint8Array.of(1));
  await second.nextAck();
  expect(broker.status().connections).toBe(1);
});

/** A TCP connection that says what it likes. */
async function rawTo(broker: EmbeddedBroker): Promise<Socket> {
  const { address } = broker.status();
  const socket = connectTcp(address?.port as number, '127.0.0.1');
  socket.on('error', () => undefined);
  open.push(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

test('a packet beyond a batch’s size closes its connection as soon as it is announced', async () => {
  const broker = await brokerOf();
  const gateway = await gatewayOf(broker);
  const closed = closeOf(gateway.client);
  gateway.client.publish(topicOf('plaka', 'batch'), Buffer.alloc(BOUNDS.batchBytes + 300), { qos: 1 });
  await closed;
  expect(receiver.received).toEqual([]);
  const socket = await rawTo(broker);
  const ended = once(socket, 'close');
  socket.write(Uint8Array.of(0x10, 0xff, 0xff, 0xff, 0x7f));
  await ended;
  expect(broker.status().refused).toBe(2);
});

test('garbage closes its own connection and nobody else’s', async () => {
  const broker = await brokerOf();
  const gateway = await gatewayOf(broker);
  for (const garbage of ['GET / HTTP/1.1\r\n\r\n', '\0'.repeat(100), '\x10\x02ab', '\xf0\xf1\xf2']) {
    const socket = await rawTo(broker);
    const ended = once(socket, 'close');
    socket.end(garbage, 'latin1');
    await ended;
  }
  await gateway.send(new Uint8Array());
  await gateway.nextAck();
  expect(receiver.received).toEqual([{ gateway: 'plaka', bytes: new Uint8Array() }]);
  expect(broker.status().connections).toBe(1);
});

test('a client without a keep-alive is refused: its half-open connection would stay', async () => {
  const broker = await brokerOf();
  await closeOf(clientOf(broker, { keepalive: 0 }));
  await gatewayOf(broker, 'plaka', { keepalive: 600 });
  expect(broker.status().connections).toBe(1);
});

test('beyond its bound it takes no connection, and takes one again when another ends', async () => {
  const broker = await brokerOf({ connectionsMax: 2 });
  const first = await gatewayOf(broker, 'a');
  await gatewayOf(broker, 'b');
  await closeOf(clientOf(broker));
  expect(broker.status()).toMatchObject({ connections: 2, refused: 1 });
  await first.end();
  await gatewayOf(broker, 'c');
});

test('what other machines can reach wants TLS and client certificates', async () => {
  const config = { listen: { host: '0.0.0.0', port: 0 }, tls: undefined };
  await expect(brokerOf({ config })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  const tls = { certFile: 'cert.pem', keyFile: 'key.pem', caFile: undefined };
  await expect(brokerOf({ config: { ...config, tls } })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
});

test('a certificate that is not there or none is named at start', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'mooring-broker-'));
  open.push(() => rmSync(folder, { recursive: true }));
  const missing = join(folder, 'absent.pem');
  const listen = { host: '127.0.0.1', port: 0 };
  const tls = { certFile: missing, keyFile: missing, caFile: undefined };
  await expect(brokerOf({ config: { listen, tls } })).rejects.toMatchObject({
    code: 'CONFIG_UNREADABLE',
    context: { path: missing },
  });
  const none = { certFile: import.meta.filename, keyFile: import.meta.filename, caFile: undefined };
  await expect(brokerOf({ config: { listen, tls: none } })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
});

describe('with client certificates', { tags: ['openssl'] }, () => {
  let folder: string;
  let certificates: Certificates;
  let tls: ListenTlsConfig;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'mooring-broker-'));
    certificates = await makeCertificates(folder, 'plaka');
    const { ca, broker } = certificates;
    tls = { certFile: broker.cert, keyFile: broker.key, caFile: ca };
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const secured = (): Promise<EmbeddedBroker> => brokerOf({ config: { listen: { host: '127.0.0.1', port: 0 }, tls } });
  const identityOf = ({ cert, key }: Identity): IClientOptions => ({
    ca: readFileSync(certificates.ca),
    cert: readFileSync(cert),
    key: readFileSync(key),
  });

  test('a gateway is who its certificate names, and is heard and answered under that name', async () => {
    const broker = await secured();
    expect(broker.status().url).toMatch(/^mqtts:/);
    const gateway = await gatewayOf(broker, 'plaka', identityOf(certificates.gateway));
    await gateway.send(Uint8Array.of(1));
    await gateway.nextAck();
    expect(receiver.received).toEqual([{ gateway: 'plaka', bytes: Uint8Array.of(1) }]);
  });

  test('it may write and read under no other name', async () => {
    const broker = await secured();
    const gateway = await gatewayOf(broker, 'plaka', identityOf(certificates.gateway));
    await expect(gateway.client.subscribeAsync(topicOf('ikaros', 'ack'), { qos: 1 })).rejects.toThrow();
    await expect(gateway.client.subscribeAsync(topicOf('plaka', 'batch'), { qos: 1 })).rejects.toThrow();
    const closed = closeOf(gateway.client);
    gateway.client.publish(topicOf('ikaros', 'batch'), Buffer.of(1), { qos: 1 });
    await closed;
    expect(receiver.received).toEqual([]);
  });

  test('it cannot take over the connection of another by using its client id', async () => {
    const broker = await secured();
    const options = { clientId: 'the-same-id' };
    const plaka = await gatewayOf(broker, 'plaka', { ...identityOf(certificates.gateway), ...options });
    await gatewayOf(broker, 'centre', { ...identityOf(certificates.centre), ...options });
    await plaka.send(Uint8Array.of(1));
    await plaka.nextAck();
    expect(broker.status().connections).toBe(2);
  });

  test('who has no certificate, or one of another authority, does not get in', async () => {
    const broker = await secured();
    const ca = readFileSync(certificates.ca);
    await closeOf(clientOf(broker, { ca }));
    const strangers = await makeCertificates(join(folder, 'elsewhere'), 'plaka');
    await closeOf(clientOf(broker, { ...identityOf(strangers.gateway), ca }));
    await closeOf(connectedTo(urlOf(broker).replace('mqtts', 'mqtt')));
    expect(broker.status()).toMatchObject({ connections: 0, refused: 3 });
  });

  test('a certificate whose common name is no gateway’s does not get in', async () => {
    const broker = await secured();
    const odd = await makeCertificates(join(folder, 'odd'), 'Plaka Gateway');
    const listen = { host: '127.0.0.1', port: 0 };
    const other = { certFile: odd.broker.cert, keyFile: odd.broker.key, caFile: odd.ca };
    const trusting = await brokerOf({ config: { listen, tls: other } });
    await closeOf(clientOf(trusting, { ...identityOf(odd.gateway), ca: readFileSync(odd.ca) }));
    expect(trusting.status()).toMatchObject({ connections: 0, refused: 1 });
    expect(broker.status().refused).toBe(0);
  });
});

test('an ack that is given just before the end still arrives', async () => {
  const broker = await brokerOf();
  receiver.isAnswering = false;
  const gateway = await gatewayOf(broker);
  await gateway.send(Uint8Array.of(1));
  receiver.answers[0]?.(ACK);
  await broker.close();
  await gateway.nextAck();
  expect(broker.status()).toMatchObject({ address: undefined, connections: 0 });
  receiver.answers[0]?.(ACK);
});

test('refusals do not fill the log', async () => {
  const broker = await brokerOf();
  for (let count = 0; count < 5; count += 1) {
    const client = clientOf(broker);
    await once(client as never, 'connect');
    const closed = closeOf(client);
    client.publish('elsewhere', 'x', { qos: 1 });
    await closed;
  }
  expect(broker.status().refused).toBe(5);
  expect(lines.told.filter((line) => line.startsWith('warn'))).toHaveLength(1);
});
