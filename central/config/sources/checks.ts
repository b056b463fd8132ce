import { TOPIC_PREFIX, topicOf } from '../../../protocol/topics.ts';
import type { Path } from '../../../runtime/config/document.ts';
import type { ConfigReader } from '../../../runtime/config/reader.ts';
import { didYouMean } from '../../../runtime/config/suggest.ts';
import { isLoopback, listenAddress } from '../../../runtime/config/values.ts';
import { TimeZone } from '../../formats/time-zone.ts';
import { topicNamesOf } from '../../recordlog/kafka/topics.ts';
import { WAYS } from './schema.ts';
import { matchesFilter } from './topic-filter.ts';

/** Keys of a source that some formats know. */
const FORMATS_OF: Readonly<Record<string, readonly string[]>> = {
  zone: ['flat-json', 'buoy-json', 'lines', 'mapping'],
  lenient: ['flat-json'],
  split: ['senml'],
  mapping: ['mapping'],
  merge_uplinks: ['lorawan'],
};

/** Reports sources that nobody could hear, that say what their format does not know, or that hear each other. */
export function checkSources(reader: ConfigReader): void {
  const names = Object.keys(reader.mappingAt(['sources']) ?? {});
  checkRole(reader, names);
  if (names.length === 0) {
    if (reader.mappingAt(['sources']) !== undefined)
      reader.report(['sources'], 'key', 'has no source', 'Add one: docs/formats.md, or remove it.');
    reportNeedless(reader, ['registries'], 'Remove it, or name a registry in a source.');
    reportNeedless(reader, ['ingest', 'http'], 'It is for sources with `http`: gateways are not heard there.');
    return;
  }
  if (!Object.hasOwn(reader.data, 'kafka')) {
    const hint = 'Existing devices have nothing to send again: add `kafka: { brokers: [HOST:9092] }`.';
    reader.report(['sources'], 'key', 'stands without `kafka`', hint);
  }
  for (const name of names) checkSource(reader, ['sources', name]);
  checkMqttWays(reader, names);
  checkHttpWays(reader, names);
  checkTwice(reader, names, ['http', 'path'], 'path');
  checkTwice(reader, names, ['mqtt', 'client_id'], 'client id');
}

function reportNeedless(reader: ConfigReader, path: Path, hint: string): void {
  if (reader.valueAt(path) !== undefined) reader.report(path, 'key', 'has no effect without `sources`', hint);
}

function checkRole(reader: ConfigReader, names: readonly string[]): void {
  if (reader.data.role !== 'bridge') return;
  if (names.length === 0) {
    const hint = 'A bridge takes what existing devices say, and nothing else: add `sources`, or remove `role`.';
    reader.report(['role'], 'value', '`bridge` stands without `sources`', hint);
  }
  const elsewhere = 'A bridge hears no gateway: remove it, and let another copy of the centre hear them.';
  for (const path of [['ingest', 'udp'], ['ingest', 'mqtt', 'listen'], ['ingest', 'mqtt', 'share'], ['ack']]) {
    if (reader.valueAt(path) !== undefined) reader.report(path, 'key', 'has no effect with `role: bridge`', elsewhere);
  }
}

function checkSource(reader: ConfigReader, path: Path): void {
  const source = reader.mappingAt(path);
  if (source === undefined) return;
  const { format, zone, registry } = source;
  if (!WAYS.some((way) => Object.hasOwn(source, way))) {
    reader.report(path, 'key', 'has no way in', 'Add `mqtt`, `kafka`, `udp`, `tcp` or `http`.');
  }
  for (const [key, formats] of Object.entries(FORMATS_OF)) {
    if (!Object.hasOwn(source, key) || typeof format !== 'string' || formats.includes(format)) continue;
    const hint = `It is for ${formats.map((each) => `\`${each}\``).join(', ')}: remove it.`;
    reader.report([...path, key], 'key', `has no effect with \`format: ${format}\``, hint);
  }
  if (format === 'mapping' && !Object.hasOwn(source, 'mapping')) {
    const hint = 'Name the file that declares the format: `mapping: meters.yaml`.';
    reader.report([...path, 'format'], 'value', '`mapping` stands without the key `mapping`', hint);
  }
  if (typeof zone === 'string' && !isZone(zone)) {
    reader.report([...path, 'zone'], 'value', 'is no time zone', 'Write a name of the IANA database: Europe/Athens.');
  }
  checkRegistry(reader, [...path, 'registry'], registry);
  checkReply(reader, path, source);
  if (Object.hasOwn(source, 'seal') && !Object.hasOwn(source, 'udp') && !Object.hasOwn(source, 'tcp')) {
    reader.report([...path, 'seal'], 'key', 'stands in a source without `udp` and `tcp`', 'Add one, or remove it.');
  }
  checkKafkaWay(reader, [...path, 'kafka', 'topics']);
}

function checkRegistry(reader: ConfigReader, path: Path, name: unknown): void {
  if (typeof name !== 'string') return;
  const known = Object.keys(reader.mappingAt(['registries']) ?? {});
  if (known.includes(name)) return;
  const there = known.length === 0 ? 'There is none: add `registries`.' : `There is ${known.join(', ')}.`;
  reader.report(path, 'value', 'names no registry', didYouMean(name, known) || there);
}

