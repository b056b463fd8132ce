import { realpathSync } from 'node:fs';
import { basename, dirname, join, resolve, sep } from 'node:path';
import type { Path } from '../../runtime/config/document.ts';
import type { ConfigReader } from '../../runtime/config/reader.ts';
import { PATH_SINK_KINDS } from './schema.ts';

/** Name of the dead letter's folder, below `state`. */
export const DEAD_LETTER_FOLDER = 'deadletter';
/** Name of the file below `state` with what is remembered of Kafka; it is replaced by way of one with `.new` behind. */
export const WATCH_FILE = 'kafka.json';
/** Name of the lock below `state` of the one centre with Kafka that uses it. */
export const STATE_LOCK = 'kafka.lock';
/** Name of the file below `state` with when daily jobs were done. */
export const SCHEDULE_FILE = 'schedule.json';
/** Name of the folder below `state` with what is remembered of each store; its files are replaced as that one is. */
export const MARKS_FOLDER = 'sinks';

/** Name of the file with what is remembered of how far a store is. */
export function markFileOf(sink: string): string {
  return `${sink}.json`;
}

/**
 * Reports two writers in one place: a centre that holds the lock of a folder would stand by for itself, for ever. Also
 * reports a writer in the folder in which another keeps its lock and state.
 */
export function checkPlaces(reader: ConfigReader): void {
  const writers = writersIn(reader);
  for (const [index, { path, place, subject }] of writers.entries()) {
    const same = writers.slice(0, index).find((other) => other.place === place);
    const host = writers.find(({ own }) => place === own || place.startsWith(own + sep));
    if (same !== undefined) {
      const message = `${subject}is where the sink in line ${reader.lineOf(same.path)} writes`;
      reader.report(path, 'value', message, 'Choose another.');
    } else if (host !== undefined) {
      const message = `${subject}is in the folder of the lock and state of line ${reader.lineOf(host.path)}`;
      reader.report(path, 'value', message, 'Choose another.');
    }
  }
}

interface Writer {
  readonly path: Path;
  readonly place: string;
  /** Where it keeps its lock and state. */
  readonly own: string;
  /** Begins a sentence about the place, where that is not what the key says. */
  readonly subject: string;
}

/** What writes, in the order of the file's keys; what is below `state` last. */
function writersIn(reader: ConfigReader): Writer[] {
  const writers: Writer[] = [];
  const add = (path: Path, place: string, ownIn: (place: string) => string, subject = ''): void => {
    const real = realPath(resolve(reader.folder, place));
    writers.push({ path, place: real, own: ownIn(real), subject });
  };
  for (const name of Object.keys(reader.mappingAt(['sinks']) ?? {})) {
    for (const kind of PATH_SINK_KINDS) {
      const path = ['sinks', name, kind, 'path'];
      const place = reader.valueAt(path);
      if (typeof place === 'string') add(path, place, kind === 'files' ? inFolder : besideFile);
    }
  }
  const state = reader.valueAt(['state']);
  if (typeof state !== 'string') return writers;
  add(['state'], join(state, DEAD_LETTER_FOLDER), inFolder, 'its `deadletter` ');
  if (!Object.hasOwn(reader.data, 'kafka')) return writers;
  const marks = Object.keys(reader.mappingAt(['sinks']) ?? {}).map((name) => join(MARKS_FOLDER, markFileOf(name)));
  for (const name of [WATCH_FILE, STATE_LOCK, ...marks]) add(['state'], join(state, name), asNew, `its \`${name}\` `);
  return writers;
}

const inFolder = (place: string): string => join(place, '.mooring');
const asNew = (place: string): string => `${place}.new`;
const besideFile = (place: string): string => `${place}.mooring`;

/** The path without symbolic links, as far down as it exists. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    // Not there yet, or not ours to look at: then what is above it decides.
    return path === dirname(path) ? path : join(realPath(dirname(path)), basename(path));
  }
}
