import assert from 'node:assert/strict';
import type { z } from 'zod';
import { brokerClientOf } from '../../runtime/config/broker.ts';
import { ConfigReader } from '../../runtime/config/reader.ts';
import { checkAck, checkMqtt, checkSinks } from './checks.ts';
import { checkPlaces } from './places.ts';
import { centralSchema } from './schema.ts';
import type { CentralConfig, MqttIngestConfig, SinkConfig } from './types.ts';

export type {
  AckLogSinkConfig,
  CentralConfig,
  EmbeddedBrokerConfig,
  FilesSinkConfig,
  ListenTlsConfig,
  MqttIngestConfig,
  SinkConfig,
} from './types.ts';

type Root = z.output<typeof centralSchema>;

/** Reads and checks a centre's file. Throws `CONFIG_INVALID` with every problem in it, or `CONFIG_UNREADABLE`. */
export function loadCentralConfig(path: string): CentralConfig {
  return readCentralConfig(new ConfigReader(path));
}

/** The same for a file that has been opened already. */
export function readCentralConfig(reader: ConfigReader): CentralConfig {
  const root = reader.parse(centralSchema, []);
  checkMqtt(reader);
  checkSinks(reader);
  checkPlaces(reader);
  checkAck(reader);
  reader.throwIfInvalid();
  assert(root !== undefined, 'what does not parse has a problem');
  const sinks = Object.entries(root.sinks).map(([name, keys]) => sinkOf(name, keys));
  return {
    file: reader.file,
    ingest: { mqtt: mqttOf(root.ingest.mqtt), udp: undefined, intakeBytesMax: root.ingest.intake },
    kafka: undefined,
    ack: root.ack ?? sinks.filter(({ kind }) => kind !== 'ack_log').map(({ name }) => name),
    sinks,
    stateDir: root.state,
    logLevel: root.log_level,
  };
}

function mqttOf(keys: Root['ingest']['mqtt']): MqttIngestConfig {
  const { url, listen, ca, cert, key } = keys;
  if (url !== undefined) return { mode: 'client', share: undefined, ...brokerClientOf({ ...keys, url }) };
  assert(listen !== undefined, 'neither `url` nor `listen` is a problem');
  const tls = cert === undefined || key === undefined ? undefined : { certFile: cert, keyFile: key, caFile: ca };
  return { mode: 'embedded', listen, tls };
}

function sinkOf(name: string, { files, ack_log }: Root['sinks'][string]): SinkConfig {
  if (files !== undefined) return { kind: 'files', name, ...files };
  assert(ack_log !== undefined, 'a sink of no kind is a problem');
  return { kind: 'ack_log', name, path: ack_log.path };
}
