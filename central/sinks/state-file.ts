import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { isRunId, type RunId } from '../../protocol/ids.ts';
import { IntervalSet, type Range } from '../../protocol/intervals.ts';
import { MooringError } from '../../runtime/errors.ts';
import type { Disk } from './disk.ts';
import { replaceText, unhashed, withHash } from './hashed-json.ts';
import type { LogOffsets } from './log-offsets.ts';

/**
 * What a sink on a file system knows of itself; replaced as a whole by every commit. A run is never forgotten, as its
 * records may come again: each start of a gateway costs some 34 bytes here for good, and 50,000 of them some 100 ms of
 * every commit. A folder that has seen more than that is better closed, and a new one begun.
 */
export interface SinkState {
  /** By log, `direct` or cluster and topic, and partition: the offset that is written next. */
  readonly logs: LogOffsets;
  /** File below the root → bytes that are committed. Every file that may have more than that on disk is here. */
  readonly files: ReadonlyMap<string, number>;
  /** Run → sequences that are committed. */
  readonly runs: ReadonlyMap<RunId, IntervalSet>;
  /** Files that are to become something else once they are closed. */
  readonly parts: ReadonlyMap<string, PartState>;
  /** How often it was taken over: whoever does changes the state, before anything else. */
  readonly openings: number;
}

/** `open`: lines come to it. `sealed`: for ever as it is, and about to become something else. */
export type PartState = 'open' | 'sealed';

const VERSION = 1;
const FILE_NAME = 'state.json';

/**
 * The state as a file of two lines: the state as JSON, then its SHA-256. A flipped bit in a range would otherwise be
 * taken for records that are there, and they would be acknowledged without being written.
 */
export class StateFile {
  readonly #disk: Disk;
  readonly #folder: string;
  /** Hashes of what the file may hold, as far as this process knows: what it read or wrote, and tried to write since. */
  readonly #own = new Set<string>();

  constructor(disk: Disk, folder: string) {
    this.#disk = disk;
    this.#folder = folder;
  }

  get path(): string {
    return join(this.#folder, FILE_NAME);
  }

  /** Undefined when there is none yet. Throws `SINK_STATE_DAMAGED`. */
  async read(): Promise<SinkState | undefined> {
    const bytes = await this.#disk.read(this.path);
    this.#own.clear();
    if (bytes === undefined) return undefined;
    const text = Buffer.from(bytes).toString('utf8');
    this.#own.add(hashOf(text));
    return decodeState(text, this.path);
  }

  /** Durable when it resolves. When it rejects, the file holds either the old state or the new one, whole. */
  async replace(state: SinkState): Promise<void> {
    const text = encodeState(state);
    const hash = hashOf(text);
    this.#own.add(hash);
    await replaceText(this.#disk, this.#folder, FILE_NAME, text);
    this.#own.clear();
    this.#own.add(hash);
  }

  /** Who has written what stands there. */
  async owner(): Promise<'own' | 'another' | 'nobody'> {
    const bytes = await this.#disk.read(this.path);
    if (bytes === undefined) return 'nobody';
    return this.#own.has(hashOf(Buffer.from(bytes).toString('utf8'))) ? 'own' : 'another';
  }
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** The state as text: one line of JSON, one line with its hash. */
export function encodeState({ logs, files, runs, parts, openings }: SinkState): string {
  const json = JSON.stringify({
    version: VERSION,
    openings,
    logs,
    files: Object.fromEntries(files),
    runs: Object.fromEntries([...runs].map(([run, sequences]) => [run, sequences.ranges()])),
    ...(parts.size === 0 ? {} : { parts: Object.fromEntries(parts) }),
  });
  return withHash(json);
}

/** Throws `SINK_STATE_DAMAGED` for anything that `encodeState` did not write. */
export function decodeState(text: string, path: string): SinkState {
  const json = unhashed(text);
  if (json === undefined) throw damagedState(path, 'its hash does not match its content');
  const { version, logs, files, runs, parts = {}, openings = 0 } = JSON.parse(json) as StateJson;
  if (version !== VERSION) throw damagedState(path, `it is of version ${version}, this program reads ${VERSION}`);
  if (!Object.keys(runs).every(isRunId)) throw damagedState(path, 'it names a run that is none');
  return {
    logs,
    files: new Map(Object.entries(files)),
    runs: new Map(Object.entries(runs).map(([run, ranges]) => [run, new IntervalSet(ranges)])),
    parts: new Map(Object.entries(parts)),
    openings,
  };
}

/** The error for a state that cannot be gone on with. Starting over instead would write every repeat a second time. */
export function damagedState(path: string, reason: string): MooringError {
  return new MooringError('SINK_STATE_DAMAGED', 'the state of the sink cannot be trusted', {
    context: { path, reason },
    hint: 'Move the whole folder aside, files and state together, and let the sink begin a new one: no record is lost, but what gateways send again will stand in both. Never put back the state alone: it does not know what was written after it.',
  });
}

interface StateJson {
  readonly version: number;
  readonly logs: SinkState['logs'];
  readonly files: Readonly<Record<string, number>>;
  readonly runs: Readonly<Record<RunId, readonly Range[]>>;
  readonly parts?: Readonly<Record<string, PartState>>;
  readonly openings?: number;
}
