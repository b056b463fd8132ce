import type { BrokerClientConfig } from '../../../runtime/config/broker.ts';
import type { ListenAddress } from '../../../runtime/config/values.ts';
import type { FormatName } from '../../formats/format.ts';
import type { RegistryColumns } from '../../formats/registry/registry-table.ts';

/** Existing devices: what is said of them, and where they are heard. */
export interface ForeignConfig {
  /** At least one. */
  readonly sources: readonly SourceConfig[];
  readonly registries: readonly RegistryConfig[];
  /** The broker of every source with `mqtt`; undefined where there is none. */
  readonly broker: BrokerClientConfig | undefined;
  /** Where every source with `http` is posted to; undefined where there is none. */
  readonly httpListen: ListenAddress | undefined;
}

export interface SourceConfig {
  /** Key of `sources`; becomes `gateway`. */
  readonly name: string;
  readonly format: FormatName;
  /** Of the IANA database; undefined: times of wall clocks are refused. */
  readonly zone: string | undefined;
  readonly lenient: 'python-repr' | undefined;
  readonly split: boolean;
  /** Path of the file of format `mapping`, and of no other. */
  readonly mapping: string | undefined;
  /** Key of `registries`. */
  readonly registry: string | undefined;
  /** Undefined: uplinks that several gateways have heard are not made one. */
  readonly mergeUplinksMs: number | undefined;
  /** A record that comes again within this time is not written again; 0: it always is. */
  readonly dedupeMs: number;
  readonly mqtt: MqttWayConfig | undefined;
  readonly kafka: KafkaWayConfig | undefined;
  readonly udp: UdpWayConfig | undefined;
  readonly tcp: TcpWayConfig | undefined;
  /** Key that each message over UDP and TCP is sealed with; undefined: none is. */
  readonly sealKeyFile: string | undefined;
  readonly http: HttpWayConfig | undefined;
}

export interface MqttWayConfig {
  readonly topics: readonly string[];
  /** Messages that are read and not stored yet. */
  readonly window: number;
  /** The broker keeps the session under it. */
  readonly clientId: string;
  readonly reply: { readonly topic: string; readonly form: 'json' | 'uuid' } | undefined;
}

export interface KafkaWayConfig {
  readonly topics: readonly string[];
}

export interface UdpWayConfig {
  readonly listen: ListenAddress;
  readonly datagramBytesMax: number;
  readonly isReplying: boolean;
}

export interface TcpWayConfig {
  readonly listen: ListenAddress;
  readonly lineBytesMax: number;
  readonly idleMs: number;
  readonly connectionsPerAddressMax: number;
  readonly isReplying: boolean;
}

export interface HttpWayConfig {
  readonly path: string;
  readonly tokenFile: string | undefined;
  readonly isReplying: boolean;
}

export interface RegistryConfig extends RegistryColumns {
  /** Key of `registries`. */
  readonly name: string;
  readonly file: string;
}
