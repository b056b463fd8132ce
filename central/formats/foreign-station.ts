import { hash } from 'node:crypto';
import { refuse } from './refuse.ts';

/** As `NAME_PATTERN` has it. */
const STATION_CHARS = 63;
const HASH_CHARS = 8;
/** Stations of a source whose originals are remembered. */
const STATIONS_MAX = 100_000;

/**
 * The station of a device: its own id lower-cased, every run of characters that no name may hold one `-`, none at its
 * ends. One that is too long is cut, and a hash of the whole keeps two apart. Throws `RECORD_INVALID` where nothing is left.
 */
export function stationOf(sourceId: string): string {
  const folded = sourceId
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[._-]+|-+$/g, '');
  if (folded === '') return refuse('the name of the device', 'has no letter of a to z and no digit');
  if (folded.length <= STATION_CHARS) return folded;
  return `${folded.slice(0, STATION_CHARS - HASH_CHARS - 1)}-${hash('sha256', sourceId).slice(0, HASH_CHARS)}`;
}

/**
 * Finds two devices of one source whose ids fold to one station, as `TH 1` and `th-1`: their records would stand under one
 * name. Each copy of the centre knows what it has seen since its start: the first keeps the name, the second is told of. Ids
 * of records do not depend on it.
 */
export class ForeignStations {
  readonly #originals = new Map<string, string>();
  readonly #max: number;

  /** @param max stations that are remembered; with more the one that was new longest ago is forgotten */
  constructor(max = STATIONS_MAX) {
    this.#max = max;
  }

  /** The other device's own id where `station` is that of another one; undefined where the name is free, or this one's. */
  collisionOf(station: string, sourceId: string): string | undefined {
    const original = this.#originals.get(station);
    if (original === sourceId) return undefined;
    if (original !== undefined) return original;
    if (this.#originals.size === this.#max) {
      const [oldest] = this.#originals.keys();
      this.#originals.delete(oldest as string);
    }
    this.#originals.set(station, sourceId);
    return undefined;
  }
}
