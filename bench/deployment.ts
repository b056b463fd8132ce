import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { askGateway } from '../cli/control.ts';
import type { GatewayStatus } from '../daemon/ops/status.ts';
import { systemClock } from '../runtime/clock.ts';
import { systemRandom } from '../runtime/random.ts';
import { UDP_KEY_BYTES } from '../runtime/udp-key.ts';
import { Mosquitto } from '../test/mosquitto.ts';
import { freePort } from '../test/ports.ts';
import { eventually, type Program, Programs, runTool } from '../test/processes.ts';
import { FORWARDER, GATEWAY } from './store-options.ts';

/** The command, run from its sources. */
const SOURCES_MAIN = new URL('../cli/main.ts', import.meta.url).pathname;
const START_MS = 20_000;
/** Sentences of the programs' logs. */
const SAYS = {
  gatewayRuns: 'the gateway runs',
  linkIsUp: 'the link is up',
  centreConnected: 'connected to the broker',
  centreListens: 'listening for datagrams',
} as const;
/** How long sinks may take to read what Kafka has, before what is missing counts as lost, in milliseconds. */
const SINKS_MS = 300_000;
/** Between two audits meanwhile. */
const AUDIT_EVERY_MS = 2000;

export interface DeploymentOptions {
  /** For everything; empty. */
  readonly folder: string;
  /** The command's main module; from its sources when left out. */
  readonly main?: string;
  /** From the gateway to the centre; through Mosquitto when left out. */
  readonly way?: 'mqtt' | 'udp';
  /** Takes records in, and acknowledges them; when left out, that is a file sink. */
  readonly kafka?: { readonly address: string; readonly prefix: string };
  /** Of the centre, which share the batches: with Kafka and over MQTT only; 1 when left out. */
  readonly copies?: number;
}

/** A station of the configuration: a city simulated with a seed of its own. */
export function cityStation(seed: number, every: string): object {
  return { name: `city-${seed}`, every, sensors: [{ driver: 'sim', profile: 'city', seed }] };
}

/**
 * Gateway → Mosquitto, or UDP → centre → files, or Kafka: every program a process of its own, everything in one folder.
 * With Kafka the centre has no sinks while it is measured: they read when it is audited.
 */
export class Deployment {
  readonly #options: Required<Omit<DeploymentOptions, 'kafka'>> & Pick<DeploymentOptions, 'kafka'>;
  readonly #programs: Programs;
  readonly #broker: Mosquitto;
  readonly #udpPort: number;
  readonly #centres: Program[] = [];
  #gateway: Program | undefined;

  private constructor(options: DeploymentOptions, programs: Programs, broker: Mosquitto, udpPort: number) {
    this.#options = { main: SOURCES_MAIN, way: 'mqtt', copies: 1, ...options };
    this.#programs = programs;
    this.#broker = broker;
    this.#udpPort = udpPort;
  }

  /** The broker and the centre, running. Throws, with the command that gets it, where Mosquitto is not installed. */
  static async start(options: DeploymentOptions): Promise<Deployment> {
    requireMosquitto();
    const programs = new Programs();
    const broker = await Mosquitto.prepare({ folder: join(options.folder, 'broker'), programs });
    const deployment = new Deployment(options, programs, broker, await freePort());
    try {
      await broker.start();
      await deployment.#startCentre();
    } catch (error) {
      await deployment.close();
      throw error;
    }
    return deployment;
  }

