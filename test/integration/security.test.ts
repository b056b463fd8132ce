/** What a gateway may do and what not, and how it loses that, on a real Mosquitto and on the embedded broker. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type IClientOptions, type MqttClient } from 'mqtt';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Enrolment } from '../../central/enroll/enrolment.ts';
import { systemOpenssl } from '../../central/enroll/openssl.ts';
import { EmbeddedBroker } from '../../central/ingest/embedded-broker.ts';
import { loadGatewayConfig } from '../../daemon/config/config.ts';
import { BOUNDS } from '../../protocol/record.ts';
import { topicOf } from '../../protocol/topics.ts';
import { systemClock } from '../../runtime/clock.ts';
import { systemRandom } from '../../runtime/random.ts';
import { SteppedClock } from '../../sim/clock.ts';
import { LogLines } from '../log-lines.ts';
import { Mosquitto } from '../mosquitto.ts';
import { PlainGateway } from '../plain-gateway.ts';
import { eventually, Programs } from '../processes.ts';

const PLACE = { host: 'centre.example', mqttPort: 8883, udpPort: 20_100, alsoHosts: [] };
const SOON_MS = 10_000;
/** Within which a live connection of who was revoked is closed, in milliseconds. */
const CUT_MS = 60_000;

describe('who was enrolled', { tags: ['openssl'] }, () => {
  let folder: string;
  let enrolment: Enrolment;
  let open: (() => unknown)[];
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'mooring-security-'));
    enrolment = new Enrolment({ folder, clock: systemClock, random: systemRandom, openssl: systemOpenssl });
    for (const gateway of ['plaka', 'ikaros']) await enroll(gateway);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  beforeEach(() => {
    open = [];
  });
  afterEach(async () => {
    for (const close of open.reverse()) await close();
  });

  const enroll = (gateway: string): Promise<unknown> =>
    enrolment.enroll({ gateway, place: PLACE, days: 2, renew: false });
  const file = (...parts: string[]): Buffer => readFileSync(join(folder, ...parts));
  const secretOf = (gateway: string): string => file('gateways', gateway, `${gateway}.password`).toString().trim();
  function identityOf(gateway: string): IClientOptions {
    return {
      ca: file('served', 'ca.pem'),
      cert: file('gateways', gateway, `${gateway}.pem`),
      key: file('gateways', gateway, `${gateway}.key`),
      username: gateway,
      password: secretOf(gateway),
    };
  }

  async function connected(url: string, gateway: string): Promise<PlainGateway> {
    const client = await PlainGateway.connect(url, gateway, { ...identityOf(gateway), clientId: `${gateway}-1` });
    open.push(() => client.end());
    return client;
  }

  /** Why a client does not get in. */
  async function refusalOf(url: string, options: IClientOptions): Promise<string> {
    const client = connect(url, { protocolVersion: 4, reconnectPeriod: 0, connectTimeout: SOON_MS, ...options });
    open.push(() => client.endAsync(true));
    return await new Promise((resolve, reject) => {
      client.once('connect', () => reject(new Error('it got in')));
      client.once('error', ({ message }) => resolve(message));
      client.once('close', () => resolve('closed'));
    });
  }

  const closeOf = (client: MqttClient): Promise<void> =>
    new Promise((resolve) => client.once('close', () => resolve()));

  async function mosquitto(): Promise<{ readonly broker: Mosquitto; readonly url: string }> {
    const programs = new Programs();
    open.push(() => programs.end());
    const broker = await Mosquitto.prepare({ folder: join(folder, 'mosquitto-runs'), programs, authority: folder });
    await broker.start();
    return { broker, url: `mqtts://127.0.0.1:${broker.port}` };
  }

  function embedded(): { readonly broker: EmbeddedBroker; readonly clock: SteppedClock; readonly lines: LogLines } {
    const clock = new SteppedClock(Date.now());
    const lines = new LogLines();
    const tls = {
      certFile: join(folder, 'served', 'broker', 'broker.pem'),
      keyFile: join(folder, 'served', 'broker', 'broker.key'),
      caFile: join(folder, 'served', 'ca.pem'),
      crlFile: join(folder, 'served', 'crl.pem'),
    };
    const intake = { receive: () => undefined };
    const config = { listen: { host: '127.0.0.1', port: 0 }, tls };
    const broker = new EmbeddedBroker({ config, intake, clock, log: lines });
    open.push(async () => {
      const closed = broker.close();
      await clock.advance(1000);
      await closed;
    });
    return { broker, clock, lines };
  }

  test('the snippet is a `forward` that a gateway takes', () => {
    const path = join(folder, 'gateways', 'plaka', 'mooring.yaml');
    const snippet = file('gateways', 'plaka', 'forward.yaml')
      .toString()
      .replace(/^ {2}# (?=centre-udp| {2}udp)/gm, '  ');
    const station = 'stations:\n  - { name: s, sensors: [{ driver: sim, profile: city }] }\n';
    writeFileSync(path, `gateway: plaka\n${station}store: { path: store.db }\n${snippet}`);
    const { forward } = loadGatewayConfig(path);
    expect(forward.map(({ name }) => name)).toEqual(['centre', 'centre-udp']);
  });

  describe('on a real Mosquitto', { tags: ['mosquitto'] }, () => {
    test('reads and writes its own topics; another’s it neither writes nor reads, and nobody takes its name', async () => {
      const { url } = await mosquitto();
      const [plaka, ikaros] = [await connected(url, 'plaka'), await connected(url, 'ikaros')];
      const centre = connect(url, {
        ca: file('served', 'ca.pem'),
        cert: file('served', 'centre', 'centre.pem'),
        key: file('served', 'centre', 'centre.key'),
        username: 'centre',
        password: file('served', 'centre', 'centre.password').toString().trim(),
        protocolVersion: 4,
      });
      open.push(() => centre.endAsync(true));
      const heard: string[] = [];
      centre.on('message', (topic) => heard.push(topic));
      await centre.subscribeAsync('mooring/1/+/batch', { qos: 1 });
      const read: string[] = [];
      ikaros.client.on('message', (topic) => read.push(topic));
      for (const filter of ['#', topicOf('plaka', 'batch'), topicOf('plaka', 'ack')]) {
        // This broker grants what it will not deliver.
        await ikaros.client.subscribeAsync(filter, { qos: 1 }).catch(() => undefined);
      }
      await ikaros.client.publishAsync(topicOf('plaka', 'batch'), 'false', { qos: 1 });
      await ikaros.client.publishAsync(topicOf('ikaros', 'ack'), 'false', { qos: 1 });
      await plaka.client.publishAsync(topicOf('plaka', 'batch'), 'true', { qos: 1 });
      await ikaros.client.publishAsync(topicOf('ikaros', 'batch'), 'true', { qos: 1 });
      await eventually('the centre hears both', SOON_MS, () => heard.length >= 2);
      expect(heard).toEqual([topicOf('plaka', 'batch'), topicOf('ikaros', 'batch')]);
      expect(read).toEqual([]);
      for (const strange of [
        { ...identityOf('ikaros'), username: 'plaka' },
        { ...identityOf('plaka'), password: 'wrong' },
        { ...identityOf('plaka'), username: undefined, password: undefined },
      ]) {
        expect(await refusalOf(url, strange as IClientOptions)).toMatch(/Not authorized|closed/);
      }
      const { cert: _cert, key: _key, ...nobody } = identityOf('plaka');
      expect(await refusalOf(url, nobody)).toMatch(/certificate required|handshake failure|closed|ECONNRESET/);
    });

    test('revoked: its live connection is closed at once, others’ is not, and it does not get in again', async () => {
      await enroll('gone');
      const { broker, url } = await mosquitto();
      const [gone, plaka] = [await connected(url, 'gone'), await connected(url, 'plaka')];
      const identity = identityOf('gone');
      const closed = closeOf(gone.client);
      await enrolment.revoke('gone');
      broker.reload();
      const startMs = systemClock.monotonicMs();
      await closed;
      expect(systemClock.monotonicMs() - startMs).toBeLessThan(CUT_MS);
      expect(await refusalOf(url, identity)).toMatch(/certificate revoked/);
      await plaka.send(Uint8Array.of(1));
      expect(plaka.client.connected).toBe(true);
    });
  });

  describe('on the embedded broker', () => {
    test('revoked: its live connection is closed within a minute, others’ is not, and it does not get in again', async () => {
      await enroll('gone');
      const { broker, clock, lines } = embedded();
      await broker.open(new AbortController().signal);
      const url = broker.status().url as string;
      const [gone, plaka] = [await connected(url, 'gone'), await connected(url, 'plaka')];
      const identity = identityOf('gone');
      const closed = closeOf(gone.client);
      await enrolment.revoke('gone');
      await clock.advance(CUT_MS);
      await closed;
      expect(lines.fields).toContainEqual(
        expect.objectContaining({ gateway: 'gone', reason: 'the certificate is revoked' }),
      );
      expect(await refusalOf(url, identity)).toMatch(/certificate revoked|closed/);
      expect(broker.status().refused).toBe(2);
      await plaka.send(Uint8Array.of(1));
      expect(plaka.client.connected).toBe(true);
    });

    test('a certificate that ends ends its connection, and lets nobody in', async () => {
      const { broker, clock, lines } = embedded();
      await broker.open(new AbortController().signal);
      const url = broker.status().url as string;
      const plaka = await connected(url, 'plaka');
      const closed = closeOf(plaka.client);
      clock.jumpWall(3 * 86_400_000);
      await clock.advance(CUT_MS);
      await closed;
      expect(await refusalOf(url, identityOf('plaka'))).toBeDefined();
      expect(lines.fields).toContainEqual(
        expect.objectContaining({ gateway: 'plaka', reason: 'the certificate has ended' }),
      );
      expect(broker.status().refused).toBe(2);
    });

    test('a list that is damaged is told, and what was known before holds', async () => {
      const { broker, clock, lines } = embedded();
      await broker.open(new AbortController().signal);
      const plaka = await connected(broker.status().url as string, 'plaka');
      const list = file('served', 'crl.pem');
      writeFileSync(join(folder, 'served', 'crl.pem'), 'no list');
      await clock.advance(CUT_MS);
      await lines.until('error: changed certificates are not taken: those from before stay');
      expect(plaka.client.connected).toBe(true);
      writeFileSync(join(folder, 'served', 'crl.pem'), list);
      await clock.advance(CUT_MS);
      await lines.until('info: the embedded broker has read its certificates again');
      expect(lines.said.filter((line) => line.startsWith('error'))).toHaveLength(1);
      await plaka.send(Uint8Array.of(1));
    });

    test('oversized and malformed input is counted and told, and no secret is in the log', async () => {
      const { broker, lines } = embedded();
      await broker.open(new AbortController().signal);
      const plaka = await connected(broker.status().url as string, 'plaka');
      const closed = closeOf(plaka.client);
      plaka.client.publish(topicOf('plaka', 'batch'), Buffer.alloc(BOUNDS.batchBytes + 300), { qos: 1 });
      await closed;
      const ikaros = await connected(broker.status().url as string, 'ikaros');
      const gone = closeOf(ikaros.client);
      ikaros.client.publish(topicOf('plaka', 'batch'), 'false', { qos: 1 });
      await gone;
      expect(broker.status().refused).toBe(2);
      const log = JSON.stringify([lines.said, lines.fields]);
      expect(log).toContain('a packet is too large');
      const secrets = ['plaka', 'ikaros'].flatMap((gateway) => [
        secretOf(gateway),
        file('served', 'keys', `${gateway}.key`).toString().trim(),
        file('gateways', gateway, `${gateway}.key`).toString().split('\n')[1] as string,
      ]);
      expect(secrets.filter((secret) => log.includes(secret))).toEqual([]);
    });
  });
});
