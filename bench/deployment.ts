import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { askGateway } from '../cli/control.ts';
import type { GatewayStatus } from '../daemon/ops/status.ts';
import { systemClock } from '../runtime/clock.ts';
import { Mosquitto } from '../test/mosquitto.ts';
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
} as const;

/** A station of the configuration: a city simulated with a seed of its own. */
export function cityStation(seed: number, every: string): object {
  return { name: `city-${seed}`, every, sensors: [{ driver: 'sim', profile: 'city', seed }] };
}

/** Gateway → Mosquitto → centre → files, every program a process of its own, everything in one folder. */
export class Deployment {
  readonly #folder: string;
  readonly #programs: Programs;
  readonly #broker: Mosquitto;
  readonly #main: string;
  #gateway: Program | undefined;
  #centre: Program | undefined;

  private constructor(folder: string, main: string, programs: Programs, broker: Mosquitto) {
    this.#folder = folder;
    this.#main = main;
    this.#programs = programs;
    this.#broker = broker;
  }

  /**
   * The broker and the centre, running; `main` is the command's main module, from its sources when left out. Throws, with
   * the command that gets it, where Mosquitto is not installed.
   */
  static async start(folder: string, main: string = SOURCES_MAIN): Promise<Deployment> {
    requireMosquitto();
    const programs = new Programs();
    const broker = await Mosquitto.prepare({ folder: join(folder, 'broker'), programs });
    const deployment = new Deployment(folder, main, programs, broker);
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
    return join(this.#folder, 'store.db');
  }

  get brokerUrl(): string {
    return `mqtt://127.0.0.1:${this.#broker.port}`;
  }

  get gateway(): Program {
    assert(this.#gateway !== undefined, 'the gateway was started');
    return this.#gateway;
  }

  get centre(): Program {
    assert(this.#centre !== undefined, 'the centre was started');
    return this.#centre;
  }

  /** Resolves when its link is up. */
  async startGateway(stations: readonly object[]): Promise<void> {
    this.#gateway = this.#start('run', 'mooring.yaml', {
      gateway: GATEWAY,
      stations,
      store: { path: this.storePath },
      forward: { [FORWARDER]: { mqtt: { url: this.brokerUrl } } },
    });
    await this.#gateway.says(SAYS.gatewayRuns, START_MS);
    await this.#gateway.says(SAYS.linkIsUp, START_MS);
  }

  /** What the gateway says of itself. */
  async status(): Promise<GatewayStatus> {
    this.gateway.mustRun();
    this.centre.mustRun();
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

  /** Stops both programs and audits what the sink has. Throws where anything is missing or there twice. */
  async audit(): Promise<void> {
    assert.equal(await this.gateway.stop(), 0, 'the gateway ends cleanly');
    assert.equal(await this.centre.stop(), 0, 'the centre ends cleanly');
    const records = join(this.#folder, 'records');
    await runTool(process.execPath, [this.#main, 'audit', records, '--store', this.storePath]);
  }

  async close(): Promise<void> {
    await this.#programs.end();
  }

  async #startCentre(): Promise<void> {
    mkdirSync(join(this.#folder, 'state'), { recursive: true });
    this.#centre = this.#start('central', 'central.yaml', {
      ingest: { mqtt: { url: this.brokerUrl } },
      sinks: { archive: { files: { path: 'records' } } },
      state: 'state',
    });
    await this.#centre.says(SAYS.centreConnected, START_MS);
  }

  #start(verb: 'run' | 'central', file: string, config: object): Program {
    const path = join(this.#folder, file);
    // JSON is YAML.
    writeFileSync(path, JSON.stringify(config, null, 2));
    return this.#programs.start({ name: verb, command: process.execPath, args: [this.#main, verb, '-c', path] });
  }
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