  /** Where the gateway keeps its records; may be filled before it starts. */
  get storePath(): string {
    return join(this.#options.folder, 'store.db');
  }

  get brokerUrl(): string {
    return `mqtt://127.0.0.1:${this.#broker.port}`;
  }

  get gateway(): Program {
    assert(this.#gateway !== undefined, 'the gateway was started');
    return this.#gateway;
  }

  get centre(): Program {
    const [centre] = this.#centres;
    assert(centre !== undefined, 'the centre was started');
    return centre;
  }

  /** Resolves when its link is up. */
  async startGateway(stations: readonly object[]): Promise<void> {
    this.#gateway = this.#start('run', 'mooring.yaml', {
      gateway: GATEWAY,
      stations,
      store: { path: this.storePath },
      forward: { [FORWARDER]: this.#forward() },
    });
    await this.#gateway.says(SAYS.gatewayRuns, START_MS);
    await this.#gateway.says(SAYS.linkIsUp, START_MS);
  }

  /** What the gateway says of itself. */
  async status(): Promise<GatewayStatus> {
    this.gateway.mustRun();
    this.mustRun();
    return (await askGateway(`${this.storePath}.sock`, 'status', systemClock)) as unknown as GatewayStatus;
  }

  /** Records of this run of the gateway, and of runs before, that the centre has acknowledged since it started. */
  async acked(): Promise<number> {
    return towardsCentre(await this.status()).acked;
  }

  /** Resolves when the centre has acknowledged everything. */
  async drained(withinMs: number): Promise<void> {
    await eventually('everything is acknowledged', withinMs, async () => {
      return towardsCentre(await this.status()).pending === 0;
    });
  }

  /** Throws when a centre has ended by itself. */
  mustRun(): void {
    for (const centre of this.#centres) centre.mustRun();
  }

  /** Stops all programs and audits what the sink has. Throws where anything is missing or there twice. */
  async audit(): Promise<void> {
    assert.equal(await this.gateway.stop(), 0, 'the gateway ends cleanly');
    await this.stopCentres();
    if (this.#options.kafka === undefined) await this.#auditOnce();
    else await this.#auditBehindKafka(this.#options.kafka);
  }

  async stopCentres(): Promise<void> {
    for (const centre of this.#centres) assert.equal(await centre.stop(), 0, 'the centre ends cleanly');
  }

  async close(): Promise<void> {
    await this.#programs.end();
  }

  async #auditOnce(): Promise<void> {
    const { folder, main } = this.#options;
    await runTool(process.execPath, [main, 'audit', join(folder, 'records'), '--store', this.storePath]);
  }

  async #auditBehindKafka(kafka: NonNullable<DeploymentOptions['kafka']>): Promise<void> {
    mkdirSync(join(this.#options.folder, 'state-sinks'));
    const config = { ...centralOf(kafka), sinks: SINKS, state: 'state-sinks' };
    const sinks = this.#start('central', 'sinks.yaml', config);
    const endMs = systemClock.monotonicMs() + SINKS_MS;
    for (;;) {
      await systemClock.sleep(AUDIT_EVERY_MS);
      sinks.mustRun();
      try {
        await this.#auditOnce();
        break;
      } catch (error) {
        if (systemClock.monotonicMs() > endMs) throw error;
      }
    }
    assert.equal(await sinks.stop(), 0, 'the centre of sinks ends cleanly');
  }

  #forward(): object {
    const key = join(this.#options.folder, 'keys', `${GATEWAY}.key`);
    return this.#options.way === 'mqtt'
      ? { mqtt: { url: this.brokerUrl } }
      : { udp: { host: '127.0.0.1', port: this.#udpPort, key } };
  }

  async #startCentre(): Promise<void> {
    const { folder, way, kafka, copies } = this.#options;
    assert(copies === 1 || (kafka !== undefined && way === 'mqtt'), 'copies share what a broker gives, and a log');
    const share = copies > 1 ? { share: 'bench' } : {};
    if (way === 'udp') writeKey(join(folder, 'keys'));
    const ingest =
      way === 'mqtt'
        ? { mqtt: { url: this.brokerUrl, ...share } }
        : { udp: { listen: `127.0.0.1:${this.#udpPort}`, keys: 'keys' } };
    for (let copy = 0; copy < copies; copy += 1) {
      const state = `state-${copy}`;
      mkdirSync(join(folder, state));
      const central = kafka === undefined ? { sinks: SINKS } : centralOf(kafka);
      const centre = this.#start('central', `central-${copy}.yaml`, { ingest, ...central, state });
      this.#centres.push(centre);
      await centre.says(way === 'mqtt' ? SAYS.centreConnected : SAYS.centreListens, START_MS);
    }
  }

  #start(verb: 'run' | 'central', file: string, config: object): Program {
    const { folder, main } = this.#options;
    const path = join(folder, file);
    // JSON is YAML.
    writeFileSync(path, JSON.stringify(config, null, 2));
    return this.#programs.start({ name: verb, command: process.execPath, args: [main, verb, '-c', path] });
  }
}

const SINKS = { archive: { files: { path: 'records' } } } as const;

function centralOf({ address, prefix }: NonNullable<DeploymentOptions['kafka']>): object {
  return { kafka: { brokers: [address], prefix } };
}

/** For both ends. */
function writeKey(folder: string): void {
  mkdirSync(folder);
  const key = Buffer.from(systemRandom.bytes(UDP_KEY_BYTES)).toString('hex');
  writeFileSync(join(folder, `${GATEWAY}.key`), key, { mode: 0o600 });
}

function towardsCentre({ forwarders }: GatewayStatus): GatewayStatus['forwarders'][number] {
  const [forwarder] = forwarders;
  assert(forwarder !== undefined, 'the gateway has a way to the centre');
  return forwarder;
}

function requireMosquitto(): void {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin'];
  if (folders.some((folder) => existsSync(join(folder, 'mosquitto')))) return;
  throw new Error('Mosquitto is not installed. Get it with: sudo apt-get install mosquitto');
}
