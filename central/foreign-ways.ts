import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import type { Random } from '../runtime/random.ts';
import type { ForeignConfig, SourceConfig } from './config/sources/types.ts';
import type { FormatName } from './formats/format.ts';
import { UplinkMerge } from './formats/lorawan/uplink-merge.ts';
import { Registry } from './formats/registry/registry.ts';
import { ForeignIntake, type ForeignIntakeStats } from './ingest/foreign/foreign-intake.ts';
import type { ForeignLetters } from './ingest/foreign/foreign-letters.ts';
import type { ForeignLog } from './ingest/foreign/foreign-log.ts';
import { type HttpRoute, HttpSources, type HttpSourcesStatus } from './ingest/foreign/http-source.ts';
import { KafkaSource, type KafkaSourceStatus } from './ingest/foreign/kafka-source.ts';
import { MqttSource, type MqttSourceStatus } from './ingest/foreign/mqtt-source.ts';
import { SealGate, type SealStatus } from './ingest/foreign/seal-gate.ts';
import { formatOfSource } from './ingest/foreign/source-format.ts';
import { StationMemory, stationFileOf } from './ingest/foreign/station-memory.ts';
import { TcpSource, type TcpSourceStatus } from './ingest/foreign/tcp-source.ts';
import { UdpSource, type UdpSourceStatus } from './ingest/foreign/udp-source.ts';
import type { KafkaClient } from './recordlog/kafka/client.ts';

/** What the ways in of existing devices need of Kafka. */
export interface ForeignOutlets {
  readonly recordLog: ForeignLog;
  readonly letters: ForeignLetters;
  /** For sources that are topics. */
  readonly client: KafkaClient;
  /** Of the groups of these. */
  readonly prefix: string;
}

