import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStoreReader, type StoredRun } from '../../daemon/store/reader.ts';
import { countOf, type Range } from '../../protocol/intervals.ts';
import { systemClock } from '../../runtime/clock.ts';
import { SeededRandom, systemRandom } from '../../runtime/random.ts';
import { type Link, startLink } from '../../sim/link.ts';
import { startUdpLink } from '../../sim/udp-link.ts';
import { type Certificates, makeCertificates } from '../certificates.ts';
import { KafkaBroker, type KafkaBrokerOptions } from '../kafka/broker.ts';
import { Mosquitto } from '../mosquitto.ts';
import { freePort } from '../ports.ts';
import { eventually, type Program, Programs } from '../processes.ts';
import { WITNESS, Witness } from '../witness.ts';
import type { SharedKafka } from './shared-kafka.ts';
import { forwardOf, type Shore, type ShoreOptions, shoreOf, type UdpWay, writeCentral } from './shore.ts';

export const GATEWAY = 'plaka';
/** Looks in a row, 25 ms between, at which nothing may be on its way. */
const DRAINED_LOOKS = 40;

/** Under which a gateway with one way to the centre has it. */
export const FORWARDER = 'centre';
/** City stations beside the witness's: with 20 ticks a second each, 240 records a second all together. */
const CITIES = 11;
const START_MS = 60_000;
const MAIN = new URL('../../cli/main.ts', import.meta.url).pathname;

export interface SiteOptions {
  readonly seed: number;
  /** Mosquitto keeps what it can over a restart; false if left out. */
  readonly persistence?: boolean;
  /** Messages that Mosquitto keeps for a session; its starter's own if left out. */
  readonly queuedMax?: number;
  /** TLS, certificates on both sides, and the rules of the topics; false if left out. */
  readonly tls?: boolean;
  /** What happens, as it happens. */
  readonly say: (text: string) => void;
  /** None if left out: then every Kafka is one of its own. */
  readonly sharedKafka?: SharedKafka;
}

/**
 * A gateway, its ways to centres with a file sink each, what is between them, and an outside witness: every program in a
 * process of its own, everything in one folder, nothing left when it is closed.
 */
export class Site {
  readonly folder: string;
  readonly random: SeededRandom;
  readonly witness = new Witness();
  readonly say: (text: string) => void;
  readonly sharedKafka: SharedKafka | undefined;
  readonly #options: SiteOptions;
  readonly #programs = new Programs();
  readonly #shores: Shore[] = [];
  readonly #links: { close(): Promise<void> }[] = [];
  #certificates: Certificates | undefined;
  #gateway: Program | undefined;

  constructor(options: SiteOptions) {
    this.#options = options;
    this.folder = mkdtempSync(join(tmpdir(), 'mooring-site-'));
    this.random = new SeededRandom(options.seed);
    this.say = options.say;
    this.sharedKafka = options.sharedKafka;
  }

  get storePath(): string {
    return join(this.folder, 'store.db');
  }

