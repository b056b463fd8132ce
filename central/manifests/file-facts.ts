import { createHash, type Hash } from 'node:crypto';
import { basename } from 'node:path';
import { parseRecordId, type RunId } from '../../protocol/ids.ts';
import { IntervalSet } from '../../protocol/intervals.ts';
import { MooringError } from '../../runtime/errors.ts';
import type { Disk } from '../sinks/disk.ts';
import { readRows } from '../sinks/parquet/read.ts';
import type { ManifestFile } from './manifest.ts';

const PART_BYTES = 2 ** 18;
const NEWLINE = 0x0a;

export interface FileFacts extends ManifestFile {
  /** SHA-256 of as many bytes as were asked for; undefined where the file has fewer. */
  readonly prefixSha256: string | undefined;
}

/**
 * What is to be said of a file with records, read once from its beginning; of NDJSON as far as its last finished line, and no further than `bytesMax`. All
 * else has its turn after each part. Rejects with Node's own errors, the signal's reason, or `SINK_FAILED` for what is no
 * record.
 */
export async function factsOf(
  disk: Pick<Disk, 'readPart' | 'size'>,
  path: string,
  { prefixBytes, bytesMax = Number.POSITIVE_INFINITY }: { readonly prefixBytes: number; readonly bytesMax?: number },
  signal: AbortSignal,
): Promise<FileFacts> {
  const tally = new Tally();
  const digest = new PrefixDigest(prefixBytes);
  if (path.endsWith('.parquet')) {
    for await (const part of partsOf(disk, path, signal)) digest.add(part);
    await addRows(disk, path, tally, signal);
  } else {
    await addLines(disk, path, { tally, digest, bytesMax }, signal);
  }
  const { records, foreign, first, last, runs } = tally;
  return {
    file: basename(path),
    bytes: digest.bytes,
    sha256: digest.whole(),
    records,
    foreign,
    ...(first === undefined || last === undefined ? {} : { first, last }),
    runs,
    prefixSha256: digest.prefix,
  };
}

/** SHA-256 of the first bytes of a file, in hex; undefined where it has fewer. */
export async function sha256Of(
  disk: Pick<Disk, 'readPart'>,
  path: string,
  bytes: number,
  signal: AbortSignal,
): Promise<string | undefined> {
  const digest = new PrefixDigest(bytes);
  for await (const part of partsOf(disk, path, signal)) {
    digest.add(part);
    if (digest.prefix !== undefined) break;
  }
  return digest.prefix;
}

async function addLines(
  disk: Pick<Disk, 'readPart'>,
  path: string,
  { tally, digest, bytesMax }: { readonly tally: Tally; readonly digest: PrefixDigest; readonly bytesMax: number },
  signal: AbortSignal,
): Promise<void> {
  let rest: Uint8Array = new Uint8Array();
  for await (const part of partsOf(disk, path, signal, bytesMax)) {
    const text = rest.length === 0 ? part : Buffer.concat([rest, part]);
    const end = text.lastIndexOf(NEWLINE) + 1;
    const finished = text.subarray(0, end);
    rest = text.slice(end);
    if (end === 0) continue;
    digest.add(finished);
    for (const line of Buffer.from(finished.subarray(0, end - 1))
      .toString('utf8')
      .split('\n')) {
      tally.add(recordIn(line, path));
    }
  }
}

async function addRows(
  disk: Pick<Disk, 'readPart' | 'size'>,
  path: string,
  tally: Tally,
  signal: AbortSignal,
): Promise<void> {
  const byteLength = (await disk.size(path)) ?? 0;
  const read = (start: number, end: number): Promise<Uint8Array> => disk.readPart(path, start, end - start);
  try {
    for await (const rows of readRows({ byteLength, read }, ['id', 'timestamp'])) {
      signal.throwIfAborted();
      for (const { id, timestamp } of rows) tally.add({ id, timestamp });
    }
  } catch (cause) {
    signal.throwIfAborted();
    throw notRecords(path, cause);
  }
}

async function* partsOf(
  disk: Pick<Disk, 'readPart'>,
  path: string,
  signal: AbortSignal,
  bytesMax = Number.POSITIVE_INFINITY,
): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < bytesMax; ) {
    signal.throwIfAborted();
    const part = await disk.readPart(path, from, Math.min(PART_BYTES, bytesMax - from));
    if (part.length === 0) return;
    from += part.length;
    yield part;
  }
}

interface Named {
  readonly id: unknown;
  readonly timestamp: unknown;
}

function recordIn(line: string, path: string): Named {
  try {
    const value = JSON.parse(line) as Named | null;
    if (typeof value?.id === 'string') return value;
  } catch (cause) {
    throw notRecords(path, cause);
  }
  throw notRecords(path);
}

function notRecords(path: string, cause?: unknown): MooringError {
  const hint = 'Something else than the sink has written there: `mooring audit` says where.';
  return new MooringError('SINK_FAILED', 'a file of a sink is none of records', { cause, context: { path }, hint });
}

/** What the records of a file have in common. */
class Tally {
  records = 0;
  foreign = 0;
  #firstMs = Number.POSITIVE_INFINITY;
  #lastMs = Number.NEGATIVE_INFINITY;
  readonly #runs = new Map<RunId, IntervalSet>();

  add({ id, timestamp }: Named): void {
    this.records += 1;
    const timeMs = timestamp instanceof Date ? timestamp.getTime() : Date.parse(String(timestamp));
    if (timeMs < this.#firstMs) this.#firstMs = timeMs;
    if (timeMs > this.#lastMs) this.#lastMs = timeMs;
    const place = parseRecordId(String(id));
    if (place === undefined) {
      this.foreign += 1;
      return;
    }
    const sequences = this.#runs.get(place.run) ?? new IntervalSet();
    this.#runs.set(place.run, sequences);
    sequences.add(place.sequence);
  }

  get first(): string | undefined {
    return isoOf(this.#firstMs);
  }

  get last(): string | undefined {
    return isoOf(this.#lastMs);
  }

  get runs(): ManifestFile['runs'] {
    const sorted = [...this.#runs].sort(([a], [b]) => (a < b ? -1 : 1));
    return sorted.map(([run, sequences]) => ({ run, sequences: sequences.ranges() }));
  }
}

function isoOf(timeMs: number): string | undefined {
  return Number.isFinite(timeMs) ? new Date(timeMs).toISOString() : undefined;
}

/** SHA-256 of what is added, and of its beginning. */
class PrefixDigest {
  bytes = 0;
  /** In hex, once there are so many bytes. */
  prefix: string | undefined;
  readonly #prefixBytes: number;
  readonly #hash: Hash = createHash('sha256');

  constructor(prefixBytes: number) {
    this.#prefixBytes = prefixBytes;
    if (prefixBytes === 0) this.prefix = this.whole();
  }

  add(part: Uint8Array): void {
    const left = this.#prefixBytes - this.bytes;
    this.bytes += part.length;
    if (this.prefix !== undefined || left > part.length) {
      this.#hash.update(part);
      return;
    }
    this.#hash.update(part.subarray(0, left));
    this.prefix = this.whole();
    this.#hash.update(part.subarray(left));
  }

  whole(): string {
    return this.#hash.copy().digest('hex');
  }
}
