import { ProtocolError } from './errors.ts';
import { type RunId, recordIdOf, runIdOf } from './ids.ts';
import { metricNamed } from './metrics.ts';
import {
  BOUNDS,
  type Info,
  type JsonValue,
  METRIC_NAME_PATTERN,
  RESERVED_KEYS,
  type SequencedRecord,
} from './record.ts';

/** A record as every consumer sees it: one flat object (`docs/protocol.md`, "JSON"). */
export interface FlatRecord {
  readonly id: string;
  readonly gateway: string;
  readonly station: string;
  readonly kind: string;
  /** ISO 8601, UTC, milliseconds. */
  readonly timestamp: string;
  readonly clock: string;
  /** When the centre had it; absent where no centre is involved. */
  readonly received_at?: string;
  readonly [key: string]: JsonValue;
}

export interface FlatRecordParts {
  /** As the channel authenticated it. */
  readonly gateway: string;
  readonly run: RunId;
  readonly record: SequencedRecord;
  /** UTC, milliseconds since 1970. */
  readonly receivedAtMs?: number | undefined;
}

/**
 * The record's own keys, then its metrics; empty parts are left out. A gap names the run that it is about by salt; here
 * that becomes the run's id, computed under the sender's own name, so that no gateway can declare another's gaps.
 * Throws `INVALID` where a gap's run is no salt, a metric's name is a key of the record's own, or a time is none.
 */
export function flatRecordOf({ gateway, run, record, receivedAtMs }: FlatRecordParts): FlatRecord {
  const flat: Record<string, JsonValue> & { -readonly [Key in keyof FlatRecord]: FlatRecord[Key] } = {
    id: recordIdOf(run, record.sequence),
    gateway,
    station: record.station,
    kind: record.kind,
    timestamp: isoTime(record.timestampMs),
    clock: record.clock,
  };
  if (record.location !== undefined) flat.location = { ...record.location };
  if (Object.keys(record.flags).length > 0) flat.flags = record.flags;
  const info = infoOf(gateway, record);
  if (info !== undefined && Object.keys(info).length > 0) flat.info = info;
  if (receivedAtMs !== undefined) flat.received_at = isoTime(receivedAtMs);
  for (const [name, value] of Object.entries(record.metrics)) {
    // The registry's own names were looked at when they were chosen.
    if (metricNamed(name) === undefined && (RESERVED_KEYS.has(name) || !METRIC_NAME_PATTERN.test(name))) {
      throw new ProtocolError('INVALID', 'no metric may have this name');
    }
    flat[name] = value;
  }
  return flat;
}

const SALT_PATTERN = /^[0-9a-f]{32}$/;

function infoOf(gateway: string, { kind, info }: SequencedRecord): Info | undefined {
  const salt = info?.run;
  if (kind !== 'gap' || salt === undefined) return info;
  if (typeof salt !== 'string' || !SALT_PATTERN.test(salt)) {
    throw new ProtocolError('INVALID', 'a gap names its run by something that is no salt');
  }
  return { ...info, run: runIdOf(gateway, Buffer.from(salt, 'hex')) };
}

const MINUTE_MS = 60_000;
const SECONDS = Array.from({ length: 60 }, (_, second) => `${String(second).padStart(2, '0')}.`);
const MILLISECONDS = Array.from({ length: 1000 }, (_, ms) => `${String(ms).padStart(3, '0')}Z`);
const MINUTES_MAX = 256;
/** What comes together is of a few minutes, and to format a date is a third of what a flat record costs. */
const minutes = new Map<number, string>();

/** As `toISOString`. */
function isoTime(timeMs: number): string {
  if (!(timeMs >= BOUNDS.timestampMsMin && timeMs <= BOUNDS.timestampMsMax)) {
    throw new ProtocolError('INVALID', 'a time outside 1970 to 9999');
  }
  const minute = Math.floor(timeMs / MINUTE_MS);
  let text = minutes.get(minute);
  if (text === undefined) {
    text = new Date(timeMs).toISOString().slice(0, -'00.000Z'.length);
    if (minutes.size === MINUTES_MAX) minutes.clear();
    minutes.set(minute, text);
  }
  const ms = Math.floor(timeMs - minute * MINUTE_MS);
  return `${text}${SECONDS[Math.floor(ms / 1000)]}${MILLISECONDS[ms % 1000]}`;
}