  get gateway(): Program {
    if (this.#gateway === undefined) throw new Error('no gateway was started');
    return this.#gateway;
  }

  /** A broker and a way to it, nothing of it running yet. */
  async addShore(name: string = FORWARDER, options: ShoreOptions = {}): Promise<Shore> {
    const folder = join(this.folder, name);
    const { persistence = false, queuedMax, tls = false } = this.#options;
    if (tls) this.#certificates ??= await makeCertificates(join(this.folder, 'certificates'), GATEWAY);
    const broker = await Mosquitto.prepare({
      folder: join(folder, 'broker'),
      programs: this.#programs,
      persistence,
      ...(queuedMax === undefined ? {} : { queuedMax }),
      ...(this.#certificates === undefined ? {} : { certificates: this.#certificates }),
    });
    const uplink = await this.addLink(broker.port);
    const downlink = await this.addLink(broker.port);
    const udp = options.way === 'udp' ? await this.#addUdpWay(folder) : undefined;
    const shore = shoreOf({ name, folder, broker, uplink, downlink, udp }, options);
    this.#shores.push(shore);
    return shore;
  }

  async addLink(target: number): Promise<Link> {
    const link = await startLink({ target, clock: systemClock, random: this.random });
    this.#links.push(link);
    return link;
  }

  /** A Kafka that is not running yet. */
  async addKafka(options: Pick<KafkaBrokerOptions, 'settings' | 'edge'> = {}): Promise<KafkaBroker> {
    return await KafkaBroker.prepare({ folder: join(this.folder, 'kafka'), programs: this.#programs, ...options });
  }

  /** Resolves when each copy of it is connected to its broker, or at once when it need not be. */
  async startCentre(shore: Shore, { connected = true } = {}): Promise<void> {
    for (const copy of shore.copies.keys()) await this.startCopy(shore, copy, { connected });
  }

  async startCopy(shore: Shore, copy: number, { connected = true } = {}): Promise<Program> {
    const name =
      shore.copies.length > 1 ? `copy ${copy + 1} of the centre of ${shore.name}` : `centre of ${shore.name}`;
    const centre = this.#start(name, 'central', writeCentral(shore, copy, this.#certificates));
    shore.centres[copy] = centre;
    if (connected && shore.copies[copy]?.ingest === true) {
      await centre.says(shore.udp === undefined ? SAYS.centreConnected : SAYS.centreListens, START_MS);
    }
    return centre;
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
    const forward = this.#shores.map((shore) => [shore.name, forwardOf(shore, this.#certificates)]);
    // JSON is YAML.
    const config = {
      gateway: GATEWAY,
      stations,
      metrics: { [WITNESS.metric]: { like: 'depth' } },
      store: { path: this.storePath, budget: '256MiB' },
      forward: Object.fromEntries(forward),
    };
    const configPath = join(this.folder, 'mooring.yaml');
    writeFileSync(configPath, JSON.stringify(config, null, 2));
    this.#gateway = this.#start('gateway', 'run', configPath);
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

  /** Kills a copy of the centre, and starts it again after `downMs`. */
  async killCentre(shore: Shore, downMs: number, copy = 0): Promise<void> {
    await shore.centres[copy]?.kill();
    await systemClock.sleep(downMs);
    await this.startCopy(shore, copy);
  }

  /** Records that the gateway has still to bring to a shore. */
  unsettled(shore: Shore): number {
    return this.#count(shore, ({ unsettled }) => unsettled);
  }

  /** Records that a shore has acknowledged, as the gateway has it. */
  settled(shore: Shore): number {
    return this.#count(shore, ({ acked }) => acked);
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
      let times = 0;
      await eventually(`everything is at ${shore.name}`, withinMs, () => {
        this.gateway.mustRun();
        for (const centre of shore.centres) centre.mustRun();
        // Between the first records of the idle gateway and that of its one tick there is a moment with nothing on its way.
        times = this.unsettled(shore) === 0 ? times + 1 : 0;
        return times >= DRAINED_LOOKS;
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

  async stopCentre({ centres }: Shore): Promise<void> {
    for (const centre of centres) {
      const status = await centre.stop();
      if (status !== 0) throw new Error(`${centre.name} ended with ${status} on SIGTERM\n${centre.tail()}`);
    }
  }

  /** What every program said last. */
  tails(): string {
    return this.#programs.tails();
  }

  async close({ keep = false } = {}): Promise<void> {
    this.witness.close();
    await this.#programs.end();
    await Promise.all(this.#links.map((link) => link.close()));
    if (!keep) rmSync(this.folder, { recursive: true, force: true });
  }

  #count({ name }: Shore, rangesOf: (run: StoredRun) => readonly Range[]): number {
    const reader = openStoreReader(this.storePath);
    try {
      return reader.runs(name).reduce((sum, run) => sum + countOf(rangesOf(run)), 0);
    } finally {
      reader.close();
    }
  }

  /** With a key that both ends have. */
  async #addUdpWay(folder: string): Promise<UdpWay> {
    const keysDir = join(folder, 'keys');
    const keyFile = join(folder, 'link.key');
    const key = `${Buffer.from(systemRandom.bytes(32)).toString('hex')}\n`;
    mkdirSync(keysDir, { recursive: true });
    for (const path of [keyFile, join(keysDir, `${GATEWAY}.key`)]) writeFileSync(path, key, { mode: 0o600 });
    const port = await freePort();
    const link = await startUdpLink({ target: port, clock: systemClock, random: this.random });
    this.#links.push(link);
    return { link, port, keysDir, keyFile };
  }

  #start(name: string, verb: 'run' | 'central', configPath: string): Program {
    return this.#programs.start({ name, command: process.execPath, args: [MAIN, verb, '-c', configPath] });
  }
}

/** Sentences of the programs' logs that the tests wait for. */
const SAYS = {
  gatewayRuns: 'the gateway runs',
  centreConnected: 'connected to the broker',
  centreListens: 'listening for datagrams',
} as const;
