import type { AnyDriver } from '../../drivers/driver.ts';
import type { MetricDefinition } from '../../protocol/metrics.ts';
import type { Location } from '../../protocol/record.ts';
import type { BrokerClientConfig } from '../../runtime/config/broker.ts';
import type { LogLevel } from '../../runtime/log.ts';
import type { ActuatorSettings, AlarmSettings, ButtonSettings } from '../alarms/settings.ts';
import type { MetricRules } from '../quality/rules.ts';
import type { MetricCalibration } from '../quality/types.ts';

/** What `mooring run` is to do. Every default is applied, every path absolute, every cross-check done. */
export interface GatewayConfig {
  /** The file that it was read from, as it was named. */
  readonly file: string;
  readonly gateway: string;
  readonly stations: readonly StationConfig[];
  /** Metrics beyond the registry, those of raw values too. */
  readonly metrics: readonly MetricExtension[];
  readonly store: StoreConfig;
  readonly forward: readonly ForwarderConfig[];
  /** Presets expanded, each with the stations that it holds for. */
  readonly alarms: readonly AlarmSettings[];
  readonly actuators: readonly ActuatorSettings[];
  readonly buttons: readonly ButtonSettings[];
  readonly logLevel: LogLevel;
}

export interface StationConfig {
  readonly name: string;
  readonly everyMs: number;
  /** Fixed, or `gps`: where its receiver says it is. */
  readonly location: Location | 'gps' | undefined;
  readonly sensors: readonly SensorConfig[];
  /** The rules for its values, by metric; presets expanded. */
  readonly quality: Readonly<Record<string, MetricRules>>;
}

export interface SensorConfig {
  readonly driver: AnyDriver;
  /** The driver's own options, as its schema read them. */
  readonly options: unknown;
  /** A multiple of the station's. */
  readonly everyMs: number;
  readonly staleMs: number;
  readonly deadlineMs: number;
  /** The driver's name of a metric → the name in records. Metrics that keep their name are not in it. */
  readonly rename: Readonly<Record<string, string>>;
  /** The metrics that it may give, under the names in records; those of raw values at the end. */
  readonly metrics: readonly string[];
  /** How metrics are calibrated, by their names in records; those that are not are not in it. */
  readonly calibrations: Readonly<Record<string, MetricCalibration>>;
}

/** A metric that the registry does not know: it travels by name. */
export type MetricExtension = Omit<MetricDefinition, 'number' | 'cf'>;

export interface StoreConfig {
  readonly path: string;
  readonly budgetBytes: number;
  readonly overflow: 'drop_oldest';
  readonly lingerMs: number;
}

/** A way to the centre. */
export type ForwarderConfig = MqttForwarderConfig | UdpForwarderConfig;

interface NamedForwarder {
  readonly name: string;
  /** Cap on the backlog lane; undefined: none. */
  readonly backlogBytesPerSecond: number | undefined;
}

export interface MqttForwarderConfig extends NamedForwarder {
  readonly kind: 'mqtt';
  readonly mqtt: BrokerClientConfig;
}

export interface UdpForwarderConfig extends NamedForwarder {
  readonly kind: 'udp';
  readonly udp: UdpClientConfig;
}

/** How a gateway reaches a centre over UDP. */
export interface UdpClientConfig {
  /** Name or address; an IPv6 address without brackets. */
  readonly host: string;
  readonly port: number;
  /** File with the key that both ends have. */
  readonly keyFile: string;
}
