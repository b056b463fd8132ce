import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Certificates } from './certificates.ts';
import { accepts, freePort } from './ports.ts';
import { eventually, type Program, type Programs } from './processes.ts';

export interface MosquittoOptions {
  /** Folder of its configuration and data; made if absent. */
  readonly folder: string;
  readonly programs: Programs;
  /** Keeps retained messages and sessions in a file; false if left out. */
  readonly persistence?: boolean;
  /** Messages that wait for one session; 1,000 if left out. */
  readonly queuedMax?: number;
  /** TLS, a client certificate from everybody, and the rules of the protocol's topics. */
  readonly certificates?: Certificates;
  /** Or: certificates, passwords and rules from a folder of `mooring central enroll`. */
  readonly authority?: string;
}

/** Debian keeps it where a user's PATH does not lead. */
const PATH_WITH_SBIN = `${process.env.PATH}:/usr/local/sbin:/usr/sbin`;
const START_MS = 10_000;
const START_TRIES = 5;

/**
 * Who may do what: a gateway writes its batches and state and reads its acks; only the centre writes acks. The name is
 * the certificate's.
 */
const RULES = `
pattern write mooring/1/%u/batch
pattern write mooring/1/%u/state
pattern read mooring/1/%u/ack

user centre
topic read mooring/1/+/batch
topic read mooring/1/+/state
topic write mooring/1/+/ack
`;

/** A real Mosquitto on a loopback port of its own, that can be killed, stopped and started again where it was. */
export class Mosquitto {
  readonly port: number;
  readonly #options: MosquittoOptions;
  #program: Program | undefined;

  private constructor(options: MosquittoOptions, port: number) {
    this.#options = options;
    this.port = port;
  }

  /** One that is not running yet, with a port that is free now. */
  static async prepare(options: MosquittoOptions): Promise<Mosquitto> {
    const broker = new Mosquitto(options, await freePort());
    mkdirSync(options.folder, { recursive: true });
    writeFileSync(join(options.folder, 'acl'), RULES);
    writeFileSync(join(options.folder, 'mosquitto.conf'), broker.#configuration());
    return broker;
  }

  /** Resolves when it accepts connections. */
  async start(): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      const program = this.#options.programs.start({
        name: 'mosquitto',
        command: 'mosquitto',
        args: ['-c', join(this.#options.folder, 'mosquitto.conf')],
        env: { PATH: PATH_WITH_SBIN },
      });
      const isUp = await eventually('mosquitto accepts connections', START_MS, async () => {
        if (program.hasEnded) return 'no';
        return (await accepts(this.port)) ? 'yes' : undefined;
      });
      this.#program = program;
      if (isUp === 'yes') return;
      if (tries === START_TRIES) program.mustRun();
    }
  }

  async kill(): Promise<void> {
    await this.#program?.kill();
  }

  /** It reads its files again. */
  reload(): void {
    assert(this.#program !== undefined, 'it was started');
    process.kill(this.#program.pid, 'SIGHUP');
  }

  /** It goes on accepting connections, by its kernel, and never answers. */
  pause(): void {
    this.#program?.pause();
  }

  resume(): void {
    this.#program?.resume();
  }

  #configuration(): string {
    const { folder, persistence = false, queuedMax = 1000, certificates, authority } = this.#options;
    const lines = [
      `listener ${this.port} 127.0.0.1`,
      'max_inflight_messages 100',
      `max_queued_messages ${queuedMax}`,
      `persistence ${persistence}`,
      `persistence_location ${folder}/`,
      'log_dest stderr',
      'log_type error',
      'log_type warning',
      'log_type notice',
    ];
    // Started by root it would become another user, who has no way into the folder.
    if (process.getuid?.() === 0) lines.push('user root');
    if (authority !== undefined) lines.push(...enrolledLines(authority));
    else if (certificates === undefined) lines.push('allow_anonymous true');
    else lines.push(...strictLines(certificates, join(folder, 'acl')));
    return `${lines.join('\n')}\n`;
  }
}

function strictLines({ ca, broker }: Certificates, rulesPath: string): readonly string[] {
  return [
    `cafile ${ca}`,
    `certfile ${broker.cert}`,
    `keyfile ${broker.key}`,
    'require_certificate true',
    'use_identity_as_username true',
    `acl_file ${rulesPath}`,
  ];
}

/** As deploy/compose/mosquitto/mosquitto.conf has them. */
function enrolledLines(authority: string): readonly string[] {
  return [
    `cafile ${authority}/served/ca.pem`,
    `crlfile ${authority}/served/crl.pem`,
    `certfile ${authority}/served/broker/broker.pem`,
    `keyfile ${authority}/served/broker/broker.key`,
    'require_certificate true',
    'allow_anonymous false',
    `password_file ${authority}/served/mosquitto/passwords`,
    `acl_file ${authority}/served/mosquitto/acl`,
    'message_size_limit 66000',
  ];
}
