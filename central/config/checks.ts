import { checkBrokerClient, checkKeyPair } from '../../runtime/config/broker.ts';
import type { Path } from '../../runtime/config/document.ts';
import type { ConfigReader } from '../../runtime/config/reader.ts';
import { isLoopback, listenAddress } from '../../runtime/config/values.ts';
import { KAFKA_NAME } from './kafka.ts';
import { SINK_KINDS } from './schema.ts';

const MQTT: Path = ['ingest', 'mqtt'];

/** Reports a centre without anything that it needs: ways in, Kafka, sinks. */
export function checkWhole(reader: ConfigReader): void {
  const has = (key: string): boolean => Object.hasOwn(reader.data, key);
  if (has('kafka') && !has('ingest') && !has('sinks') && !has('sources')) {
    reader.report(
      ['kafka'],
      'key',
      'has neither `ingest` before it nor `sinks` behind it',
      'Add one of them, or both.',
    );
  }
  for (const [key, otherwise] of NEEDED_WITHOUT_KAFKA) {
    if (!has(key) && !has('kafka')) reader.report([key], 'key', 'missing', otherwise);
  }
  const ingest = reader.mappingAt(['ingest']);
  if (ingest !== undefined && [ingest.mqtt, ingest.udp, ingest.http].every((way) => way === undefined)) {
    const hint = 'Write `mqtt: { listen: 127.0.0.1:1883 }`, or `udp: { listen: 0.0.0.0:20100, keys: FOLDER }`.';
    reader.report(['ingest'], 'key', 'says neither `mqtt` nor `udp`', hint);
  }
}

const NEEDED_WITHOUT_KAFKA = [
  ['ingest', 'Say where records come from: `mqtt: { listen: 127.0.0.1:1883 }`.'],
  ['sinks', 'Say where records go: `archive: { files: { path: … } }`.'],
] as const;

/** Reports an `ingest.mqtt` that is neither a client nor a broker, both, or a broker that is open to everybody. */
export function checkMqtt(reader: ConfigReader): void {
  const mqtt = reader.mappingAt(MQTT);
  if (mqtt === undefined) return;
  const { url, listen } = mqtt;
  if (url !== undefined && listen !== undefined) {
    const hint = 'Keep `url` (a broker that runs elsewhere) or `listen` (the embedded one).';
    reader.report([...MQTT, 'listen'], 'key', 'stands beside `url`', hint);
  } else if (listen !== undefined) {
    checkListener(reader, mqtt);
  } else if (url !== undefined) {
    if (Object.hasOwn(mqtt, 'crl')) {
      const hint = 'Give it to the broker (`crlfile` of Mosquitto), and remove it here.';
      reader.report([...MQTT, 'crl'], 'key', 'goes with `listen` only', hint);
    }
    checkBrokerClient(reader, MQTT);
  } else {
    const hint = 'Write `url: mqtt://HOST:1883`, or `listen: 127.0.0.1:1883` for the embedded broker.';
    reader.report(MQTT, 'key', 'says neither `url` nor `listen`', hint);
  }
}

function checkListener(reader: ConfigReader, mqtt: Readonly<Record<string, unknown>>): void {
  for (const key of ['user', 'password'].filter((each) => Object.hasOwn(mqtt, each))) {
    const hint = 'The embedded broker knows its clients by their certificates: remove it.';
    reader.report([...MQTT, key], 'key', 'goes with `url` only', hint);
  }
  if (Object.hasOwn(mqtt, 'share')) {
    const hint = 'Copies of a centre need a broker that is none of them: `url`.';
    reader.report([...MQTT, 'share'], 'key', 'goes with `url` only', hint);
  }
  if (Object.hasOwn(mqtt, 'crl') && !Object.hasOwn(mqtt, 'ca')) {
    reader.report([...MQTT, 'crl'], 'key', 'stands without `ca`', 'Add `ca`: without it no certificate is asked for.');
  }
  const listen = listenAddress().safeParse(mqtt.listen);
  const missing = ['ca', 'cert', 'key'].filter((each) => !Object.hasOwn(mqtt, each));
  if (listen.success && !isLoopback(listen.data)) {
    if (missing.length === 0) return;
    const message = `can be reached from other machines without ${missing.map((key) => `\`${key}\``).join(', ')}`;
    const hint = 'Add `ca`, `cert` and `key` (TLS with client certificates), or listen on 127.0.0.1.';
    reader.report([...MQTT, 'listen'], 'value', message, hint);
    return;
  }
  checkKeyPair(reader, MQTT);
  if (Object.hasOwn(mqtt, 'ca') && missing.length === 2) {
    reader.report([...MQTT, 'ca'], 'key', 'stands without `cert` and `key`', 'Add both, or remove it.');
  }
}

/** Reports sinks of no kind or of two, and one with the name that stands for Kafka. */
export function checkSinks(reader: ConfigReader): void {
  const sinks = reader.mappingAt(['sinks']);
  if (sinks === undefined) return;
  for (const name of Object.keys(sinks)) {
    const sink = reader.mappingAt(['sinks', name]);
    if (sink === undefined) continue;
    if (name === KAFKA_NAME) {
      reader.report(
        ['sinks', name],
        'key',
        'no sink may have this name: in `ack` it stands for Kafka',
        'Choose another.',
      );
    }
    const kinds = SINK_KINDS.filter((kind) => Object.hasOwn(sink, kind));
    if (Object.keys(sink).length === 0) {
      reader.report(['sinks', name], 'key', 'has no kind', 'Write `files: { path: … }` or `ack_log: { path: … }`.');
    } else if (kinds.length > 1) {
      reader.report(['sinks', name, kinds[1] as string], 'key', 'a sink has one kind', 'Give it a sink of its own.');
    }
  }
}
