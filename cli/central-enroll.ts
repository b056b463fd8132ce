import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type CentrePlace, Enrolment } from '../central/enroll/enrolment.ts';
import { systemOpenssl } from '../central/enroll/openssl.ts';
import { MooringError } from '../runtime/errors.ts';
import { EXIT } from './failure.ts';
import type { Host } from './host.ts';

export interface RevokeOptions {
  readonly folder: string;
  /** File with the process id of a Mosquitto that is to read its files again. */
  readonly mosquittoPid?: string | undefined;
}

export interface EnrollOptions extends RevokeOptions {
  readonly host?: string | undefined;
  readonly also: readonly string[];
  readonly mqttPort: number;
  readonly udpPort: number;
  readonly days: number;
  readonly renew: boolean;
}

type Needs = Pick<Host, 'clock' | 'random' | 'streams'> & {
  /** Sends a signal to a process. */
  readonly kill: (pid: number, signal: 'SIGHUP') => unknown;
};

/** `mooring central enroll GATEWAY`. Returns the exit status. Throws `ENROLL_FAILED` and `LOCK_HELD`. */
export async function runEnroll(
  gateway: string,
  { folder, host, also, mqttPort, udpPort, days, renew, mosquittoPid }: EnrollOptions,
  { kill, streams, ...parts }: Needs,
): Promise<number> {
  const place: CentrePlace | undefined = host === undefined ? undefined : { host, alsoHosts: also, mqttPort, udpPort };
  const enrolment = new Enrolment({ folder: resolve(folder), openssl: systemOpenssl, ...parts });
  const enrolled = await enrolment.enroll({ gateway, place, days, renew });
  tellMosquitto(mosquittoPid, kill);
  streams.out.write(enrolled.snippet);
  streams.err.write(`\nBring the files of ${enrolled.folder} to the gateway, and delete that folder.\n`);
  streams.err.write(hintOf(mosquittoPid));
  return EXIT.ok;
}

/** `mooring central revoke GATEWAY`. Returns the exit status. Throws `ENROLL_FAILED` and `LOCK_HELD`. */
export async function runRevoke(
  gateway: string,
  { folder, mosquittoPid }: RevokeOptions,
  { kill, streams, ...host }: Needs,
): Promise<number> {
  const { certificates } = await new Enrolment({ folder: resolve(folder), openssl: systemOpenssl, ...host }).revoke(
    gateway,
  );
  tellMosquitto(mosquittoPid, kill);
  streams.out.write(`${gateway}: key, password and rules removed, certificates revoked: ${certificates}\n`);
  streams.err.write(hintOf(mosquittoPid));
  return EXIT.ok;
}

function tellMosquitto(pidFile: string | undefined, kill: Needs['kill']): void {
  if (pidFile === undefined) return;
  try {
    const pid = Number(readFileSync(pidFile, 'utf8').trim());
    if (!Number.isSafeInteger(pid) || pid < 2) throw new RangeError('no process id');
    kill(pid, 'SIGHUP');
  } catch (cause) {
    throw new MooringError('ENROLL_FAILED', 'the files are written, but Mosquitto could not be told', {
      cause,
      context: { path: pidFile },
      hint: 'Send it SIGHUP: until then it goes by the old ones.',
    });
  }
}

function hintOf(pidFile: string | undefined): string {
  return pidFile === undefined
    ? 'A Mosquitto reads its files again on SIGHUP: send it. The centre looks by itself.\n'
    : '';
}
