import { realpathSync } from 'node:fs';
import { basename, dirname, join, resolve, sep } from 'node:path';
import type { Path } from '../../runtime/config/document.ts';
import type { ConfigReader } from '../../runtime/config/reader.ts';
import { SINK_KINDS } from './schema.ts';

/** Name of the dead letter's folder, below `state`. */
export const DEAD_LETTER_FOLDER = 'deadletter';

/**
 * Reports two writers in one place: a centre that holds the lock of a folder would stand by for itself, for ever. Also
 * reports a place in a folder that a sink keeps its own things in.
 */
export function checkPlaces(reader: ConfigReader): void {
  const firstAt = new Map<string, Path>();
  for (const { path, place } of placesIn(reader)) {
    const real = realPath(resolve(reader.folder, place));
    const first = firstAt.get(real);
    if (first === undefined) firstAt.set(real, path);
    else if (path[0] === 'state') {
      const message = `its \`${DEAD_LETTER_FOLDER}\` is where the sink in line ${reader.lineOf(first)} writes`;
      reader.report(path, 'value', message, 'Choose another.');
    } else reader.report(path, 'value', `is where the sink in line ${reader.lineOf(first)} writes`, 'Choose another.');
    const taken = real.split(sep).find((name) => name.endsWith('.mooring'));
    if (taken !== undefined) {
      reader.report(path, 'value', `is in \`${taken}\`, which belongs to a sink's own state`, 'Choose another.');
    }
  }
}

/** What writes, in the order of the file's keys; the dead letter last. */
function placesIn(reader: ConfigReader): { readonly path: Path; readonly place: string }[] {
  const places: { path: Path; place: string }[] = [];
  for (const name of Object.keys(reader.mappingAt(['sinks']) ?? {})) {
    for (const kind of SINK_KINDS) {
      const path = ['sinks', name, kind, 'path'];
      const place = reader.valueAt(path);
      if (typeof place === 'string') places.push({ path, place });
    }
  }
  const state = reader.valueAt(['state']);
  if (typeof state === 'string') places.push({ path: ['state'], place: join(state, DEAD_LETTER_FOLDER) });
  return places;
}

/** The path without symbolic links, as far down as it exists. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    // Not there yet, or not ours to look at: then what is above it decides.
    return path === dirname(path) ? path : join(realPath(dirname(path)), basename(path));
  }
}
