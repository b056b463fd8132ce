import type { BrokerClientConfig } from '../../runtime/config/broker.ts';
import type { ListenAddress } from '../../runtime/config/values.ts';
import type { LogLevel } from '../../runtime/log.ts';
import type { CassandraStoreOptions } from '../sinks/cassandra/cassandra-store.ts';
import type { ElasticsearchStoreOptions } from '../sinks/elasticsearch/elasticsearch-store.ts';
import type { FilesFormat } from '../sinks/files/files.ts';
import type { FilesLayout } from '../sinks/files/hour-file.ts';
import type { HbaseStoreOptions } from '../sinks/hbase/hbase-store.ts';
import type { HdfsStoreOptions } from '../sinks/hdfs/hdfs-store.ts';
import type { InfluxdbStoreOptions } from '../sinks/influxdb/influxdb-store.ts';
import type { MariadbStoreOptions } from '../sinks/mariadb/mariadb-store.ts';
import type { PostgresStoreOptions } from '../sinks/postgres/postgres-store.ts';
import type { Take } from '../sinks/remote/take.ts';
import type { SplitStoreOptions } from '../sinks/split/split-store.ts';
import type { LiveConfig } from './live.ts';
import type { MetricsConfig } from './metrics.ts';
import type { ForeignConfig } from './sources/types.ts';

/** What `mooring central` is to do. Every default is applied, every path absolute, every cross-check done. */
export interface CentralConfig {
  /** The file that it was read from, as it was named. */
  readonly file: string;
  readonly ingest: {
    /** Undefined: nothing comes in this way. */
    readonly mqtt: MqttIngestConfig | undefined;
    /** Undefined: nothing comes in this way. */
    readonly udp: UdpIngestConfig | undefined;
    /** Bytes of batches that may wait in memory. */
    readonly intakeBytesMax: number;
  };
  /** Existing devices; left out: there are none. */
  readonly foreign?: ForeignConfig;
  /** Undefined: `direct`, straight to the sinks. */
  readonly kafka: KafkaConfig | undefined;
  /**
   * Names of the sinks that must have committed before `stored` is said: without Kafka all but the `ack_log` ones. Empty
   * with Kafka: the log's own word is enough.
   */
  readonly ack: readonly string[];
  readonly sinks: readonly SinkConfig[];
  /** Folder for what the centre keeps beside its sinks. */
  readonly stateDir: string;
  /** Left out: there are none. */
  readonly metrics?: MetricsConfig;
  /** Left out: there is none. */
  readonly live?: LiveConfig;
  readonly logLevel: LogLevel;
  /** When daily jobs are done, minutes after midnight, UTC; left out: as `daily.ts` has it. */
  readonly dailyAtMinutes?: number;
}

/** A client of somebody's broker, or the broker itself. */
export type MqttIngestConfig = MqttClientConfig | EmbeddedBrokerConfig;

export interface MqttClientConfig extends BrokerClientConfig {
  readonly mode: 'client';
  /** Name of the shared subscription that several copies of the centre divide among them; undefined: this one has all. */
  readonly share: string | undefined;
}

export interface UdpIngestConfig {
  readonly listen: ListenAddress;
  /** Folder with one `<gateway>.key` each. */
  readonly keysDir: string;
}

export const KAFKA_CLIENTS = ['kafkajs', 'platformatic'] as const;
export type KafkaClientKind = (typeof KAFKA_CLIENTS)[number];

export interface KafkaConfig {
  readonly client: KafkaClientKind;
  /** `HOST:PORT` each; any of them tells of the others. */
  readonly brokers: readonly string[];
  /** Of each topic; for ever. */
  readonly partitions: number;
  readonly replication: number;
  /** Topics are `<prefix>.records`, `<prefix>.acks`, `<prefix>.deadletter`; the groups of sinks `<prefix>.<sink>`. */
  readonly prefix: string;
  /** How long a topic that is made here keeps its records. */
  readonly retentionMs: number;
}

export interface EmbeddedBrokerConfig {
  readonly mode: 'embedded';
  readonly listen: ListenAddress;
  /** Undefined: plain TCP, which is allowed on loopback only. */
  readonly tls: ListenTlsConfig | undefined;
}

export interface ListenTlsConfig {
  readonly certFile: string;
  readonly keyFile: string;
  /** Clients must show a certificate signed by one of these; undefined: they need none, on loopback only. */
  readonly caFile: string | undefined;
  /** Certificates that were taken back, as the authority signed it; undefined or left out: none. */
  readonly crlFile?: string | undefined;
}

export type SinkConfig = FilesSinkConfig | AckLogSinkConfig | StoreSinkConfig;

/** A store that runs somewhere else, and how it is fed. */
export type StoreSinkConfig = StoreConfig & {
  readonly name: string;
  /** The most records of one write. */
  readonly batch: number;
  readonly lingerMs: number;
  readonly take: Take;
};

/** By kind: what its class has to know, beside clock and chance. */
export type StoreConfig =
  | CassandraConfig
  | ElasticsearchConfig
  | HbaseConfig
  | HdfsConfig
  | InfluxdbConfig
  | MariadbConfig
  | PostgresConfig
  | SplitConfig;

export interface CassandraConfig {
  readonly kind: 'cassandra';
  /** Where it is, for people. */
  readonly place: string;
  readonly options: Omit<CassandraStoreOptions, 'clock'>;
}

export interface ElasticsearchConfig {
  readonly kind: 'elasticsearch';
  /** Where it is, for people. */
  readonly place: string;
  /** With a retention, what is older is dropped. */
  readonly options: Omit<ElasticsearchStoreOptions, 'clock'>;
}

export interface HbaseConfig {
  readonly kind: 'hbase';
  /** Where it is, for people. */
  readonly place: string;
  readonly options: Omit<HbaseStoreOptions, 'clock'>;
}

export interface HdfsConfig {
  readonly kind: 'hdfs';
  /** Where it is, for people. */
  readonly place: string;
  readonly options: Omit<HdfsStoreOptions, 'clock' | 'random'>;
}

export interface InfluxdbConfig {
  readonly kind: 'influxdb';
  /** Where it is, for people. */
  readonly place: string;
  readonly options: Omit<InfluxdbStoreOptions, 'clock'>;
}

export interface MariadbConfig {
  readonly kind: 'mariadb';
  /** Where it is, for people. */
  readonly place: string;
  readonly options: Omit<MariadbStoreOptions, 'clock'>;
}

export interface PostgresConfig {
  readonly kind: 'postgres';
  /** Where it is, for people. */
  readonly place: string;
  /** With a retention, what is older is dropped. */
  readonly options: Omit<PostgresStoreOptions, 'clock'>;
}

export interface SplitConfig {
  readonly kind: 'split';
  /** Where it is, for people. */
  readonly place: string;
  readonly options: Pick<SplitStoreOptions, 'name' | 'topics'>;
}

export interface FilesSinkConfig {
  readonly kind: 'files';
  readonly name: string;
  readonly path: string;
  readonly format: FilesFormat;
  readonly layout: FilesLayout;
  /** Whether days that are over get a manifest; left out: none does. */
  readonly manifests?: boolean;
}

export interface AckLogSinkConfig {
  readonly kind: 'ack_log';
  readonly name: string;
  readonly path: string;
}
