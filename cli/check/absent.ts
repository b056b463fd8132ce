import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { KAFKA_NAME } from '../../central/config/kafka.ts';
import { STORE_KINDS } from '../../central/config/stores/stores.ts';
import type { Path } from '../../runtime/config/document.ts';
import type { Problem } from '../../runtime/config/problem.ts';
import type { ConfigReader } from '../../runtime/config/reader.ts';

const CLIENT_FILES = ['ca', 'cert', 'key', 'password'];

/**
 * What a right configuration names and this machine has not: ports, certificates, the places of store and sinks, a
 * line in small letters. No errors: a configuration is often checked on another machine than it is for.
 */
export function absentHere(reader: ConfigReader, exists: (path: string) => boolean = existsSync): Problem[] {
  const notes: Problem[] = [];
  const look = (path: Path, what: string, hint: string, of: (named: string) => string = (named) => named): void => {
    const value = reader.valueAt(path);
    if (typeof value !== 'string') return;
    const named = of(resolve(reader.folder, value));
    if (!exists(named)) notes.push(reader.problemAt(path, 'value', `${what} ${named} does not exist here`, hint));
  };
  for (const path of portsOf(reader))
    look(path, 'the port', '`ls -l /dev/serial/by-id/` names those that are plugged in.');
  for (const connection of connectionsOf(reader)) {
    for (const key of CLIENT_FILES) look([...connection, key], 'the file', '');
  }
  for (const name of namesAt(reader, 'forward')) {
    const hint = '`openssl rand -hex 32` makes one; give the centre the same as `<gateway>.key`.';
    look(['forward', name, 'udp', 'key'], 'the file', hint);
  }
  for (const path of storeFilesOf(reader)) look(path, 'the file', '');
  notes.push(...linesInLowerCase(reader));
  look(['ingest', 'udp', 'keys'], 'the folder', 'Make it, with one `<gateway>.key` for each gateway.');
  for (const path of placesOf(reader))
    look(path, 'the folder', 'It is made at the start, where that is allowed.', dirname);
  notes.push(...sinksOfOthers(reader));
  return notes.toSorted((a, b) => a.line - b.line || a.column - b.column);
}

/** What there is can be known on the machine only; no Raspberry Pi has such a line. */
function linesInLowerCase(reader: ConfigReader): Problem[] {
  const named = ['actuators', 'buttons'].flatMap((key) => namesAt(reader, key).map((name): Path => [key, name]));
  return [...sensorsOf(reader), ...named].flatMap((path) => {
    const line = reader.valueAt([...path, 'gpio']);
    if (typeof line !== 'string' || !/^gpio\d+$/i.test(line) || line === line.toUpperCase()) return [];
    const hint = `Did you mean \`${line.toUpperCase()}\`? Capitals matter.`;
    return [reader.problemAt([...path, 'gpio'], 'value', 'is no line that a Raspberry Pi has', hint)];
  });
}

/** With Kafka a sink that decides about acknowledgements may run in another copy; or its name is mistaken. */
function sinksOfOthers(reader: ConfigReader): Problem[] {
  const ack = reader.valueAt(['ack']);
  if (!Array.isArray(ack) || reader.mappingAt(['kafka']) === undefined) return [];
  const known = namesAt(reader, 'sinks');
  const hint = 'Nothing is acknowledged for good until another copy of the centre runs it.';
  return ack.flatMap((name: unknown, index) =>
    name === KAFKA_NAME || known.includes(String(name))
      ? []
      : [reader.problemAt(['ack', index], 'value', 'names a sink that is not in this file', hint)],
  );
}

function portsOf(reader: ConfigReader): Path[] {
  return sensorsOf(reader).map((sensor) => [...sensor, 'port']);
}

function sensorsOf(reader: ConfigReader): Path[] {
  const entriesAt = (path: Path): Path[] => Object.keys(reader.valueAt(path) ?? []).map((at) => [...path, Number(at)]);
  return entriesAt(['stations']).flatMap((station) => entriesAt([...station, 'sensors']));
}

function connectionsOf(reader: ConfigReader): Path[] {
  return [['ingest', 'mqtt'], ...namesAt(reader, 'forward').map((name) => ['forward', name, 'mqtt'])];
}

function placesOf(reader: ConfigReader): Path[] {
  const sinks = namesAt(reader, 'sinks').flatMap((name) => [
    ['sinks', name, 'files', 'path'],
    ['sinks', name, 'ack_log', 'path'],
  ]);
  return [['store', 'path'], ['state'], ...sinks];
}

function storeFilesOf(reader: ConfigReader): Path[] {
  const keys: Path[] = [['ca'], ['password'], ...STORE_KINDS.map((kind) => [kind, 'token'])];
  return namesAt(reader, 'sinks').flatMap((name) => keys.map((key) => ['sinks', name, ...key]));
}

function namesAt(reader: ConfigReader, key: string): string[] {
  return Object.keys(reader.mappingAt([key]) ?? {});
}