function checkReply(reader: ConfigReader, path: Path, source: Readonly<Record<string, unknown>>): void {
  const reply = reader.mappingAt([...path, 'reply']);
  if (reply === undefined) return;
  if (Object.keys(reply).length === 0) {
    reader.report(
      [...path, 'reply'],
      'key',
      'says nothing',
      'Write `mqtt: TOPIC`, `udp: true`, `tcp: true` or `http: true`.',
    );
  }
  for (const way of ['mqtt', 'udp', 'tcp', 'http']) {
    if (!Object.hasOwn(reply, way) || Object.hasOwn(source, way)) continue;
    const message = `stands in a source without \`${way}\``;
    reader.report([...path, 'reply', way], 'key', message, 'Nobody would hear it: remove it.');
  }
  if (Object.hasOwn(reply, 'legacy') && !Object.hasOwn(reply, 'mqtt')) {
    reader.report([...path, 'reply', 'legacy'], 'key', 'stands without `mqtt`', 'Add `mqtt: TOPIC`, or remove it.');
  }
  const { mqtt: topic } = reply;
  const filters = reader.valueAt([...path, 'mqtt', 'topics']);
  if (typeof topic !== 'string' || !Array.isArray(filters)) return;
  const own: unknown = filters.find((filter) => typeof filter === 'string' && matchesFilter(filter, topic));
  if (own === undefined) return;
  const message = `is a topic that the source reads (\`${String(own)}\`)`;
  reader.report([...path, 'reply', 'mqtt'], 'value', message, 'Its own replies would be messages: choose another.');
}

function checkKafkaWay(reader: ConfigReader, path: Path): void {
  const topics = reader.valueAt(path);
  if (!Array.isArray(topics)) return;
  const prefix = reader.valueAt(['kafka', 'prefix']) ?? 'mooring';
  const own: readonly string[] = typeof prefix === 'string' ? Object.values(topicNamesOf(prefix)) : [];
  for (const [index, topic] of topics.entries()) {
    if (typeof topic !== 'string') continue;
    if (own.includes(topic)) {
      const hint = 'What it reads would be written there again, without end: choose another.';
      reader.report([...path, index], 'value', 'is a topic that this centre writes to', hint);
    } else if (topics.indexOf(topic) < index) {
      reader.report([...path, index], 'value', 'stands here twice', 'Remove one.');
    }
  }
}

function checkMqttWays(reader: ConfigReader, names: readonly string[]): void {
  const users = names.filter((name) => reader.mappingAt(['sources', name, 'mqtt']) !== undefined);
  const url = reader.valueAt(['ingest', 'mqtt', 'url']);
  for (const name of users) {
    const path = ['sources', name, 'mqtt'];
    if (url === undefined) {
      const isEmbedded = reader.valueAt(['ingest', 'mqtt', 'listen']) !== undefined;
      const message = isEmbedded
        ? 'needs a broker that runs elsewhere: the embedded one keeps no sessions, and carries gateways alone'
        : 'stands without a broker';
      const hint = 'Write `ingest: { mqtt: { url: mqtt://HOST:1883 } }`, a Mosquitto for instance.';
      reader.report(path, 'key', message, hint);
    }
    const topics = reader.valueAt([...path, 'topics']);
    if (!Array.isArray(topics)) continue;
    for (const [index, filter] of topics.entries()) {
      if (typeof filter !== 'string') continue;
      if (!filter.startsWith(`${TOPIC_PREFIX}/`) && !matchesFilter(filter, topicOf('g', 'batch'))) continue;
      const message = 'also takes what gateways say';
      reader.report([...path, 'topics', index], 'value', message, 'Name topics of existing devices alone.');
    }
  }
}

function checkHttpWays(reader: ConfigReader, names: readonly string[]): void {
  const users = names.filter((name) => reader.mappingAt(['sources', name, 'http']) !== undefined);
  const http = reader.mappingAt(['ingest', 'http']);
  if (http !== undefined && users.length === 0) {
    reader.report(['ingest', 'http'], 'key', 'has no effect: no source has `http`', 'Add one, or remove it.');
  }
  if (http === undefined) {
    const hint = 'Write `ingest: { http: { listen: 127.0.0.1:8080 } }`.';
    for (const name of users) reader.report(['sources', name, 'http'], 'key', 'stands without `ingest.http`', hint);
    return;
  }
  const listen = listenAddress().safeParse(http.listen);
  if (!listen.success || isLoopback(listen.data)) return;
  for (const name of users) {
    if (reader.valueAt(['sources', name, 'http', 'token']) !== undefined) continue;
    const hint = 'Add `token`, the name of a file with a secret in its first line, or listen on 127.0.0.1.';
    const message = 'can be reached from other machines without `token`';
    reader.report(['sources', name, 'http'], 'key', message, hint);
  }
}

function checkTwice(reader: ConfigReader, names: readonly string[], keys: readonly string[], what: string): void {
  const seen = new Map<string, string>();
  for (const name of names) {
    const path = ['sources', name, ...keys];
    const value = reader.valueAt(path);
    if (typeof value !== 'string') continue;
    const other = seen.get(value);
    if (other !== undefined) {
      reader.report(path, 'value', `is the ${what} of \`${other}\``, 'Give each source its own.');
    }
    seen.set(value, other ?? name);
  }
}

function isZone(name: string): boolean {
  try {
    new TimeZone(name);
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}
