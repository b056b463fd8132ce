import type { ConfigReader } from '../../runtime/config/reader.ts';
import { didYouMean } from '../../runtime/config/suggest.ts';
import { KAFKA_NAME } from './kafka.ts';
import { STORE_KINDS } from './stores/stores.ts';

/** Reports names in `ack` that cannot decide, and a centre in which nothing, or not everything that must, decides. */
export function checkAck(reader: ConfigReader): void {
  if (Object.hasOwn(reader.data, 'kafka')) checkWithKafka(reader);
  else checkDirect(reader);
}

/**
 * With Kafka the records are safe when the log has them, so any sink may be left out; and a sink that decides may run in
 * another copy, so that a name which stands nowhere in this file is no error.
 */
function checkWithKafka(reader: ConfigReader): void {
  const ack = namesIn(reader);
  if (ack.length === 0) return;
  if (!Object.hasOwn(reader.data, 'ingest')) {
    reader.report(['ack'], 'key', 'has no effect without `ingest`', 'Write it where records are taken in.');
    return;
  }
  reportAckLogs(reader, ack);
  reportStores(reader, ack);
  const kafka = ack.find(({ name }) => name === KAFKA_NAME);
  if (kafka !== undefined && ack.some(({ name }) => name !== KAFKA_NAME)) {
    const hint = 'What a sink has came out of Kafka: name sinks alone, or `kafka` alone.';
    reader.report(['ack', kafka.index], 'value', '`kafka` stands beside sinks', hint);
  }
}

/** Straight to the sinks, what one of them did not take would be nowhere else: all of them decide. */
function checkDirect(reader: ConfigReader): void {
  const sinks = reader.mappingAt(['sinks']);
  if (sinks === undefined) return;
  const deciding = Object.keys(sinks).filter((name) => !isAckLog(reader, name));
  if (deciding.length === 0) {
    const message = 'none but `ack_log`: nothing would store the records';
    reader.report(['sinks'], 'key', message, 'Add one with `files`.');
    return;
  }
  const ack = namesIn(reader);
  reportAckLogs(reader, ack);
  for (const { name, index } of ack) {
    if (Object.hasOwn(sinks, name)) continue;
    const path = ['ack', index];
    if (name === KAFKA_NAME) reader.report(path, 'value', 'there is no `kafka` here', 'Add it, or name sinks.');
    else
      reader.report(path, 'value', 'names no sink', didYouMean(name, deciding) || `There is ${deciding.join(', ')}.`);
  }
  const isRight = ack.length > 0 && ack.every(({ name }) => deciding.includes(name));
  const silent = deciding.filter((sink) => !ack.some(({ name }) => name === sink));
  if (isRight && silent.length > 0) {
    const message = `leaves out ${silent.map((name) => `\`${name}\``).join(', ')}`;
    reader.report(['ack'], 'value', message, 'Without Kafka every sink decides: name them all, or leave `ack` out.');
  }
}

interface AckName {
  readonly name: string;
  readonly index: number;
}

function namesIn(reader: ConfigReader): AckName[] {
  const { ack } = reader.data;
  if (!Array.isArray(ack)) return [];
  return ack.flatMap((name: unknown, index) => (typeof name === 'string' ? [{ name, index }] : []));
}

function reportAckLogs(reader: ConfigReader, ack: readonly AckName[]): void {
  for (const { name, index } of ack.filter((each) => isAckLog(reader, each.name))) {
    const hint = 'It follows the acknowledgements. Name sinks that store records.';
    reader.report(['ack', index], 'value', `\`${name}\` is an \`ack_log\`, which never decides`, hint);
  }
}

/** What a store is not to take it passes by: a gateway would hear `stored` of a record that is not there. */
function reportStores(reader: ConfigReader, ack: readonly AckName[]): void {
  for (const { name, index } of ack) {
    const sink = reader.mappingAt(['sinks', name]);
    const kind = STORE_KINDS.find((each) => sink !== undefined && Object.hasOwn(sink, each));
    if (kind === undefined || !Object.hasOwn(sink ?? {}, 'take')) continue;
    const message = `\`${name}\` has a \`take\`: what it leaves out would be acknowledged, and not be there`;
    const hint = 'Take `take` out of the sink, or name another sink: the store follows by itself.';
    reader.report(['ack', index], 'value', message, hint);
  }
}

function isAckLog(reader: ConfigReader, name: string): boolean {
  return reader.mappingAt(['sinks', name])?.ack_log !== undefined;
}
