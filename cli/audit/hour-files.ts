import { createReadStream, existsSync } from 'node:fs';
import { type FileHandle, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parquetOf } from '../../central/sinks/files/hour-parts.ts';
import { readRows } from '../../central/sinks/parquet/read.ts';
import type { JsonValue } from '../../protocol/record.ts';
import { MooringError } from '../../runtime/errors.ts';
import type { AuditedRecord } from './ledger.ts';

/** A line longer than this is no record: a batch as JSON has at most half of it. */
const LINE_BYTES_MAX = 2 ** 20;
const NEWLINE = 0x0a;
const PARQUET = '.parquet';
const HOUR_FILE =
  /^(user\/[^/]+\/)?(\d{4}\/\d\d\/\d\d\/\d\d|undated\/(\d{4}-\d\d-\d\d|undated))(-\d+)?\.(ndjson|parquet)$/;

/**
 * The hour files of a `files` sink: relative paths, in the order of event time. Of a name that is there as NDJSON and as
 * Parquet, which have the same records, the NDJSON. Throws `AUDIT_UNREADABLE` when the folder is none of a sink.
 */
export async function findHourFiles(folder: string): Promise<readonly string[]> {
  let names: readonly string[];
  try {
    names = await readdir(folder, { recursive: true });
  } catch (cause) {
    throw unreadable(folder, 'the folder cannot be read', 'Give the folder that a `files` sink writes to.', cause);
  }
  const files = new Set(names.filter((name) => HOUR_FILE.test(name)));
  const paths = [...files].filter((name) => !name.endsWith(PARQUET) || !files.has(linesOfParquet(name))).sort();
  if (paths.length === 0 && !names.includes('.mooring')) {
    throw unreadable(folder, 'holds no records', 'Give the folder that a `files` sink writes to.');
  }
  return paths;
}

/**
 * The records of one hour file, a line at a time. A last line without a newline is one that is being written, or that a
 * crash cut short: it is no record yet, and `onUnfinished` is called instead.
 * Throws `AUDIT_UNREADABLE` with `FILE:LINE` for a line that is not a record.
 */
export async function* recordsOf(
  folder: string,
  path: string,
  onUnfinished: (place: string) => void,
): AsyncGenerator<AuditedRecord> {
  const file = join(folder, path);
  if (path.endsWith(PARQUET)) {
    yield* parquetRecordsOf(file);
    return;
  }
  // Since the folder was looked at it may have become Parquet.
  if (!existsSync(file) && existsSync(parquetOf(file))) {
    yield* parquetRecordsOf(parquetOf(file));
    return;
  }
  for await (const { number, bytes, isFinished } of linesOf(file)) {
    const place = `${file}:${number}`;
    if (isFinished) yield recordOf(bytes, place);
    else onUnfinished(place);
  }
}

const linesOfParquet = (path: string): string => `${path.slice(0, -PARQUET.length)}.ndjson`;

async function* parquetRecordsOf(file: string): AsyncGenerator<AuditedRecord> {
  let handle: FileHandle | undefined;
  try {
    const opened = await open(file);
    handle = opened;
    const { size: byteLength } = await opened.stat();
    const read = async (start: number, end: number): Promise<Uint8Array> => {
      const { buffer, bytesRead } = await opened.read(Buffer.alloc(end - start), 0, end - start, start);
      return buffer.subarray(0, bytesRead);
    };
    for await (const rows of readRows({ byteLength, read }, ['id', 'gateway', 'kind', 'info'])) {
      for (const { id, gateway, kind, info } of rows) {
        const record = { id: String(id), gateway: String(gateway), kind: String(kind) };
        yield typeof info === 'string' ? { ...record, info: JSON.parse(info) as JsonValue } : record;
      }
    }
  } catch (cause) {
    throw unreadable(file, 'cannot be read as Parquet', 'Something else than the sink has written there.', cause);
  } finally {
    await handle?.close();
  }
}

interface Line {
  /** Counts from 1. */
  readonly number: number;
  readonly bytes: Buffer;
  readonly isFinished: boolean;
}

/** Node's readline cannot tell whether the last line was finished, and keeps a line of any length. */
async function* linesOf(file: string): AsyncGenerator<Line> {
  let number = 0;
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of chunksOf(file)) {
    const text = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let start = 0;
    for (let end = text.indexOf(NEWLINE); end !== -1; end = text.indexOf(NEWLINE, start)) {
      number += 1;
      yield { number, bytes: text.subarray(start, end), isFinished: true };
      start = end + 1;
    }
    rest = text.subarray(start);
    if (rest.length > LINE_BYTES_MAX) throw notARecord(`${file}:${number + 1}`);
  }
  if (rest.length > 0) yield { number: number + 1, bytes: rest, isFinished: false };
}

async function* chunksOf(file: string): AsyncGenerator<Buffer> {
  try {
    yield* createReadStream(file, { highWaterMark: 2 ** 18 }) as AsyncIterable<Buffer>;
  } catch (cause) {
    throw unreadable(file, 'cannot be read', 'Check that this user may read it.', cause);
  }
}

function recordOf(bytes: Buffer, place: string): AuditedRecord {
  let value: JsonValue;
  try {
    value = JSON.parse(bytes.toString('utf8')) as JsonValue;
  } catch (cause) {
    throw notARecord(place, cause);
  }
  if (typeof value !== 'object' || value === null || !('id' in value) || typeof value.id !== 'string') {
    throw notARecord(place);
  }
  return value as unknown as AuditedRecord;
}

function notARecord(place: string, cause?: unknown): MooringError {
  return unreadable(place, 'is not a record', 'Something else than the sink has written there.', cause);
}

function unreadable(place: string, message: string, hint: string, cause?: unknown): MooringError {
  return new MooringError('AUDIT_UNREADABLE', message, { context: { place }, hint, cause });
}
