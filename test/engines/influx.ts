import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../ports.ts';
import type { Program, ProgramOptions } from '../processes.ts';
import { hasSaid, LocalServer } from './local-server.ts';

export interface InfluxOptions {
  /** Asks for a user and a password; false when left out. */
  readonly auth?: boolean;
  /** PEM, certificate and key: HTTPS. */
  readonly tls?: { readonly cert: string; readonly key: string };
}

const START_MS = 60_000;

/** A real InfluxDB 1 on loopback ports of its own, that can be killed and started again where it was. */
export class Influx extends LocalServer {
  readonly url: string;
  readonly #ports: { readonly http: number; readonly rpc: number };
  readonly #options: InfluxOptions;

  private constructor(ports: { readonly http: number; readonly rpc: number }, options: InfluxOptions) {
    super('influx', START_MS);
    this.#ports = ports;
    this.#options = options;
    this.url = `${options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${ports.http}`;
  }

  /** Resolves when it serves. */
  static async start(options: InfluxOptions = {}): Promise<Influx> {
    return await new Influx({ http: await freePort(), rpc: await freePort() }, options).begin();
  }

  protected override prepare(): void {
    writeFileSync(this.#config, this.#configuration());
  }

  protected programs(): readonly ProgramOptions[] {
    return [{ name: 'influxd', command: 'influxd', args: ['-config', this.#config] }];
  }

  /** Its listener opens when it is ready to serve, and not before; HTTPS is not asked, as nobody here knows its authority. */
  protected serves([influxd]: readonly Program[]): boolean {
    return hasSaid(influxd, /Listening on HTTP/);
  }

  get #config(): string {
    return join(this.folder, 'influxdb.conf');
  }

  #configuration(): string {
    const { auth = false, tls } = this.#options;
    return `reporting-disabled = true
bind-address = "127.0.0.1:${this.#ports.rpc}"
[meta]
  dir = "${this.folder}/meta"
[data]
  dir = "${this.folder}/data"
  wal-dir = "${this.folder}/wal"
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
