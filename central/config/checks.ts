import { checkBrokerClient, checkKeyPair } from '../../runtime/config/broker.ts';
import type { Path } from '../../runtime/config/document.ts';
import type { ConfigReader } from '../../runtime/config/reader.ts';
import { didYouMean } from '../../runtime/config/suggest.ts';
import { isLoopback, listenAddress, NOT_IN_THIS_VERSION } from '../../runtime/config/values.ts';
import { SINK_KINDS } from './schema.ts';

const MQTT: Path = ['ingest', 'mqtt'];

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

/** Reports sinks of no kind or of two. */
export function checkSinks(reader: ConfigReader): void {
  const sinks = reader.mappingAt(['sinks']);
  if (sinks === undefined) return;
  for (const name of Object.keys(sinks)) {
    const sink = reader.mappingAt(['sinks', name]);
    if (sink === undefined) continue;
    const kinds = SINK_KINDS.filter((kind) => Object.hasOwn(sink, kind));
    if (Object.keys(sink).length === 0) {
      reader.report(['sinks', name], 'key', 'has no kind', 'Write `files: { path: … }` or `ack_log: { path: … }`.');
    } else if (kinds.length > 1) {
      reader.report(['sinks', name, kinds[1] as string], 'key', 'a sink has one kind', 'Give it a sink of its own.');
    }
  }
}

/** Reports names in `ack` that cannot decide, sinks that it leaves out, and a centre in which nothing can decide. */
export function checkAck(reader: ConfigReader): void {
  const sinks = reader.mappingAt(['sinks']);
  if (sinks === undefined) return;
  const deciding = Object.keys(sinks).filter((name) => reader.mappingAt(['sinks', name])?.ack_log === undefined);
  const { ack } = reader.data;
  if (deciding.length === 0) {
    const message = 'none but `ack_log`: nothing would store the records';
    reader.report(['sinks'], 'key', message, 'Add one with `files`.');
  }
  if (!Array.isArray(ack)) return;
  for (const [index, name] of ack.entries()) {
    if (typeof name !== 'string' || deciding.includes(name)) continue;
    const path = ['ack', index];
    if (Object.hasOwn(sinks, name)) {
      const hint = 'It follows the acknowledgements. Name sinks that store records.';
      reader.report(path, 'value', `\`${name}\` is an \`ack_log\`, which never decides`, hint);
    } else if (name === 'kafka') {
      reader.report(path, 'value', `\`kafka\` is ${NOT_IN_THIS_VERSION}`, 'Name sinks.');
    } else {
      reader.report(path, 'value', 'names no sink', didYouMean(name, deciding) || `There is ${deciding.join(', ')}.`);
    }
  }
  const isRight = ack.every((name) => deciding.includes(name));
  const silent = deciding.filter((name) => !ack.includes(name));
  if (isRight && ack.length > 0 && silent.length > 0) {
    const message = `leaves out ${silent.map((name) => `\`${name}\``).join(', ')}`;
    reader.report(['ack'], 'value', message, 'Without Kafka every sink decides: name them all, or leave `ack` out.');
  }
}
