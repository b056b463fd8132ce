import type { BrokerClientConfig } from '../../runtime/config/broker.ts';
import type { ListenAddress } from '../../runtime/config/values.ts';
import type { LogLevel } from '../../runtime/log.ts';

/** What `mooring central` is to do. Every default is applied, every path absolute, every cross-check done. */
export interface CentralConfig {
  /** The file that it was read from, as it was named. */
  readonly file: string;
  readonly ingest: {
    readonly mqtt: MqttIngestConfig;
    /** Bytes of batches that may wait in memory. */
    readonly intakeBytesMax: number;
  };
  /** Names of the sinks that must have committed before `stored` is said: without Kafka all but the `ack_log` ones. */
  readonly ack: readonly string[];
  readonly sinks: readonly SinkConfig[];
  /** Folder for what the centre keeps beside its sinks. */
  readonly stateDir: string;
  readonly logLevel: LogLevel;
}

/** A client of somebody's broker, or the broker itself. */
export type MqttIngestConfig = ({ readonly mode: 'client' } & BrokerClientConfig) | EmbeddedBrokerConfig;

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
}

export type SinkConfig = FilesSinkConfig | AckLogSinkConfig;

export interface FilesSinkConfig {
  readonly kind: 'files';
  readonly name: string;
  readonly path: string;
  readonly format: 'ndjson';
  readonly layout: 'date';
}

export interface AckLogSinkConfig {
  readonly kind: 'ack_log';
  readonly name: string;
  readonly path: string;
}
