import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KafkaClientKind } from '../../central/config/types.ts';
import type { Link } from '../../sim/link.ts';
import type { UdpLink } from '../../sim/udp-link.ts';
import type { Certificates, Identity } from '../certificates.ts';
import type { KafkaBroker } from '../kafka/broker.ts';
import type { Mosquitto } from '../mosquitto.ts';
import type { Program } from '../processes.ts';

export const PARTITIONS = 3;
/** Of the sink that stores records. */
export const ARCHIVE = 'archive';

export interface ShoreOptions {
  /** How the gateway reaches it: over MQTT if left out. */
  readonly way?: 'mqtt' | 'udp';
  /** Between ingest and sinks; straight to them if left out. */
  readonly kafka?: ShoreKafka;
  /** Copies of the centre, each with its part of the work; one that does everything if left out. */
  readonly copies?: readonly CopyParts[];
  /** What decides an acknowledgement, as the configuration has it; the configuration's own default if left out. */
  readonly ack?: readonly string[];
  /** Sinks beside the files, as the configuration has them; none if left out. */
  readonly stores?: Readonly<Record<string, object>>;
  /** Existing devices beside the gateway; none if left out. */
  readonly devices?: DeviceWays;
}

/** How existing devices reach a centre: by its broker, and by a port of its own. */
export interface DeviceWays {
  readonly httpPort: number;
  /** As the configuration has them. */
  readonly sources: Readonly<Record<string, object>>;
}

export interface ShoreKafka {
  readonly broker: KafkaBroker;
  /** The configuration's own default if left out. */
  readonly client?: KafkaClientKind;
  /** The way of the centre to the broker's second listener, which is advertised there; straight to it if left out. */
  readonly link?: Link;
  /** Of the topics. */
  readonly prefix: string;
  readonly retention?: string;
}

export interface UdpWay {
  /** From the gateway to the centre. */
  readonly link: UdpLink;
  /** Of the centre. */
  readonly port: number;
  /** Folder of the gateways' keys, and the file of this one's. */
  readonly keysDir: string;
  readonly keyFile: string;
}

/** What a copy of the centre does. */
export interface CopyParts {
  readonly ingest: boolean;
  readonly sinks: boolean;
}

const WHOLE: CopyParts = { ingest: true, sinks: true };

/** Where the programs of a centre are: its broker, the way to it, its folder. */
export interface Shore {
  readonly name: string;
  readonly folder: string;
  readonly broker: Mosquitto;
  /** From the gateway to the broker. */
  readonly uplink: Link;
  /** From the centre to the broker. */
  readonly downlink: Link;
  /** Where the gateway comes over UDP: then not over the broker. */
  readonly udp: UdpWay | undefined;
  readonly copies: readonly CopyParts[];
  readonly ack: readonly string[] | undefined;
  readonly stores: Readonly<Record<string, object>>;
  readonly devices: DeviceWays | undefined;
  kafka: ShoreKafka | undefined;
  /** By copy; those that were started. */
  readonly centres: Program[];
}

export type NewShore = Pick<Shore, 'name' | 'folder' | 'broker' | 'uplink' | 'downlink' | 'udp'>;

export function shoreOf(shore: NewShore, { kafka, copies = [WHOLE], ack, stores = {}, devices }: ShoreOptions): Shore {
  return { ...shore, copies, ack, stores, devices, kafka, centres: [] };
}

/** `HOST:PORT` at which the centre of a shore finds its Kafka. */
export function kafkaAddress({ broker, link }: ShoreKafka): string {
  return link === undefined ? broker.address : `127.0.0.1:${link.port}`;
}

/** Writes the configuration of a copy of a shore's centre. Returns its path. */
export function writeCentral(shore: Shore, copy: number, certificates: Certificates | undefined): string {
  const { ingest, sinks } = shore.copies[copy] ?? WHOLE;
  const state = `state-${copy}`;
  mkdirSync(join(shore.folder, state), { recursive: true });
  const config = {
    ...(ingest ? { ingest: ingestOf(shore, certificates) } : {}),
    ...(shore.kafka === undefined ? {} : { kafka: kafkaOf(shore.kafka) }),
    ...(shore.ack === undefined || !ingest ? {} : { ack: shore.ack }),
    ...(shore.devices === undefined || !ingest ? {} : { sources: shore.devices.sources }),
    ...(sinks ? { sinks: { ...SINKS, ...shore.stores } } : {}),
    state,
  };
  // JSON is YAML.
  const path = join(shore.folder, `central-${copy}.yaml`);
  writeFileSync(path, JSON.stringify(config, null, 2));
  return path;
}

/** The files are the same for all copies: one writes, the others stand by. */
const SINKS = {
  [ARCHIVE]: { files: { path: 'records' } },
  acks: { ack_log: { path: 'acks.txt' } },
} as const;

function ingestOf({ copies, downlink, udp, devices }: Shore, certificates: Certificates | undefined): object {
  if (udp !== undefined) return { udp: { listen: `127.0.0.1:${udp.port}`, keys: udp.keysDir } };
  const share = copies.filter(({ ingest }) => ingest).length > 1 ? { share: 'copies' } : {};
  const http = devices === undefined ? {} : { http: { listen: `127.0.0.1:${devices.httpPort}` } };
  return { mqtt: { ...mqttClient(downlink, certificates?.ca, certificates?.centre), ...share }, ...http };
}

function kafkaOf(kafka: ShoreKafka): object {
  const { client, prefix, retention } = kafka;
  return {
    brokers: [kafkaAddress(kafka)],
    partitions: PARTITIONS,
    replication: 1,
    prefix,
    ...(client === undefined ? {} : { client }),
    ...(retention === undefined ? {} : { retention }),
  };
}

/** A gateway's way out to a shore. */
export function forwardOf({ uplink, udp }: Shore, certificates: Certificates | undefined): object {
  if (udp !== undefined) return { udp: { host: '127.0.0.1', port: udp.link.port, key: udp.keyFile } };
  return { mqtt: mqttClient(uplink, certificates?.ca, certificates?.gateway) };
}

/** How either program reaches a Mosquitto. */
function mqttClient(link: Link, ca: string | undefined, identity: Identity | undefined): object {
  const scheme = identity === undefined ? 'mqtt' : 'mqtts';
  const url = `${scheme}://127.0.0.1:${link.port}`;
  return identity === undefined ? { url } : { url, ca, ...identity };
}
