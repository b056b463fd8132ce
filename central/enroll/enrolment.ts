import { chmodSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { NAME_PATTERN } from '../../protocol/record.ts';
import type { Clock } from '../../runtime/clock.ts';
import { MooringError } from '../../runtime/errors.ts';
import { lockFile } from '../../runtime/lock.ts';
import type { Random } from '../../runtime/random.ts';
import { UDP_KEY_BYTES } from '../../runtime/udp-key.ts';
import { Authority, type IdentityFiles, SERVED } from './authority.ts';
import { GATEWAY_LIST, withGateway } from './gateway-list.ts';
import {
  CENTRE,
  CENTRE_RULES,
  gatewayRules,
  namesUser,
  passwordLine,
  withPassword,
  withRules,
} from './mosquitto-entries.ts';
import type { Openssl } from './openssl.ts';
import { snippetOf } from './snippet.ts';
import { textOf, writeWhole } from './whole-file.ts';

export interface EnrolmentOptions {
  /** Folder of the authority and of all that it hands out. */
  readonly folder: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly openssl: Openssl;
}

/** Where gateways reach the centre. */
export interface CentrePlace {
  readonly host: string;
  readonly mqttPort: number;
  readonly udpPort: number;
  /** Other names of the broker, for its certificate. */
  readonly alsoHosts: readonly string[];
}

export interface EnrollRequest {
  readonly gateway: string;
  /** Where it was said before, it may be left out. */
  readonly place: CentrePlace | undefined;
  /** How long the certificate is good for. */
  readonly days: number;
  /** A new certificate and key for one that is enrolled; the old certificate stays good until its end. */
  readonly renew: boolean;
}

export interface Enrolled {
  /** With all that the gateway needs; to be brought there and deleted here. */
  readonly folder: string;
  /** What goes into the gateway's configuration. */
  readonly snippet: string;
}

export interface Revoked {
  readonly certificates: number;
}

/** Names that are somebody else's at the broker, and in the folder. */
const RESERVED: readonly string[] = [CENTRE, 'broker'];
/** Certificates of broker and centre are made anew when they have no longer than this. */
const OWN_DAYS_MIN = 60;
const OWN_DAYS = 825;
const SECRET_MODE = 0o600;
/** Of the broker and the centre, which often run as users of their own: the group of this folder's owner may read them. */
const GROUP_MODE = 0o640;
const SECRET_BYTES = 32;
const LOCAL_HOSTS = ['localhost', '127.0.0.1'];

/**
 * Who may speak to the centre: gives a gateway its key for UDP, its certificate and password for MQTT and its rules at the
 * broker, and takes all of it back. Each change is complete when its promise resolves; one that was interrupted is made
 * complete by asking again.
 */
export class Enrolment {
  readonly #options: EnrolmentOptions;
  readonly #authority: Authority;

  constructor(options: EnrolmentOptions) {
    this.#options = options;
    this.#authority = new Authority(options.folder, options.openssl);
  }

  /** Throws `ENROLL_FAILED`, and `LOCK_HELD` where another process is at it. */
  async enroll({ gateway, place, days, renew }: EnrollRequest): Promise<Enrolled> {
    checkName(gateway);
    return await this.#alone(async () => {
      const known = this.#place(place);
      if (this.#isBeingRevoked(gateway)) await this.#takeBack(gateway);
      const isUnfinished = existsSync(this.#at('enrolling', gateway));
      const isEnrolled = this.#isEnrolled(gateway) && !isUnfinished;
      if (isEnrolled && !renew) {
        throw new MooringError('ENROLL_FAILED', 'this gateway is enrolled', {
          context: { gateway },
          hint: 'Say --renew for a new certificate, or revoke it first.',
        });
      }
      if (!isEnrolled && !isUnfinished && renew) throw notEnrolled(gateway);
      if (!isEnrolled && !isUnfinished && this.#isUser(gateway)) {
        throw new MooringError('ENROLL_FAILED', 'the broker has a user of this name that is no gateway', {
          context: { gateway },
          hint: 'Take another name, or take that user out of served/mosquitto/passwords.',
        });
      }
      if (!isEnrolled) writeWhole(this.#at('enrolling', gateway), '');
      await this.#authority.open();
      await this.#serveCentre(known);
      const folder = this.#at('gateways', gateway);
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      const identity = { cert: join(folder, `${gateway}.pem`), key: join(folder, `${gateway}.key`) };
      await this.#authority.issue(gateway, { kind: 'client' }, days, identity);
      writeWhole(join(folder, 'ca.pem'), textOf(this.#authority.certFile));
      this.#expect(gateway, true);
      if (!isEnrolled) this.#admit(gateway, folder);
      const snippet = snippetOf(gateway, known);
      writeWhole(join(folder, 'forward.yaml'), snippet);
      rmSync(this.#at('enrolling', gateway), { force: true });
      return { folder, snippet };
    });
  }

  /** Throws `ENROLL_FAILED` where nothing of this gateway is there, and `LOCK_HELD`. */
  async revoke(gateway: string): Promise<Revoked> {
    checkName(gateway);
    return await this.#alone(async () => {
      const isKnown =
        this.#isEnrolled(gateway) ||
        this.#isBeingRevoked(gateway) ||
        existsSync(this.#at('enrolling', gateway)) ||
        existsSync(this.#at('gateways', gateway));
      // A device's own user is not ours to take away.
      if (!isKnown && this.#isUser(gateway)) throw notEnrolled(gateway);
      if (!existsSync(this.#authority.certFile)) throw notEnrolled(gateway);
      const certificates = await this.#takeBack(gateway);
      if (!isKnown && certificates === 0) throw notEnrolled(gateway);
      return { certificates };
    });
  }

  /** Each step may be the last of this process: the mark stays until all are done, and each may be done again. */
  async #takeBack(gateway: string): Promise<number> {
    writeWhole(this.#at('revoking', gateway), '');
    // What needs no program goes first: the key for UDP, and what it may do at the broker.
    rmSync(this.#served('keys', `${gateway}.key`), { force: true });
    this.#setUser(gateway, undefined);
    this.#expect(gateway, false);
    const certificates = await this.#authority.revoke(gateway);
    rmSync(this.#at('gateways', gateway), { recursive: true, force: true });
    rmSync(this.#at('enrolling', gateway), { force: true });
    rmSync(this.#at('revoking', gateway));
    return certificates;
  }

  async #alone<T>(work: () => Promise<T>): Promise<T> {
    mkdirSync(this.#options.folder, { recursive: true, mode: 0o750 });
    const lock = lockFile(this.#at('lock'));
    try {
      return await work();
    } finally {
      lock.release();
    }
  }

  #at(...parts: readonly string[]): string {
    return join(this.#options.folder, ...parts);
  }

  /** Of what broker and centre read. */
  #served(...parts: readonly string[]): string {
    return this.#at(SERVED, ...parts);
  }

  #isEnrolled(gateway: string): boolean {
    return existsSync(this.#served('keys', `${gateway}.key`));
  }

  #isUser(name: string): boolean {
    return namesUser(textOf(this.#served('mosquitto', 'passwords')), name);
  }

  /** Whether a revocation of it was cut off. */
  #isBeingRevoked(gateway: string): boolean {
    return existsSync(this.#at('revoking', gateway));
  }

  /** Keeps where gateways reach the centre, so that it is said once. */
  #place(place: CentrePlace | undefined): CentrePlace {
    const path = this.#at('place.json');
    if (place !== undefined) {
      writeWhole(path, `${JSON.stringify(place)}\n`);
      return place;
    }
    const text = textOf(path);
    if (text === '') {
      throw new MooringError('ENROLL_FAILED', 'it is not known where gateways reach the centre', {
        hint: 'Say it once: --host centre.example.',
      });
    }
    return JSON.parse(text) as CentrePlace;
  }

  /** The broker's certificate, and the centre's certificate, password and rules at a Mosquitto. */
  async #serveCentre({ host, alsoHosts }: CentrePlace): Promise<void> {
    const hosts = [...new Set([host, ...alsoHosts, ...LOCAL_HOSTS])];
    await this.#serve('broker', { kind: 'server', hosts });
    await this.#serve(CENTRE, { kind: 'client' });
    if (!this.#isUser(CENTRE)) {
      this.#setUser(CENTRE, { rules: CENTRE_RULES, password: this.#newPassword(this.#served(CENTRE)) });
    }
  }

  async #serve(name: string, use: Parameters<Authority['issue']>[1]): Promise<void> {
    mkdirSync(this.#served(name), { recursive: true, mode: 0o750 });
    const identity: IdentityFiles = { cert: this.#served(name, `${name}.pem`), key: this.#served(name, `${name}.key`) };
    const wallMs = this.#options.clock.wallMs();
    if (existsSync(identity.cert) && Authority.daysLeft(identity.cert, wallMs) >= OWN_DAYS_MIN) return;
    await this.#authority.issue(name, use, OWN_DAYS, identity);
    chmodSync(identity.key, GROUP_MODE);
  }

  /** Whether the centre is to miss it: before it can be heard, so that one that never is does not go unnoticed. */
  #expect(gateway: string, isExpected: boolean): void {
    const list = this.#served(GATEWAY_LIST);
    writeWhole(list, withGateway(textOf(list), gateway, isExpected));
  }

  /** Password and key of a gateway: with the key it counts as enrolled. */
  #admit(gateway: string, folder: string): void {
    this.#setUser(gateway, { rules: gatewayRules(gateway), password: this.#newPassword(folder, gateway) });
    const key = `${this.#hex(UDP_KEY_BYTES)}\n`;
    writeWhole(join(folder, `${gateway}.udp.key`), key, SECRET_MODE);
    writeWhole(this.#served('keys', `${gateway}.key`), key, SECRET_MODE);
  }

  #newPassword(folder: string, name: string = CENTRE): string {
    const password = this.#hex(SECRET_BYTES);
    const mode = name === CENTRE ? GROUP_MODE : SECRET_MODE;
    writeWhole(join(folder, `${name}.password`), `${password}\n`, mode);
    return password;
  }

  #setUser(user: string, entry: { readonly rules: readonly string[]; readonly password: string } | undefined): void {
    const [passwords, rules] = [this.#served('mosquitto', 'passwords'), this.#served('mosquitto', 'acl')];
    const line = entry && passwordLine(user, entry.password, this.#options.random);
    writeWhole(rules, withRules(textOf(rules), user, entry?.rules));
    writeWhole(passwords, withPassword(textOf(passwords), user, line));
  }

  #hex(bytes: number): string {
    return Buffer.from(this.#options.random.bytes(bytes)).toString('hex');
  }
}

function checkName(gateway: string): void {
  if (NAME_PATTERN.test(gateway) && !RESERVED.includes(gateway)) return;
  throw new MooringError('ENROLL_FAILED', 'no gateway may have this name', {
    context: { gateway },
    hint: `A name has 1 to 63 of a-z, 0-9, dot, underscore, hyphen, begins with a letter or digit, and is not ${RESERVED.join(' or ')}.`,
  });
}

function notEnrolled(gateway: string): MooringError {
  return new MooringError('ENROLL_FAILED', 'this gateway is not enrolled', { context: { gateway } });
}
