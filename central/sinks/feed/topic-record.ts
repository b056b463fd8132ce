import { parseRecordId, type RunId } from '../../../protocol/ids.ts';
import { BOUNDS } from '../../../protocol/record.ts';
import { MooringError } from '../../../runtime/errors.ts';
import type { FlatRecord, LogEntry, LogRecord } from '../../recordlog/recordlog.ts';
import type { StoreRecord } from '../remote/remote-store.ts';

/** The length of `2026-01-02T03:04:05.678Z`: other years are longer. */
const TIMESTAMP_CHARACTERS = 24;
const FOREIGN_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const LINE_END = /[\r\n]/;
/** Objects and lists in one another: no record has a tenth of it, and what has thousands cannot be written as JSON again. */
const DEPTH_MAX = 64;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Reads a message as a flat record, whose text is kept as it is: of a run, or of an existing device, whose id is a UUID of
 * version 5 (RFC 9562 section 5.5). Whatever a sink relies on is checked, as anybody may write to a topic. Throws
 * `RECORD_INVALID`.
 */
export function storeRecordOf(value: Buffer): StoreRecord {
  const record = checkedOf(value);
  if (record.place !== undefined || FOREIGN_ID.test(record.flat.id)) return record;
  throw poison('its id is neither that of a run and sequence nor a UUID of version 5');
}

function checkedOf(value: Buffer): StoreRecord {
  if (value.length > BOUNDS.batchJsonBytes) throw poison(`larger than ${BOUNDS.batchJsonBytes} bytes`);
  const text = textOf(value);
  const flat = flatOf(text);
  if (!isTimestamp(flat.timestamp)) throw poison('its timestamp is none');
  if (flat.received_at !== undefined && !isTimestamp(flat.received_at)) throw poison('its received_at is no timestamp');
  // A line of a file has to stay one.
  const json = LINE_END.test(text) ? JSON.stringify(flat) : text;
  return { flat, json, place: parseRecordId(flat.id) };
}

/** Records of runs as a sink takes them: by run, each sequence once, ascending. Those of existing devices are passed by. */
export function entriesOf(records: readonly StoreRecord[]): LogEntry[] {
  const bySequence = new Map<RunId, Map<number, LogRecord>>();
  for (const { flat, json, place } of records) {
    if (place === undefined) continue;
    const { run, sequence } = place;
    const ofRun = bySequence.get(run) ?? new Map<number, LogRecord>();
    bySequence.set(run, ofRun);
    if (!ofRun.has(sequence)) ofRun.set(sequence, { sequence, flat, json });
  }
  return [...bySequence].map(([run, ofRun]) => {
    const ascending = [...ofRun.values()].sort((a, b) => a.sequence - b.sequence);
    return { gateway: (ascending[0] as LogRecord).flat.gateway, run, records: ascending };
  });
}

/** The text of a message. Throws `RECORD_INVALID` where it is none. */
export function textOf(value: Buffer): string {
  try {
    return utf8.decode(value);
  } catch (cause) {
    throw poison('it is not UTF-8', cause);
  }
}

/** A JSON object. Throws `RECORD_INVALID` for anything else. */
function objectOf(text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw poison('it is not JSON', cause);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw poison('it is no object');
  return value as Record<string, unknown>;
}

/** The error for a message that no later try will write. */
export function poison(reason: string, cause?: unknown): MooringError {
  return new MooringError('RECORD_INVALID', reason, { cause });
}

function flatOf(text: string): FlatRecord {
  const flat = objectOf(text);
  for (const key of ['id', 'gateway', 'station', 'kind', 'timestamp', 'clock']) {
    if (typeof flat[key] !== 'string') throw poison(`its ${key} is no text`);
  }
  if (!isWithin(flat, DEPTH_MAX)) throw poison(`more than ${DEPTH_MAX} objects and lists in one another`);
  return flat as FlatRecord;
}

function isWithin(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return depth > 0 && Object.values(value).every((each) => isWithin(each, depth - 1));
}

function isTimestamp(text: unknown): boolean {
  if (typeof text !== 'string') return false;
  const timeMs = Date.parse(text);
  return text.length === TIMESTAMP_CHARACTERS && Number.isFinite(timeMs) && new Date(timeMs).toISOString() === text;
}
