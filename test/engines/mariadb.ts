import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { freePort } from '../ports.ts';
import { eventually, type Program, Programs, runTool } from '../processes.ts';

export interface MariadbOptions {
  /** PEM, certificate and key: it speaks TLS where it is asked to. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Flags of `mariadbd` beside the usual ones. */
  readonly flags?: readonly string[];
}

/** Who may do everything, over TCP. */
export const ADMIN = { user: 'admin', password: 'p:ä55 \'"\\' } as const;

const START_MS = 60_000;

/** A real MariaDB on a loopback port of its own, that can be killed and started again where it was. */
export class Mariadb {
  readonly port: number;
  readonly #folder: string;
  readonly #programs = new Programs();
  readonly #options: MariadbOptions;
  #program: Program | undefined;

  private constructor(port: number, options: MariadbOptions) {
    this.port = port;
    this.#options = options;
    this.#folder = mkdtempSync(join(tmpdir(), 'mooring-mariadb-'));
  }

  /** Resolves when it serves. */
  static async start(options: MariadbOptions = {}): Promise<Mariadb> {
    const mariadb = new Mariadb(await freePort(), options);
    await runTool('mariadb-install-db', [
      '--no-defaults',
      ...AS_ROOT,
      `--datadir=${mariadb.#data}`,
      '--auth-root-authentication-method=normal',
      '--skip-test-db',
    ]);
    const password = ADMIN.password.replaceAll(/['\\]/g, '\\$&');
    writeFileSync(
      join(mariadb.#folder, 'init.sql'),
      `SET SESSION sql_mode = '';
CREATE USER IF NOT EXISTS ${ADMIN.user}@'127.0.0.1' IDENTIFIED BY '${password}';
GRANT ALL ON *.* TO ${ADMIN.user}@'127.0.0.1' WITH GRANT OPTION;
`,
    );
    await mariadb.#start();
    return mariadb;
  }

  async restart(): Promise<void> {
    await this.#program?.kill();
    await this.#start();
  }

  pause(): void {
    this.#program?.pause();
  }

  resume(): void {
    this.#program?.resume();
  }

  async stop(): Promise<void> {
    await this.#programs.end();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  get #data(): string {
    return join(this.#folder, 'data');
  }

  async #start(): Promise<void> {
    const { tls, flags = [] } = this.#options;
    const program = this.#programs.start({
      name: 'mariadbd',
      command: 'mariadbd',
      args: [
        '--no-defaults',
        ...AS_ROOT,
        `--datadir=${this.#data}`,
        `--socket=${join(this.#folder, 's')}`,
        `--pid-file=${join(this.#folder, 'pid')}`,
        `--init-file=${join(this.#folder, 'init.sql')}`,
        `--port=${this.port}`,
        ...['--bind-address=127.0.0.1', '--skip-name-resolve', '--innodb-buffer-pool-size=64M'],
        ...(tls === undefined ? [] : [`--ssl-cert=${tls.cert}`, `--ssl-key=${tls.key}`]),
        ...flags,
      ],
    });
    this.#program = program;
    await eventually('mariadbd serves', START_MS, () => {
      program.mustRun();
      return program.lines.some(({ msg }) => msg.includes('ready for connections'));
    });
  }
}

/** It refuses to run as root by default. */
const AS_ROOT = process.getuid?.() === 0 ? ['--user=root'] : [];
