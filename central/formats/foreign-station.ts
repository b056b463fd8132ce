import { hash } from 'node:crypto';
import { refuse } from './refuse.ts';

/** As `NAME_PATTERN` has it. */
const STATION_CHARS = 63;
const HASH_CHARS = 8;
/** Stations of a source whose originals are remembered. */
const STATIONS_MAX = 100_000;

/** Letters, digits and their accents that no name may hold. */
const FOREIGN_LETTER = /(?![A-Za-z0-9])[\p{L}\p{M}\p{N}]/u;

/**
 * The station of a device: its own id lower-cased, every run of characters that no name may hold one `-`, none at its
 * ends. Where letters or digits were lost by that, or it is too long, a hash of the whole keeps two apart. Throws
 * `RECORD_INVALID` where there is no letter and no digit.
 */
export function stationOf(sourceId: string): string {
  const folded = sourceId
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[._-]+/, '');
  // Not by a pattern, which would look through every run of `-` again from each of them.
  let end = folded.length;
  while (folded[end - 1] === '-') end -= 1;
  const hasLost = FOREIGN_LETTER.test(sourceId);
  if (end === 0 && !hasLost) return refuse('the name of the device', 'has no letter and no digit');
  if (end <= STATION_CHARS && !hasLost) return folded.slice(0, end);
  const digest = hash('sha256', sourceId).slice(0, HASH_CHARS);
  return end === 0 ? digest : `${folded.slice(0, Math.min(end, STATION_CHARS - HASH_CHARS - 1))}-${digest}`;
}

/**
 * Finds two devices of one source whose ids fold to one station, as `TH 1` and `th-1`: their records would stand under one
 * name. The first keeps the name, the second is told of. Ids of records do not depend on it.
 */
export class ForeignStations {
  readonly #originals = new Map<string, string>();
  readonly #max: number;

  /**
   * @param known station → the device's own id
   * @param max stations that are remembered; with more the one that was new longest ago is forgotten
   */
  constructor(known: Iterable<readonly [station: string, sourceId: string]> = [], max = STATIONS_MAX) {
    this.#max = max;
    for (const [station, sourceId] of known) this.collisionOf(station, sourceId);
  }

  /** Station → the device's own id, the one that was new longest ago first. */
  get known(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.#originals);
  }

  /** The own id of the device that has the name; undefined where it is free. */
  ownerOf(station: string): string | undefined {
    return this.#originals.get(station);
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
