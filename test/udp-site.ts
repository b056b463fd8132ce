/** A centre on UDP and gateways before a bad link to it, in this process, on real sockets and real time. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cityObservations } from '../bench/city-records.ts';
import { Centre } from '../central/app.ts';
import type { CentralConfig } from '../central/config/types.ts';
import type { UdpIngestStatus } from '../central/ingest/ingest.ts';
import type { FlatRecord } from '../central/recordlog/recordlog.ts';
import { Forwarder } from '../daemon/forward/forwarder.ts';
import { UdpTransport } from '../daemon/forward/udp.ts';
import { runIdOf } from '../protocol/ids.ts';
import { systemClock } from '../runtime/clock.ts';
import { type Log, silentLog } from '../runtime/log.ts';
import { SeededRandom, systemRandom } from '../runtime/random.ts';
import { MemoryStore } from '../sim/memory-store.ts';
import { startUdpLink, type UdpLink } from '../sim/udp-link.ts';
import type { DatagramQuality } from '../sim/udp-link-direction.ts';
import { eventually } from './processes.ts';

const FORWARDER = 'centre';
const PATIENCE_MS = 60_000;

/** A gateway without sensors: what it is given, it forwards. */
export class UdpGateway {
  readonly run: string;
  readonly store: MemoryStore;
  readonly transport: UdpTransport;
  readonly forwarder: Forwarder;

  constructor(site: UdpSite, name: string, port: number, salt: Uint8Array) {
    const shared = { gateway: name, clock: systemClock, random: systemRandom, log: site.log };
    this.run = runIdOf(name, salt);
    this.store = new MemoryStore({ gateway: name, salt, clock: systemClock });
    this.transport = new UdpTransport({
      ...shared,
      centre: { host: '127.0.0.1', port, keyFile: site.keyFileOf(name) },
    });
    this.forwarder = new Forwarder({ ...shared, name: FORWARDER, store: this.store, transport: this.transport });
  }

  /** So many seconds of a city station, as if they had been observed just now. */
  async append(count: number, seed = 7): Promise<void> {
    await this.store.append(cityObservations(seed, count), { urgent: false });
    this.forwarder.notify();
  }

  get pending(): number {
    return this.store.statsOf(FORWARDER).pending;
  }

  get settled() {
    return this.store.settled(FORWARDER);
  }

  async delivered(): Promise<void> {
    await eventually('everything acknowledged', PATIENCE_MS, () => Promise.resolve(this.pending === 0));
  }
}

export class UdpSite {
  readonly folder = mkdtempSync(join(tmpdir(), 'mooring-udp-'));
  readonly keysDir = join(this.folder, 'keys');
  readonly log: Log;
  readonly #gateways: UdpGateway[] = [];
  readonly #links: UdpLink[] = [];
  #centre: Centre | undefined;
  #port = 0;

  constructor(log: Log = silentLog) {
    this.log = log;
    mkdirSync(this.keysDir);
  }

  keyFileOf(gateway: string): string {
    return join(this.keysDir, `${gateway}.key`);
  }

  /** Gives a gateway a key; the centre knows it within a few seconds where it runs already. */
  writeKey(gateway: string): void {
    writeFileSync(this.keyFileOf(gateway), `${randomBytes(32).toString('hex')}\n`, { mode: 0o600 });
  }

  /** On the same port and folder each time. */
  async startCentre(overrides: Partial<CentralConfig['ingest']> = {}): Promise<Centre> {
    const udp = { listen: { host: '127.0.0.1', port: this.#port }, keysDir: this.keysDir };
    const config: CentralConfig = {
      file: 'central.yaml',
      ingest: { mqtt: undefined, udp, intakeBytesMax: 16 * 2 ** 20, ...overrides },
      kafka: undefined,
      ack: ['archive'],
      sinks: [{ kind: 'files', name: 'archive', path: join(this.folder, 'records'), format: 'ndjson', layout: 'date' }],
      stateDir: join(this.folder, 'state'),
      logLevel: 'silent',
    };
    this.#centre = new Centre(config, { clock: systemClock, random: systemRandom, log: this.log });
    await this.#centre.start();
    this.#port = this.ingest.address?.port ?? 0;
    return this.#centre;
  }

  async stopCentre(): Promise<void> {
    await this.#centre?.stop();
    this.#centre = undefined;
  }

  /** What the centre says of UDP. */
  get ingest(): UdpIngestStatus {
    return this.#centre?.status().ingest.find(({ mode }) => mode === 'udp') as UdpIngestStatus;
  }

  get centrePort(): number {
    return this.#port;
  }

  async startLink(quality: Partial<DatagramQuality> = {}, seed = 1): Promise<UdpLink> {
    const random = new SeededRandom(seed);
    const link = await startUdpLink({ target: this.#port, clock: systemClock, random, quality });
    this.#links.push(link);
    return link;
  }

  /** A gateway that begins to forward at once; with a salt of its own run where none is given. */
  startGateway(name: string, { port }: { readonly port: number }, salt = systemRandom.bytes(16)): UdpGateway {
    const gateway = new UdpGateway(this, name, port, salt);
    this.#gateways.push(gateway);
    gateway.forwarder.start();
    return gateway;
  }

  /** Ids of the records that the sink has, in the order of its lines. */
  stored(): string[] {
    const records = join(this.folder, 'records');
    const files = readdirSync(records, { recursive: true, encoding: 'utf8' }).filter((file) =>
      file.endsWith('.ndjson'),
    );
    const lines = files.flatMap((file) => readFileSync(join(records, file), 'utf8').split('\n').slice(0, -1));
    return lines.map((line) => (JSON.parse(line) as FlatRecord).id);
  }

  async close(): Promise<void> {
    for (const { forwarder } of this.#gateways) await forwarder.stop();
    for (const link of this.#links) await link.close();
    await this.stopCentre();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
