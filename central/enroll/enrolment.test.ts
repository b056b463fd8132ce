import { X509Certificate } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../runtime/clock.ts';
import { lockFile } from '../../runtime/lock.ts';
import { SeededRandom } from '../../runtime/random.ts';
import { revokedSerialsIn, serialText } from '../ingest/revocation-list.ts';
import { type EnrollRequest, Enrolment } from './enrolment.ts';
import { type Openssl, systemOpenssl } from './openssl.ts';

const PLACE = { host: 'centre.example', mqttPort: 8883, udpPort: 20_100, alsoHosts: ['mosquitto'] };

describe('the authority of a centre', { tags: ['openssl'] }, () => {
  let folder: string;
  let enrolment: Enrolment;
  const at = (...parts: string[]): string => join(folder, ...parts);
  const read = (...parts: string[]): string => readFileSync(at(...parts), 'utf8');
  const asked = (gateway: string, more: Partial<EnrollRequest> = {}): EnrollRequest => {
    return { gateway, place: undefined, days: 30, renew: false, ...more };
  };
  const enrolmentWith = (openssl: Openssl): Enrolment =>
    new Enrolment({ folder, clock: systemClock, random: new SeededRandom(1), openssl });
  const modesOf = (name: string): Record<string, string> =>
    Object.fromEntries(
      readdirSync(at(name)).map((file) => [file, (statSync(at(name, file)).mode & 0o777).toString(8)]),
    );

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'mooring-enroll-'));
    enrolment = enrolmentWith(systemOpenssl);
    await enrolment.enroll(asked('plaka', { place: PLACE }));
    await enrolment.enroll(asked('ikaros'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('a gateway gets a certificate of the authority under its name, and secrets that only their owner may read', () => {
    const certificate = new X509Certificate(read('gateways', 'plaka', 'plaka.pem'));
    expect(certificate.subject).toBe('CN=plaka');
    expect(certificate.verify(new X509Certificate(read('served', 'ca.pem')).publicKey)).toBe(true);
    expect(certificate.ca).toBe(false);
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
    expect(modesOf('gateways/plaka')).toMatchObject({
      'plaka.key': '600',
      'plaka.password': '600',
      'plaka.udp.key': '600',
    });
    expect(Object.keys(modesOf('gateways/plaka'))).toHaveLength(6);
    expect((statSync(at('ca.key')).mode & 0o777).toString(8)).toBe('600');
    expect(modesOf('served/broker')).toMatchObject({ 'broker.key': '640' });
    expect(modesOf('served/centre')).toMatchObject({ 'centre.key': '640', 'centre.password': '640' });
    expect(modesOf('served/keys')).toEqual({ 'plaka.key': '600', 'ikaros.key': '600' });
    expect(read('served', 'gateways.txt')).toBe('plaka\nikaros\n');
    expect(read('served', 'keys', 'plaka.key')).toMatch(/^[0-9a-f]{64}\n$/);
    expect(read('served', 'keys', 'plaka.key')).toBe(read('gateways', 'plaka', 'plaka.udp.key'));
    expect(read('served', 'keys', 'plaka.key')).not.toBe(read('served', 'keys', 'ikaros.key'));
  });

  test('what broker and centre read is in a folder of its own, and nothing else is: no key of the authority or of a gateway', () => {
    expect(readdirSync(at('served')).sort()).toEqual([
      ...['broker', 'ca.pem', 'centre', 'crl.pem', 'gateways.txt', 'keys', 'mosquitto'],
    ]);
    expect(readdirSync(at('served', 'broker')).sort()).toEqual(['broker.key', 'broker.pem']);
    expect(readdirSync(at('served', 'centre')).sort()).toEqual(['centre.key', 'centre.password', 'centre.pem']);
  });

  test('the broker’s certificate is good for each of its names', () => {
    const broker = new X509Certificate(read('served', 'broker', 'broker.pem'));
    expect(['centre.example', 'mosquitto', 'localhost'].filter((host) => broker.checkHost(host) === host)).toHaveLength(
      3,
    );
    expect(broker.checkIP('127.0.0.1')).toBe('127.0.0.1');
  });

  test('each has its own rules at the broker, and the broker’s file holds no password', () => {
    expect(read('served', 'mosquitto', 'acl')).toContain(
      'user ikaros\ntopic write mooring/1/ikaros/batch\ntopic write mooring/1/ikaros/state\ntopic read mooring/1/ikaros/ack\n',
    );
    const password = read('gateways', 'plaka', 'plaka.password').trim();
    expect(
      read('served', 'mosquitto', 'passwords')
        .split('\n')
        .map((line) => line.split(':')[0]),
    ).toEqual(['centre', 'plaka', 'ikaros', '']);
    expect(read('served', 'mosquitto', 'passwords')).not.toContain(password);
  });

  test('a second time is refused, and names that stand for somebody else', async () => {
    await expect(enrolment.enroll(asked('plaka'))).rejects.toMatchObject({ code: 'ENROLL_FAILED' });
    for (const name of ['centre', 'broker', '../keys', 'a/b', '', '+', 'Plaka']) {
      await expect(enrolment.enroll(asked(name))).rejects.toMatchObject({ code: 'ENROLL_FAILED' });
      await expect(enrolment.revoke(name)).rejects.toMatchObject({ code: 'ENROLL_FAILED' });
    }
    await expect(enrolment.revoke('unknown')).rejects.toMatchObject({ code: 'ENROLL_FAILED' });
    await expect(enrolment.enroll(asked('unknown', { renew: true }))).rejects.toMatchObject({ code: 'ENROLL_FAILED' });
  });

  test('two processes are not at it at once', async () => {
    const lock = lockFile(at('lock'));
    await expect(enrolment.revoke('plaka')).rejects.toMatchObject({ code: 'LOCK_HELD' });
    lock.release();
  });

  test('revoked: every certificate that it has, and nothing of it is left; what others have stays as it was', async () => {
    writeFileSync(
      at('served', 'mosquitto', 'acl'),
      `topic read public/#\n\nuser meter\ntopic write m/#\n\n${read('served', 'mosquitto', 'acl')}`,
    );
    await enrolment.enroll(asked('buoy'));
    const first = new X509Certificate(read('gateways', 'buoy', 'buoy.pem')).serialNumber;
    await enrolment.enroll(asked('buoy', { renew: true }));
    const second = new X509Certificate(read('gateways', 'buoy', 'buoy.pem')).serialNumber;
    const failing = enrolmentWith(async (args, where) => {
      if (args.includes('-gencrl')) throw new Error('cut');
      await systemOpenssl(args, where);
    });
    await expect(failing.revoke('buoy')).rejects.toThrow('cut');
    expect(existsSync(at('served', 'keys', 'buoy.key'))).toBe(false);
    expect(read('served', 'gateways.txt').split('\n')).not.toContain('buoy');
    // Nothing is valid any more, but the list does not say so yet: the second time it does.
    expect(await enrolment.revoke('buoy')).toEqual({ certificates: 0 });
    await expect(enrolment.revoke('buoy')).rejects.toMatchObject({ code: 'ENROLL_FAILED' });
    expect(existsSync(at('gateways', 'buoy'))).toBe(false);
    expect(revokedSerialsIn(read('served', 'crl.pem'))).toEqual(new Set([first, second].map(serialText)));
    expect(read('served', 'mosquitto', 'acl')).not.toContain('buoy');
    expect(read('served', 'mosquitto', 'acl')).toContain(
      'topic read public/#\n\nuser meter\ntopic write m/#\n\nuser centre\n',
    );
    expect(read('served', 'mosquitto', 'passwords')).not.toContain('buoy');
    const again = await enrolment.enroll(asked('buoy'));
    expect(existsSync(join(again.folder, 'buoy.pem'))).toBe(true);
    expect(await enrolment.revoke('buoy')).toEqual({ certificates: 1 });
  });

  test('a list that is none, cut off or damaged is refused', () => {
    expect(() => revokedSerialsIn('')).toThrow(RangeError);
    const der = Buffer.from(read('served', 'crl.pem').split('\n').slice(1, -2).join(''), 'base64');
    const pem = (bytes: Uint8Array): string =>
      `-----BEGIN X509 CRL-----\n${Buffer.from(bytes).toString('base64')}\n-----END X509 CRL-----\n`;
    for (let length = 1; length < der.length; length += 1) {
      expect(() => revokedSerialsIn(pem(der.subarray(0, length)))).toThrow(RangeError);
    }
  });
});

test('without OpenSSL it says what to install', async () => {
  const path = process.env.PATH;
  process.env.PATH = '/nonexistent';
  try {
    await expect(systemOpenssl(['version'], tmpdir())).rejects.toMatchObject({
      code: 'ENROLL_FAILED',
      hint: expect.stringContaining('openssl'),
    });
  } finally {
    process.env.PATH = path;
  }
});
