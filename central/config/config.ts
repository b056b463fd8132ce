import assert from 'node:assert/strict';
import type { z } from 'zod';
import { brokerClientOf } from '../../runtime/config/broker.ts';
import { ConfigReader } from '../../runtime/config/reader.ts';
import { checkAck } from './ack.ts';
import { checkAddresses } from './addresses.ts';
import { checkMqtt, checkSinks, checkWhole } from './checks.ts';
import { checkDaily, minutesOf } from './daily.ts';
import { KAFKA_NAME, kafkaOf } from './kafka.ts';
import { checkLive, liveOf } from './live.ts';
import { checkMetrics, metricsOf } from './metrics.ts';
import { checkPlaces } from './places.ts';
import { centralSchema } from './schema.ts';
import { checkSecrets } from './secrets.ts';
import { checkSources } from './sources/checks.ts';
import { foreignOf } from './sources/sources.ts';
import { checkStores, storeOf } from './stores/stores.ts';
import type { CentralConfig, MqttIngestConfig, SinkConfig } from './types.ts';
import { udpOf } from './udp.ts';

export type {
  AckLogSinkConfig,
  CentralConfig,
  EmbeddedBrokerConfig,
  FilesSinkConfig,
  KafkaConfig,
  ListenTlsConfig,
  MqttIngestConfig,
  SinkConfig,
  StoreSinkConfig,
  UdpIngestConfig,
} from './types.ts';

type Root = z.output<typeof centralSchema>;

/** Reads and checks a centre's file. Throws `CONFIG_INVALID` with every problem in it, or `CONFIG_UNREADABLE`. */
export function loadCentralConfig(path: string): CentralConfig {
  return readCentralConfig(new ConfigReader(path));
}

/** The same for a file that has been opened already. */
export function readCentralConfig(reader: ConfigReader): CentralConfig {
  const root = reader.parse(centralSchema, []);
  checkWhole(reader);
  checkMqtt(reader);
  checkSinks(reader);
  checkStores(reader);
  checkPlaces(reader);
  checkAck(reader);
  checkMetrics(reader);
  checkLive(reader);
  checkSources(reader);
  checkDaily(reader);
  checkSecrets(reader);
  checkAddresses(reader);
  reader.throwIfInvalid();
  assert(root !== undefined, 'what does not parse has a problem');
  const { ingest, kafka, state, metrics, live, log_level, daily_at } = root;
  const foreign = foreignPartOf(root);
  const sinks = Object.entries(root.sinks ?? {}).map(([name, keys]) => sinkOf(name, keys));
  return {
    file: reader.file,
    ingest: ingestOf(ingest, root.role === 'bridge'),
    ...(foreign === undefined ? {} : { foreign }),
    kafka: kafka === undefined ? undefined : kafkaOf(kafka),
    ack: ackOf(root, sinks),
    sinks,
    stateDir: state,
    ...(metrics === undefined ? {} : { metrics: metricsOf(metrics) }),
    ...(live === undefined ? {} : { live: liveOf(live) }),
    logLevel: log_level,
    ...(daily_at === undefined ? {} : { dailyAtMinutes: minutesOf(daily_at) }),
  };
}

/** Without `ingest` nothing comes in, so that how much of it may wait is of no interest. */
function ingestOf(keys: Root['ingest'], isBridge: boolean): CentralConfig['ingest'] {
  return {
    // The broker of a bridge is for its sources.
    mqtt: keys?.mqtt === undefined || isBridge ? undefined : mqttOf(keys.mqtt),
    udp: keys?.udp === undefined ? undefined : udpOf(keys.udp),
    intakeBytesMax: keys?.intake ?? 0,
  };
}

function foreignPartOf({ sources, registries, kafka, ingest }: Root): CentralConfig['foreign'] {
  const broker = ingest?.mqtt === undefined ? undefined : mqttOf(ingest.mqtt);
  return foreignOf({
    sources,
    registries,
    prefix: kafka?.prefix ?? '',
    broker: broker?.mode === 'client' ? broker : undefined,
    httpListen: ingest?.http?.listen,
  });
}

function ackOf({ ack, kafka }: Root, sinks: readonly SinkConfig[]): readonly string[] {
  if (kafka !== undefined) return (ack ?? []).filter((name) => name !== KAFKA_NAME);
  return ack ?? sinks.filter(({ kind }) => kind !== 'ack_log').map(({ name }) => name);
}

function mqttOf(keys: NonNullable<NonNullable<Root['ingest']>['mqtt']>): MqttIngestConfig {
  const { url, listen, ca, cert, key, crl, share } = keys;
  if (url !== undefined) return { mode: 'client', share, ...brokerClientOf({ ...keys, url }) };
  assert(listen !== undefined, 'neither `url` nor `listen` is a problem');
  const tls =
    cert === undefined || key === undefined ? undefined : { certFile: cert, keyFile: key, caFile: ca, crlFile: crl };
  return { mode: 'embedded', listen, tls };
}

function sinkOf(name: string, { files, ack_log, ...keys }: NonNullable<Root['sinks']>[string]): SinkConfig {
  if (files !== undefined) {
    const { manifests, ...rest } = files;
    return { kind: 'files', name, ...rest, ...(manifests === undefined ? {} : { manifests }) };
  }
  if (ack_log !== undefined) return { kind: 'ack_log', name, path: ack_log.path };
  const store = storeOf(name, keys);
  assert(store !== undefined, 'a sink of no kind is a problem');
  return store;
}