export interface ForeignWaysOptions {
  readonly config: ForeignConfig;
  /** Asked for when it is opened. */
  readonly outlets: () => ForeignOutlets;
  /** For what has to outlive a restart: `state` of the configuration. */
  readonly stateDir: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

export interface SourceStatus {
  /** Key of `sources`. */
  readonly name: string;
  readonly format: FormatName;
  readonly intake: ForeignIntakeStats;
  /** Uplinks that are remembered, where they are merged. */
  readonly uplinks?: number;
  readonly mqtt?: MqttSourceStatus;
  readonly udp?: UdpSourceStatus;
  readonly tcp?: TcpSourceStatus;
  /** Where messages over UDP and TCP are sealed. */
  readonly seal?: SealStatus;
  /** One for each topic; empty where there is none. */
  readonly kafka: readonly KafkaSourceStatus[];
}

export interface ForeignStatus {
  /** Empty until they are open. */
  readonly sources: readonly SourceStatus[];
  /** Of all sources that are posted to. */
  readonly http?: HttpSourcesStatus;
  readonly registries: readonly { readonly name: string; readonly devices: number }[];
}

/** Bytes of one source's messages and records that may wait for Kafka. */
const WAITING_BYTES_MAX = 16 * 2 ** 20;

interface Way {
  open(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

interface OpenSource {
  readonly config: SourceConfig;
  readonly intake: ForeignIntake;
  readonly stations: StationMemory;
  readonly merge: UplinkMerge | undefined;
  readonly mqtt: MqttSource | undefined;
  readonly udp: UdpSource | undefined;
  readonly tcp: TcpSource | undefined;
  readonly gate: SealGate | undefined;
  readonly kafka: readonly KafkaSource[];
}

/** Existing devices, from what is known of them to the ways in: each source with a format, an intake, and where it is heard. */
export class ForeignWays {
  readonly #options: ForeignWaysOptions;
  readonly #registries: ReadonlyMap<string, Registry>;
  #sources: readonly OpenSource[] = [];
  #http: HttpSources | undefined;

  constructor(options: ForeignWaysOptions) {
    const { config, clock, log } = options;
    this.#options = options;
    this.#registries = new Map(config.registries.map((one) => [one.name, new Registry({ ...one, clock, log })]));
  }

  /**
   * Throws `CONFIG_INVALID` or `CONFIG_UNREADABLE` for a mapping, a registry, a token or a file of the broker's, and
   * `SOCKET_FAILED`. Whatever happens, `close` has to follow.
   */
  async open(signal: AbortSignal): Promise<void> {
    for (const registry of this.#registries.values()) await registry.open();
    this.#sources = this.#options.config.sources.map((source) => this.#sourceOf(source));
    this.#http = this.#httpOf(this.#sources);
    for (const { stations, gate } of this.#sources) {
      await stations.open();
      await gate?.open();
    }
    for (const way of this.#ways()) await way.open(signal);
  }

  status(): ForeignStatus {
    const http = this.#http?.status();
    return {
      sources: this.#sources.map(statusOf),
      ...(http === undefined ? {} : { http }),
      registries: [...this.#registries].map(([name, { size: devices }]) => ({ name, devices })),
    };
  }

  /** Hears nothing more, and answers what it has heard, as far as Kafka takes it; before the log is closed. */
  async close(): Promise<void> {
    await Promise.all(this.#ways().map((way) => way.close()));
    await Promise.all(this.#sources.map(({ intake }) => intake.idle()));
    await Promise.all(this.#sources.flatMap(({ stations, gate }) => [stations.close(), gate?.close()]));
    await Promise.all([...this.#registries.values()].map((registry) => registry.close()));
  }

  #ways(): readonly Way[] {
    const ways = this.#sources.flatMap(({ mqtt, udp, tcp, kafka }): (Way | undefined)[] => [mqtt, udp, tcp, ...kafka]);
    return [...ways, this.#http].filter((way) => way !== undefined);
  }

  #sourceOf(config: SourceConfig): OpenSource {
    const { name, registry, mergeUplinksMs, dedupeMs } = config;
    const { clock, log, outlets, stateDir } = this.#options;
    const { recordLog, letters } = outlets();
    const merge = mergeUplinksMs === undefined ? undefined : new UplinkMerge({ clock, windowMs: mergeUplinksMs });
    const stations = new StationMemory({
      path: stationFileOf(stateDir, name),
      clock,
      log: log.child({ source: name }),
    });
    const intake = new ForeignIntake({
      source: name,
      stations,
      format: formatOfSource(config),
      registry: registry === undefined ? undefined : this.#registries.get(registry),
      merge,
      recordLog,
      letters,
      dedupeMs,
      bytesMax: WAITING_BYTES_MAX,
      clock,
      log,
    });
    return { config, intake, stations, merge, ...this.#waysOf(config, intake) };
  }

  #waysOf(config: SourceConfig, intake: ForeignIntake): Pick<OpenSource, 'mqtt' | 'udp' | 'tcp' | 'gate' | 'kafka'> {
    const { name: source, mqtt, udp, tcp, sealKeyFile, kafka } = config;
    const { clock, random, log, outlets, stateDir } = this.#options;
    const subscriptionsFile = join(stateDir, 'subscriptions', `${source}.json`);
    const shared = { source, intake, clock, random, log };
    const { client, prefix } = outlets();
    const gate = sealKeyFile === undefined ? undefined : this.#gateOf(source, sealKeyFile);
    return {
      gate,
      mqtt: mqtt && new MqttSource({ ...shared, ...mqtt, broker: this.#broker, subscriptionsFile }),
      udp: udp && new UdpSource({ ...shared, ...udp, gate }),
      tcp: tcp && new TcpSource({ ...shared, ...tcp, gate }),
      kafka: (kafka?.topics ?? []).map((topic) => {
        return new KafkaSource({ ...shared, topic, group: `${prefix}.source:${source}:${topic}`, client });
      }),
    };
  }

  #gateOf(source: string, keyFile: string): SealGate {
    const { stateDir, clock, log } = this.#options;
    return new SealGate({ source, keyFile, memoryFile: join(stateDir, 'sequences', `${source}.json`), clock, log });
  }

  #httpOf(sources: readonly OpenSource[]): HttpSources | undefined {
    const { config, clock, log } = this.#options;
    const routes = sources.flatMap(({ config: { name, http }, intake }): HttpRoute[] =>
      http === undefined ? [] : [{ source: name, ...http, bodyBytesMax: BODY_BYTES_MAX, intake }],
    );
    if (routes.length === 0) return undefined;
    assert(config.httpListen !== undefined, 'the configuration is checked');
    return new HttpSources({ listen: config.httpListen, routes, clock, log });
  }

  get #broker(): NonNullable<ForeignConfig['broker']> {
    const { broker } = this.#options.config;
    assert(broker !== undefined, 'the configuration is checked');
    return broker;
  }
}

/** Of one post. */
const BODY_BYTES_MAX = 2 ** 20;

function statusOf({ config, intake, merge, mqtt, udp, tcp, gate, kafka }: OpenSource): SourceStatus {
  return {
    name: config.name,
    format: config.format,
    intake: intake.stats,
    ...(merge === undefined ? {} : { uplinks: merge.size }),
    ...(mqtt === undefined ? {} : { mqtt: mqtt.status() }),
    ...(udp === undefined ? {} : { udp: udp.status() }),
    ...(tcp === undefined ? {} : { tcp: tcp.status() }),
    ...(gate === undefined ? {} : { seal: gate.status() }),
    kafka: kafka.map((topic) => topic.status()),
  };
}
