import { join } from 'node:path';
import { REJECT_CODES, type RejectCode, sinkRejectCode } from '../../protocol/ack.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { ListenAddress } from '../../runtime/config/values.ts';
import type { Log } from '../../runtime/log.ts';
import { StateFile } from '../../runtime/state-file.ts';
import type { CentreStatus } from '../app.ts';
import type { MetricsConfig } from '../config/metrics.ts';
import type { CentralConfig } from '../config/types.ts';
import type { BatchReceiver } from '../ingest/ingest.ts';
import type { AckSource, LogEntry } from '../recordlog/recordlog.ts';
import { CentreFamilies } from './centre-families.ts';
import { ExpectedGateways } from './expected-gateways.ts';
import { Families } from './families.ts';
import { Fleet, type KeptFleet } from './fleet.ts';
import { FleetFamilies } from './fleet-families.ts';
import { MetricsServer } from './metrics-server.ts';
import type { RecordListener } from './observed-log.ts';
import { reasonsAgainst } from './readiness.ts';
import { SinkLag } from './sink-lag.ts';
import { type BatchListener, TimedIntake } from './timed-intake.ts';

export interface MetricsOptions {
  readonly config: Pick<CentralConfig, 'stateDir' | 'ingest' | 'ack'> & { readonly metrics: MetricsConfig };
  readonly status: () => CentreStatus;
  readonly isAcknowledged: AckSource['isAcknowledged'];
  /** Aborted when the centre cannot go on. */
  readonly failed: AbortSignal;
  readonly clock: Clock;
  readonly log: Log;
}

/** Below `state`: what is known of gateways. */
const FLEET_FILE = 'gateways.json';

/** Counts what passes, asks the parts of a centre at each scrape, and answers Prometheus and health checks. */
export class Metrics implements RecordListener, BatchListener {
  readonly #options: MetricsOptions;
  readonly #families = new Families();
  readonly #ofCentre = new CentreFamilies(this.#families);
  readonly #ofFleet = new FleetFamilies(this.#families);
  readonly #fleet: Fleet;
  readonly #expected: ExpectedGateways;
  readonly #lag: SinkLag;
  readonly #server: MetricsServer;
  readonly #startMs: number;

  constructor(options: MetricsOptions) {
    const { config, status, failed, clock, log } = options;
    const { metrics, ingest, stateDir } = config;
    this.#options = options;
    this.#startMs = clock.wallMs();
    this.#fleet = new Fleet({ file: new StateFile<KeptFleet>(join(stateDir, FLEET_FILE)), clock, log });
    const keysDir = ingest.udp?.keysDir;
    this.#expected = new ExpectedGateways({ listFile: metrics.gatewaysFile, keysDir, clock, log });
    this.#lag = new SinkLag(() => status().sinks, clock);
    this.#server = new MetricsServer({
      ...metrics,
      clock,
      log,
      metrics: () => this.text(),
      isHealthy: () => !failed.aborted,
      reasonsAgainst: () => reasonsAgainst(status()),
    });
    // A rate needs a beginning.
    for (const code of [...REJECT_CODES, ...config.ack.map(sinkRejectCode)])
      this.#families.deadLetters.inc({ code }, 0);
    for (const answer of ['stored', 'held'] as const) this.#families.ackLatency.zero({ answer });
  }

  /** Where it listens; undefined before and after. */
  get address(): ListenAddress | undefined {
    return this.#server.address;
  }

  /** Answers from now on, however long the rest of the centre takes to open. Throws as `MetricsServer.open`. */
  async open(): Promise<void> {
    await this.#server.open();
  }

  /** Before anything is taken in, once the folder of state is this process's own. */
  async restore(): Promise<void> {
    await this.#fleet.restore();
    await this.#expected.start();
    this.#lag.start();
  }

  /** An intake whose batches are counted and timed. */
  timed(intake: BatchReceiver): BatchReceiver {
    return new TimedIntake(intake, this, this.#options.clock);
  }

  heard(gateway: string, bytes: number): void {
    this.#fleet.heard(gateway, bytes);
  }

  answered(answer: 'stored' | 'held', latencyMs: number): void {
    this.#families.ackLatency.observe({ answer }, latencyMs / 1000);
  }

  rejected(code: RejectCode, records: number): void {
    this.#families.deadLetters.inc({ code }, records);
  }

  took(entry: LogEntry): void {
    this.#fleet.took(entry);
  }

  /** Everything as it is now, in the text format of Prometheus. */
  async text(): Promise<string> {
    const { status, isAcknowledged, clock } = this.#options;
    const { rss } = process.memoryUsage();
    const { user, system } = process.cpuUsage();
    this.#families.reset();
    const figures = { startMs: this.#startMs, residentBytes: rss, cpuSeconds: (user + system) / 1e6 };
    this.#ofCentre.set(status(), this.#lag, figures);
    const { names: expected } = this.#expected;
    this.#ofFleet.set({ fleet: this.#fleet, expected, isAcknowledged, nowMs: clock.wallMs() });
    return await this.#families.registry.metrics();
  }

  async close(): Promise<void> {
    this.#lag.stop();
    this.#expected.stop();
    await this.#server.close();
    await this.#fleet.close();
  }
}
