import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../ports.ts';
import { eventually, type Program, Programs } from '../processes.ts';

export interface InfluxOptions {
  /** Asks for a user and a password; false when left out. */
  readonly auth?: boolean;
  /** PEM, certificate and key: HTTPS. */
  readonly tls?: { readonly cert: string; readonly key: string };
}

const START_MS = 60_000;

/** A real InfluxDB 1 on loopback ports of its own, that can be killed and started again where it was. */
export class Influx {
  readonly url: string;
  readonly #folder: string;
  readonly #programs = new Programs();
  readonly #ports: { readonly http: number; readonly rpc: number };
  readonly #options: InfluxOptions;
  #program: Program | undefined;

  private constructor(ports: { readonly http: number; readonly rpc: number }, options: InfluxOptions) {
    this.#ports = ports;
    this.#options = options;
    this.url = `${options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${ports.http}`;
    this.#folder = mkdtempSync(join(tmpdir(), 'mooring-influx-'));
  }

  /** Resolves when it serves. */
  static async start(options: InfluxOptions = {}): Promise<Influx> {
    const influx = new Influx({ http: await freePort(), rpc: await freePort() }, options);
    await influx.#start();
    return influx;
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

  async #start(): Promise<void> {
    mkdirSync(this.#folder, { recursive: true });
    const config = join(this.#folder, 'influxdb.conf');
    writeFileSync(config, this.#configuration());
    const program = this.#programs.start({ name: 'influxd', command: 'influxd', args: ['-config', config] });
    this.#program = program;
    // Its listener opens when it is ready to serve, and not before; HTTPS is not asked, as nobody here knows its authority.
    await eventually('influxd serves', START_MS, () => {
      program.mustRun();
      return program.lines.some(({ msg }) => /Listening on HTTP/.test(msg));
    });
  }

  #configuration(): string {
    const { auth = false, tls } = this.#options;
    return `reporting-disabled = true
bind-address = "127.0.0.1:${this.#ports.rpc}"
[meta]
  dir = "${this.#folder}/meta"
[data]
  dir = "${this.#folder}/data"
  wal-dir = "${this.#folder}/wal"
  index-version = "tsi1"
  query-log-enabled = false
[monitor]
  store-enabled = false
[http]
  bind-address = "127.0.0.1:${this.#ports.http}"
  auth-enabled = ${auth}
  log-enabled = false
  https-enabled = ${tls !== undefined}
${tls === undefined ? '' : `  https-certificate = "${tls.cert}"\n  https-private-key = "${tls.key}"\n`}`;
  }
}
