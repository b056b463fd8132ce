import { chownSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { freePort } from '../ports.ts';
import { eventually, type Program, type ProgramOptions, runTool } from '../processes.ts';
import { hasSaid, LocalServer } from './local-server.ts';

export interface PostgresOptions {
  /** PEM, certificate and key: it speaks TLS where it is asked to. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** `name=value`, beside the usual ones. */
  readonly settings?: readonly string[];
  /** Lines of pg_hba.conf that come first. */
  readonly rules?: readonly string[];
}

/** Who may do everything, over TCP. */
export const ADMIN = { user: 'admin', password: 'p:ä55 \'"\\' } as const;

const START_MS = 60_000;
const END_MS = 20_000;
const CHILDREN_TRIES = 20;
/** `nobody`: neither initdb nor the server runs as root. */
const NOBODY = 65_534;
const IS_ROOT = process.getuid?.() === 0;
const AS_NOBODY = IS_ROOT ? ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'] : [];

/** A real PostgreSQL on a loopback port of its own, that can be killed and started again where it was. */
export class Postgres extends LocalServer {
  readonly port: number;
  readonly #options: PostgresOptions;
  #server: Program | undefined;

  private constructor(port: number, options: PostgresOptions) {
    super('postgres', START_MS);
    this.port = port;
    this.#options = options;
  }

  /** Resolves when it serves. */
  static async start(options: PostgresOptions = {}): Promise<Postgres> {
    return await new Postgres(await freePort(), options).begin();
  }

  /** SIGKILL, to its children too: those that it leaves keep it from being started again. */
  override async kill(): Promise<void> {
    const children = this.#stopped();
    const ended = super.kill();
    // It has ended for whoever reads its output when they have, too.
    for (const pid of children) signalTo(pid, 'SIGKILL');
    await ended;
    await eventually('its children have ended', END_MS, () => children.every((pid) => !isThere(pid)));
  }

  /** SIGSTOP, to its children too, which are what a client is answered by. */
  override pause(): void {
    this.#stopped();
  }

  override resume(): void {
    for (const pid of this.#children()) signalTo(pid, 'SIGCONT');
    super.resume();
  }

  protected override async prepare(): Promise<void> {
    const password = join(this.folder, 'admin-password');
    writeFileSync(password, `${ADMIN.password}\n`);
    mkdirSync(this.#data);
    if (IS_ROOT) for (const path of [this.folder, this.#data, password]) chownSync(path, NOBODY, NOBODY);
    const flags = [`--username=${ADMIN.user}`, `--pwfile=${password}`, '--auth=scram-sha-256', '--no-sync'];
    await run(['initdb', '-D', this.#data, '--encoding=UTF8', '--locale=C', ...flags]);
    const rules = [...(this.#options.rules ?? []), 'host all all 127.0.0.1/32 scram-sha-256', ''];
    writeFileSync(join(this.#data, 'pg_hba.conf'), rules.join('\n'));
    const { tls } = this.#options;
    if (tls === undefined) return;
    for (const [file, name] of [
      [tls.cert, 'server.crt'],
      [tls.key, 'server.key'],
    ] as const) {
      const copy = join(this.#data, name);
      copyFileSync(file, copy);
      if (IS_ROOT) chownSync(copy, NOBODY, NOBODY);
    }
  }

  protected programs(): readonly ProgramOptions[] {
    const { tls, settings = [] } = this.#options;
    const all = [
      'listen_addresses=127.0.0.1',
      `port=${this.port}`,
      `unix_socket_directories=${this.folder}`,
      'shared_buffers=64MB',
      'log_line_prefix=',
      ...(tls === undefined ? [] : ['ssl=on']),
      ...settings,
    ];
    const [command = '', ...args] = [...AS_NOBODY, 'postgres', '-D', this.#data, ...all.flatMap((one) => ['-c', one])];
    return [{ name: 'postgres', command, args }];
  }

  protected serves([postgres]: readonly Program[]): boolean {
    this.#server = postgres;
    return hasSaid(postgres, /database system is ready to accept connections/);
  }

  get #data(): string {
    return join(this.folder, 'data');
  }

  /** All stand still; the children's ids. One that was forked meanwhile is stopped as well. */
  #stopped(): readonly number[] {
    super.pause();
    let known: readonly number[] = [];
    for (let tries = 0; tries < CHILDREN_TRIES; tries += 1) {
      const children = this.#children();
      for (const pid of children) signalTo(pid, 'SIGSTOP');
      if (children.length === known.length) break;
      known = children;
    }
    return known;
  }

  #children(): readonly number[] {
    if (this.#server === undefined || this.#server.hasEnded) return [];
    const { pid } = this.#server;
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  }
}

async function run([command = '', ...args]: readonly string[]): Promise<void> {
  const [first = command, ...more] = [...AS_NOBODY, command, ...args];
  await runTool(first, more);
}

function signalTo(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // It has ended by itself.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function isThere(pid: number): boolean {
  try {
    // A zombie has ended, too.
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}
