import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../ports.ts';
import { eventually, Programs } from '../processes.ts';

const DEPLOY = join(import.meta.dirname, '..', '..', 'deploy');
const START_MS = 30_000;

/** An alert as Alertmanager posts it. */
export interface PostedAlert {
  readonly status: 'firing' | 'resolved';
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface MonitoringOptions {
  /** `HOST:PORT` of what is scraped. */
  readonly target: string;
  /** File with the token that it asks for. */
  readonly tokenFile?: string;
}

/** A real Prometheus with the rules of `deploy/`, a real Alertmanager with its sample, and who hears of alerts. */
export class Monitoring {
  /** In the order in which they were posted. */
  readonly alerts: PostedAlert[] = [];
  readonly #folder = mkdtempSync(join(tmpdir(), 'mooring-prometheus-'));
  readonly #programs = new Programs();
  readonly #server: Server;
  #url = '';

  private constructor() {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const { alerts } = JSON.parse(Buffer.concat(chunks).toString('utf8')) as { readonly alerts: PostedAlert[] };
        this.alerts.push(...alerts);
        response.end();
      });
    });
  }

  /** Resolves when both serve. */
  static async start(options: MonitoringOptions): Promise<Monitoring> {
    const monitoring = new Monitoring();
    await monitoring.#start(options);
    return monitoring;
  }

  /** What a query gives: by series, its labels and its value. */
  async query(
    expression: string,
  ): Promise<readonly { readonly metric: Record<string, string>; readonly value: number }[]> {
    const response = await fetch(`${this.#url}/api/v1/query?query=${encodeURIComponent(expression)}`);
    const { data } = (await response.json()) as {
      readonly data: { readonly result: readonly { metric: Record<string, string>; value: [number, string] }[] };
    };
    return data.result.map(({ metric, value }) => ({ metric, value: Number(value[1]) }));
  }

  async stop(): Promise<void> {
    await this.#programs.end();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #start({ target, tokenFile }: MonitoringOptions): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const webhook = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/alerts`;
    const alertmanager = await freePort();
    await this.#startAlertmanager(alertmanager, webhook);
    const port = await freePort();
    this.#url = `http://127.0.0.1:${port}`;
    const config = join(this.#folder, 'prometheus.yaml');
    writeFileSync(
      config,
      `global: { scrape_interval: 1s, evaluation_interval: 1s }
rule_files: [${join(DEPLOY, 'prometheus', 'rules.yaml')}]
alerting: { alertmanagers: [{ static_configs: [{ targets: ['127.0.0.1:${alertmanager}'] }] }] }
scrape_configs:
  - job_name: mooring-centre
    ${tokenFile === undefined ? '' : `authorization: { credentials_file: ${tokenFile} }`}
    static_configs: [{ targets: ['${target}'] }]
`,
    );
    const args = [`--config.file=${config}`, `--storage.tsdb.path=${join(this.#folder, 'data')}`];
    const listen = `--web.listen-address=127.0.0.1:${port}`;
    this.#programs.start({ name: 'prometheus', command: 'prometheus', args: [...args, listen] });
    await ready(`${this.#url}/-/ready`);
  }

  async #startAlertmanager(port: number, webhook: string): Promise<void> {
    const sample = readFileSync(join(DEPLOY, 'alertmanager', 'alertmanager.yaml'), 'utf8');
    const config = join(this.#folder, 'alertmanager.yaml');
    writeFileSync(
      config,
      sample.replace(/url: \S+/, `url: ${webhook}`).replaceAll('group_wait: 10s', 'group_wait: 1s'),
    );
    this.#programs.start({
      name: 'alertmanager',
      command: 'prometheus-alertmanager',
      args: [
        `--config.file=${config}`,
        `--storage.path=${join(this.#folder, 'alertmanager')}`,
        `--web.listen-address=127.0.0.1:${port}`,
        // Alone.
        '--cluster.listen-address=',
      ],
    });
    await ready(`http://127.0.0.1:${port}/-/ready`);
  }
}

async function ready(url: string): Promise<void> {
  await eventually(`${url} answers`, START_MS, async () => {
    try {
      return (await fetch(url)).ok;
    } catch {
      return false;
    }
  });
}
