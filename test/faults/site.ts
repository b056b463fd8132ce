import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStoreReader } from '../../daemon/store/reader.ts';
import { countOf } from '../../protocol/intervals.ts';
import { systemClock } from '../../runtime/clock.ts';
import { SeededRandom } from '../../runtime/random.ts';
import { type Link, startLink } from '../../sim/link.ts';
import { type Certificates, makeCertificates } from '../certificates.ts';
import { Mosquitto } from '../mosquitto.ts';
import { eventually, type Program, Programs } from '../processes.ts';
import { WITNESS, Witness } from '../witness.ts';

export const GATEWAY = 'plaka';
/** Under which a gateway with one way to the centre has it. */
export const FORWARDER = 'centre';
/** City stations beside the witness's: with 20 ticks a second each, 240 records a second all together. */
const CITIES = 11;
const START_MS = 20_000;
const MAIN = new URL('../../cli/main.ts', import.meta.url).pathname;

export interface SiteOptions {
  readonly seed: number;
  /** Mosquitto keeps what it can over a restart; false if left out. */
  readonly persistence?: boolean;
  /** TLS, certificates on both sides, and the rules of the topics; false if left out. */
  readonly tls?: boolean;
  /** What happens, as it happens. */
  readonly say: (text: string) => void;
}

/** Where the programs of a centre are: its broker, the way to it, its folder. */
export interface Shore {
  readonly name: string;
  readonly folder: string;
  readonly broker: Mosquitto;
  /** From the gateway to the broker. */
  readonly uplink: Link;
  /** From the centre to the broker. */
  readonly downlink: Link;
  centre: Program | undefined;
}

/**
 * A gateway, its way to a real Mosquitto, a centre with a file sink, and an outside witness: every program in a process
 * of its own, everything in one folder, nothing left when it is closed.
 */
export class Site {
  readonly folder: string;
  readonly random: SeededRandom;
  readonly witness = new Witness();
  readonly say: (text: string) => void;
  readonly #options: SiteOptions;
  readonly #programs = new Programs();
  readonly #shores: Shore[] = [];
  #certificates: Certificates | undefined;
  #gateway: Program | undefined;

  constructor(options: SiteOptions) {
    this.#options = options;
    this.folder = mkdtempSync(join(tmpdir(), 'mooring-site-'));
    this.random = new SeededRandom(options.seed);
    this.say = options.say;
  }

  get storePath(): string {
    return join(this.folder, 'store.db');
  }

