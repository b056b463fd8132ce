/**
 * The record: one station at one instant, with every metric measured since the tick before.
 * `docs/protocol.md` specifies how it travels; this file only says what it is.
 */

/** The four kinds of record, in the order of their number on the wire. */
export const RECORD_KINDS = ['sample', 'alarm', 'gap', 'event'] as const;
export type RecordKind = (typeof RECORD_KINDS)[number];

/** How far the label `timestampMs` can be trusted, in the order of their number on the wire. */
export const CLOCK_STATES = ['synced', 'gps', 'rtc', 'unsynced'] as const;
export type ClockState = (typeof CLOCK_STATES)[number];

/** QARTOD flags (IOOS QARTOD manuals): 1 pass, 2 not evaluated, 3 suspect, 4 fail, 9 missing. */
export const FLAGS = [1, 2, 3, 4, 9] as const;
export type Flag = (typeof FLAGS)[number];

export type MetricValue = number | boolean | string;

export interface Location {
  /** Degrees north, WGS 84, to 1e-7. */
  readonly lat: number;
  /** Degrees east, WGS 84, to 1e-7. */
  readonly lon: number;
  /** Metres above mean sea level. */
  readonly alt?: number;
}

export type JsonValue = number | boolean | string | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** Everything of a record that is not a metric: `event`, `previous`, `run`, `ranges`, `count`, `reason`, … */
export type Info = Readonly<Record<string, JsonValue>>;

/** What was observed, before the store gives it a sequence number. */
export interface Observation {
  /** Station name of the configuration, or `GATEWAY_STATION`. */
  readonly station: string;
  readonly kind: RecordKind;
  /** Event time, UTC, milliseconds since 1970. A label only: never used for timing. */
  readonly timestampMs: number;
  readonly clock: ClockState;
  /** Metric name → value. A failed read is absent here and has flag 9. Numbers are finite and never -0. */
  readonly metrics: Readonly<Record<string, MetricValue>>;
  /** Metric name → flag; flag 1 (pass) is omitted. May name a metric that has no value (flag 9). */
  readonly flags: Readonly<Record<string, Flag>>;
  readonly location?: Location;
  readonly info?: Info;
}

/** An observation with its place in its run. With the run's salt and gateway it has an id for ever. */
export interface SequencedRecord extends Observation {
  /** Counts from 1 in each run; at most 2^48 - 1. */
  readonly sequence: number;
}

/** The station name of records that the gateway writes about itself. */
export const GATEWAY_STATION = '_gateway';

/** Names of gateways, stations, forwarders and sinks. */
export const NAME_PATTERN = /^[a-z0-9][a-z0-9._-]{0,62}$/;

/** Names of metrics. */
export const METRIC_NAME_PATTERN = /^[a-z][a-z0-9_]{0,47}$/;

/** A record's own keys in JSON, and names kept free for stores: no metric may be called so. */
export const RESERVED_KEYS: ReadonlySet<string> = new Set(
  'id gateway station kind timestamp clock location flags info received_at run sequence time version schema source raw unit tags'.split(
    ' ',
  ),
);

/** Bounds that every end keeps; what is beyond is refused. */
export const BOUNDS = {
  recordsPerBatch: 1024,
  metricsPerBatch: 256,
  cellsPerBatch: 16_384,
  batchBytes: 65_536,
  batchJsonBytes: 524_288,
  textBytes: 128,
  /** One text of `info`, UTF-8. */
  infoTextBytes: 512,
  /** Objects and lists in one another, `info` itself included. */
  infoDepth: 8,
  /** One record encoded alone, batch overhead included. */
  recordBytes: 1000,
  rangesPerBatch: 256,
  rangesPerAck: 256,
  heldSecondsMax: 600,
  /** 1970-01-01T00:00:00.000Z. */
  timestampMsMin: 0,
  /** 9999-12-31T23:59:59.999Z. */
  timestampMsMax: 253_402_300_799_999,
  sequenceMax: 2 ** 48 - 1,
} as const;
