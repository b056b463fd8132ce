/** A revocation or an enrolment that ends half-way, at each of its steps: asking again completes it. */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../runtime/clock.ts';
import { systemRandom } from '../../runtime/random.ts';
import { revokedSerialsIn } from '../ingest/revocation-list.ts';
import { Enrolment } from './enrolment.ts';
import { systemOpenssl } from './openssl.ts';

const PLACE = { host: 'centre.example', mqttPort: 8883, udpPort: 20_100, alsoHosts: [] };
const KILLING = join(import.meta.dirname, '..', '..', 'test', 'faults', 'kill-at-step.ts');
const module = (path: string): string => JSON.stringify(join(import.meta.dirname, path));
const PROGRAM = `
import { Enrolment } from ${module('enrolment.ts')};
import { systemOpenssl as openssl } from ${module('openssl.ts')};
import { systemClock as clock } from ${module('../../runtime/clock.ts')};
import { systemRandom as random } from ${module('../../runtime/random.ts')};
const [folder, verb] = process.argv.slice(1);
const enrolment = new Enrolment({ folder, clock, random, openssl });
if (verb === 'revoke') await enrolment.revoke('buoy');
else await enrolment.enroll({ gateway: 'sea', place: undefined, days: 30, renew: false });
`;

describe('a revocation that is cut off', { tags: ['openssl'] }, () => {
  let scratch: string;
  const enrolmentIn = (folder: string): Enrolment =>
    new Enrolment({ folder, clock: systemClock, random: systemRandom, openssl: systemOpenssl });
  const enroll = (folder: string, gateway: string, renew = false): Promise<unknown> =>
    enrolmentIn(folder).enroll({ gateway, place: PLACE, days: 30, renew });

  /** As it stands once the files are at the gateways, with two certificates of one of them. */
  const template = (): string => join(scratch, 'template');
  function copy(name: string): string {
    const folder = join(scratch, name);
    cpSync(template(), folder, { recursive: true });
    return folder;
  }
  const read = (folder: string, ...parts: string[]): string => readFileSync(join(folder, 'served', ...parts), 'utf8');

  function expectRevoked(folder: string): void {
    expect(revokedSerialsIn(read(folder, 'crl.pem')).size).toBe(2);
    expect(readdirSync(join(folder, 'served', 'keys'))).toEqual(['plaka.key']);
    for (const file of ['passwords', 'acl']) {
      expect(read(folder, 'mosquitto', file)).not.toContain('buoy');
      expect(read(folder, 'mosquitto', file)).toContain('plaka');
    }
    expect(existsSync(join(folder, 'gateways', 'buoy'))).toBe(false);
    expect(readdirSync(join(folder, 'revoking'))).toEqual([]);
  }

  beforeAll(async () => {
    scratch = mkdtempSync(join(tmpdir(), 'mooring-revoke-'));
    await enroll(template(), 'buoy');
    await enroll(template(), 'buoy', true);
    await enroll(template(), 'plaka');
    rmSync(join(template(), 'gateways'), { recursive: true });
  });
  afterAll(() => rmSync(scratch, { recursive: true, force: true }));

  test('by SIGKILL before any of its changes: the next one completes it, and says that there was something to do', async () => {
    let cuts = 0;
    for (; ; cuts += 1) {
      const folder = copy(`cut-${cuts}`);
      const args = ['--import', KILLING, '--input-type=module', '-e', PROGRAM, folder, 'revoke'];
      const env = { ...process.env, MOORING_KILL_AT: String(cuts) };
      const { status, signal, stderr } = spawnSync(process.execPath, args, { env, encoding: 'utf8' });
      if (signal !== 'SIGKILL') {
        expect([status, stderr]).toEqual([0, '']);
        expectRevoked(folder);
        break;
      }
      await enrolmentIn(folder).revoke('buoy');
      expectRevoked(folder);
    }
    // The mark, the key, rules, passwords, two certificates, the list, the folder, the mark.
    expect(cuts).toBeGreaterThanOrEqual(9);
  });

  test('an enrolment completes it first: no certificate from before is good any more', async () => {
    const folder = copy('again');
    const failing = async (): Promise<void> => await Promise.reject(new Error('cut'));
    const cut = new Enrolment({ folder, clock: systemClock, random: systemRandom, openssl: failing });
    await expect(cut.revoke('buoy')).rejects.toThrow('cut');
    expect(revokedSerialsIn(read(folder, 'crl.pem')).size).toBe(0);
    await enroll(folder, 'buoy');
    expect(revokedSerialsIn(read(folder, 'crl.pem')).size).toBe(2);
    expect(await enrolmentIn(folder).revoke('buoy')).toEqual({ certificates: 1 });
  });

  test('an enrolment that is cut off by SIGKILL is completed by the next, or taken back', async () => {
    // Each of them runs OpenSSL several times: every third will do.
    for (let cuts = 1; ; cuts += 3) {
      const folder = copy(`enrolling-${cuts}`);
      const args = ['--import', KILLING, '--input-type=module', '-e', PROGRAM, folder, 'enroll'];
      const env = { ...process.env, MOORING_KILL_AT: String(cuts) };
      const { status, signal, stderr } = spawnSync(process.execPath, args, { env, encoding: 'utf8' });
      if (signal === 'SIGKILL') await enroll(folder, 'sea', cuts % 2 === 1);
      else expect([status, stderr]).toEqual([0, '']);
      const own = readdirSync(join(folder, 'gateways', 'sea')).sort();
      expect(own).toEqual(['ca.pem', 'forward.yaml', 'sea.key', 'sea.password', 'sea.pem', 'sea.udp.key']);
      expect(read(folder, 'keys', 'sea.key')).toBe(
        readFileSync(join(folder, 'gateways', 'sea', 'sea.udp.key'), 'utf8'),
      );
      for (const file of ['passwords', 'acl']) expect(read(folder, 'mosquitto', file).match(/\bsea\b/)).not.toBeNull();
      await expect(enroll(folder, 'sea')).rejects.toMatchObject({ code: 'ENROLL_FAILED' });
      if (signal !== 'SIGKILL') return;
    }
  }, 60_000);

  test('a user of the broker that is no gateway is neither taken over nor taken away', async () => {
    const folder = copy('device');
    const passwords = join(folder, 'served', 'mosquitto', 'passwords');
    const before = `${readFileSync(passwords, 'utf8')}thermometer:$7$101$c2FsdA==$aGFzaA==\n`;
    writeFileSync(passwords, before);
    await expect(enroll(folder, 'thermometer')).rejects.toMatchObject({ code: 'ENROLL_FAILED' });
    await expect(enrolmentIn(folder).revoke('thermometer')).rejects.toMatchObject({ code: 'ENROLL_FAILED' });
    expect(readFileSync(passwords, 'utf8')).toBe(before);
  });

  test('OpenSSL’s index that was put aside and not replaced is taken up again', async () => {
    const folder = copy('index');
    await enrolmentIn(folder).revoke('buoy');
    const index = join(folder, 'index.txt');
    renameSync(index, `${index}.new`);
    await enroll(folder, 'buoy');
    expect(await enrolmentIn(folder).revoke('buoy')).toEqual({ certificates: 1 });
    expect(revokedSerialsIn(read(folder, 'crl.pem')).size).toBe(3);
  });
});