  get gateway(): Program {
    if (this.#gateway === undefined) throw new Error('no gateway was started');
    return this.#gateway;
  }

  /** A broker and a way to it, nothing of it running yet. */
  async addShore(name: string = FORWARDER): Promise<Shore> {
    const folder = join(this.folder, name);
    const { persistence = false, tls = false } = this.#options;
    if (tls) this.#certificates ??= await makeCertificates(join(this.folder, 'certificates'), GATEWAY);
    const broker = await Mosquitto.prepare({
      folder: join(folder, 'broker'),
      programs: this.#programs,
      persistence,
      ...(this.#certificates === undefined ? {} : { certificates: this.#certificates }),
    });
    const linkOptions = { target: broker.port, clock: systemClock, random: this.random };
    const uplink = await startLink(linkOptions);
    const shore = { name, folder, broker, uplink, downlink: await startLink(linkOptions), centre: undefined };
    this.#shores.push(shore);
    return shore;
  }

  /** Resolves when it is connected to its broker, or at once when it need not be. */
  async startCentre(shore: Shore, { connected = true } = {}): Promise<void> {
    mkdirSync(join(shore.folder, 'state'), { recursive: true });
    const config = {
      ingest: { mqtt: this.#broker(shore.downlink, this.#certificates?.centre) },
      sinks: {
        archive: { files: { path: 'records' } },
        acks: { ack_log: { path: 'acks.txt' } },
      },
      state: 'state',
    };
    shore.centre = this.#start(`centre of ${shore.name}`, 'central', join(shore.folder, 'central.yaml'), config);
    if (connected) await shore.centre.says(SAYS.centreConnected, START_MS);
  }

  /** The gateway with all its load. Resolves when its stations tick and its sensors are open. */
  async startGateway(): Promise<void> {
    const cities = Array.from({ length: CITIES }, (_, index) => ({
      name: `city-${index + 1}`,
      every: '50ms',
      sensors: [{ driver: 'sim', profile: 'city', seed: index + 1 }],
    }));
    await this.startGatewayWith([this.witness.station, ...cities]);
  }

  async startGatewayWith(stations: readonly object[]): Promise<void> {
    const forward = this.#shores.map((shore) => [
      shore.name,
      { mqtt: this.#broker(shore.uplink, this.#certificates?.gateway) },
    ]);
    const config = {
      gateway: GATEWAY,
      stations,
      metrics: { [WITNESS.metric]: { like: 'depth' } },
      store: { path: this.storePath, budget: '256MiB' },
      forward: Object.fromEntries(forward),
    };
    this.#gateway = this.#start('gateway', 'run', join(this.folder, 'mooring.yaml'), config);
    await this.#gateway.says(SAYS.gatewayRuns, START_MS);
  }

  /** Kills the gateway, and starts it again after `downMs`; the witness counts on. */
  async killGateway(downMs: number): Promise<void> {
    const killedMs = systemClock.wallMs();
    await this.gateway.kill();
    await systemClock.sleep(downMs);
    await this.startGateway();
    this.witness.excuse(killedMs, systemClock.wallMs());
  }

  /** Kills the centre, and starts it again after `downMs`. */
  async killCentre(shore: Shore, downMs: number): Promise<void> {
    await shore.centre?.kill();
    await systemClock.sleep(downMs);
    await this.startCentre(shore);
  }

  /** Records that the gateway has still to bring to a shore. */
  unsettled({ name }: Shore): number {
    const reader = openStoreReader(this.storePath);
    try {
      return reader.runs(name).reduce((sum, run) => sum + countOf(run.unsettled), 0);
    } finally {
      reader.close();
    }
  }

  /**
   * Takes the load off and waits until nothing is on its way: a clean stop of the gateway, and a start with a station
   * that ticks once an hour.
   */
  async drain(shores: readonly Shore[], withinMs: number): Promise<void> {
    await this.stopLoad();
    await this.startGatewayWith([
      { name: 'idle', every: '1h', sensors: [{ driver: 'sim', profile: 'city', seed: 1 }] },
    ]);
    const startMs = systemClock.monotonicMs();
    for (const shore of shores) {
      await eventually(`everything is at ${shore.name}`, withinMs, () => {
        this.gateway.mustRun();
        shore.centre?.mustRun();
        return this.unsettled(shore) === 0;
      });
    }
    this.say(`drained in ${Math.round(systemClock.monotonicMs() - startMs)} ms`);
  }

  /** SIGTERM, which loses nothing. */
  async stopLoad(): Promise<void> {
    this.witness.stop();
    // A value that the kernel has and the gateway has not would be lost without anybody's fault.
    await systemClock.sleep(1000);
    const status = await this.gateway.stop();
    if (status !== 0) throw new Error(`the gateway ended with ${status} on SIGTERM\n${this.gateway.tail()}`);
  }

  async stopCentre({ centre }: Shore): Promise<void> {
    const status = await centre?.stop();
    if (status !== 0) throw new Error(`the centre ended with ${status} on SIGTERM\n${centre?.tail()}`);
  }

  /** What every program said last. */
  tails(): string {
    return this.#programs.tails();
  }

  async close({ keep = false } = {}): Promise<void> {
    this.witness.close();
    await this.#programs.end();
    for (const { uplink, downlink } of this.#shores) await Promise.all([uplink.close(), downlink.close()]);
    if (!keep) rmSync(this.folder, { recursive: true, force: true });
  }

  #start(name: string, verb: 'run' | 'central', configPath: string, config: object): Program {
    // JSON is YAML.
    writeFileSync(configPath, JSON.stringify(config, null, 2));
    return this.#programs.start({ name, command: process.execPath, args: [MAIN, verb, '-c', configPath] });
  }

  #broker(link: Link, identity: { readonly cert: string; readonly key: string } | undefined): object {
    const scheme = identity === undefined ? 'mqtt' : 'mqtts';
    const url = `${scheme}://127.0.0.1:${link.port}`;
    return identity === undefined ? { url } : { url, ca: this.#certificates?.ca, ...identity };
  }
}

/** Sentences of the programs' logs that the tests wait for. */
const SAYS = {
  gatewayRuns: 'the gateway runs',
  centreConnected: 'connected to the broker',
} as const;
