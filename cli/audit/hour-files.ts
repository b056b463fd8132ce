import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { JsonValue } from '../../protocol/record.ts';
import { MooringError } from '../../runtime/errors.ts';
import type { AuditedRecord } from './ledger.ts';

/** A line longer than this is no record: a batch as JSON has at most half of it. */
const LINE_BYTES_MAX = 2 ** 20;
const NEWLINE = 0x0a;
const HOUR_FILE = /^(user\/[^/]+\/)?(\d{4}\/\d\d\/\d\d\/\d\d|undated\/(\d{4}-\d\d-\d\d|undated))\.ndjson$/;

/** The hour files of a `files` sink: relative paths, in the order of event time. Throws `AUDIT_UNREADABLE` when the folder is none of a sink. */
export async function findHourFiles(folder: string): Promise<readonly string[]> {
  let names: readonly string[];
  try {
    names = await readdir(folder, { recursive: true });
  } catch (cause) {
    throw unreadable(folder, 'the folder cannot be read', 'Give the folder that a `files` sink writes to.', cause);
  }
  const paths = names.filter((name) => HOUR_FILE.test(name)).sort();
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
  for await (const { number, bytes, isFinished } of linesOf(file)) {
    const place = `${file}:${number}`;
    if (isFinished) yield recordOf(bytes, place);
    else onUnfinished(place);
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
