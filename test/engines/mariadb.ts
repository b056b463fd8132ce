import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { freePort } from '../ports.ts';
import { type Program, type ProgramOptions, runTool } from '../processes.ts';
import { hasSaid, LocalServer } from './local-server.ts';

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
export class Mariadb extends LocalServer {
  readonly port: number;
  readonly #options: MariadbOptions;

  private constructor(port: number, options: MariadbOptions) {
    super('mariadb', START_MS);
    this.port = port;
    this.#options = options;
  }

  /** Resolves when it serves. */
  static async start(options: MariadbOptions = {}): Promise<Mariadb> {
    return await new Mariadb(await freePort(), options).begin();
  }

  protected override async prepare(): Promise<void> {
    await runTool('mariadb-install-db', [
      '--no-defaults',
      ...AS_ROOT,
      `--datadir=${this.#data}`,
      '--auth-root-authentication-method=normal',
      '--skip-test-db',
    ]);
    const password = ADMIN.password.replaceAll(/['\\]/g, '\\$&');
    writeFileSync(
      join(this.folder, 'init.sql'),
      `SET SESSION sql_mode = '';
CREATE USER IF NOT EXISTS ${ADMIN.user}@'127.0.0.1' IDENTIFIED BY '${password}';
GRANT ALL ON *.* TO ${ADMIN.user}@'127.0.0.1' WITH GRANT OPTION;
`,
    );
  }

  protected programs(): readonly ProgramOptions[] {
    const { tls, flags = [] } = this.#options;
    const args = [
      '--no-defaults',
      ...AS_ROOT,
      `--datadir=${this.#data}`,
      `--socket=${join(this.folder, 's')}`,
      `--pid-file=${join(this.folder, 'pid')}`,
      `--init-file=${join(this.folder, 'init.sql')}`,
      `--port=${this.port}`,
      ...['--bind-address=127.0.0.1', '--skip-name-resolve', '--innodb-buffer-pool-size=64M'],
      ...(tls === undefined ? [] : [`--ssl-cert=${tls.cert}`, `--ssl-key=${tls.key}`]),
      ...flags,
    ];
    return [{ name: 'mariadbd', command: 'mariadbd', args }];
  }

  protected serves([mariadbd]: readonly Program[]): boolean {
    return hasSaid(mariadbd, /ready for connections/);
  }

  get #data(): string {
    return join(this.folder, 'data');
  }
}

/** It refuses to run as root by default. */
const AS_ROOT = process.getuid?.() === 0 ? ['--user=root'] : [];
