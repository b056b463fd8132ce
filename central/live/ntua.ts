import type { FlatRecord } from '../recordlog/recordlog.ts';
import type { LiveMessage } from './live-message.ts';

/** What a legacy path is sent of a message; undefined: nothing. */
type LegacyFeed = (message: LiveMessage) => Uint8Array | undefined;

/** Whoever charts these took for late what is more than two days behind. */
const LATE_MS = 2 * 86_400_000;
const RAW: readonly (readonly [path: string, measurement: RegExp])[] = [
  ['/raw/temperature', /^TH\d+$/],
  ['/raw/energy/HVAC', /^HVAC\d+$/],
  ['/raw/energy/MiAC', /^MiAC\d+$/],
  ['/raw/water', /^W\d+$/],
  ['/raw/daily', /^(?:E|W)tot$/],
  ['/agg', /^Agg\w*\[.+\]$/],
];

/**
 * The paths of an existing feed of one building, `{measurement, value, timestamp}` with the minute as the device has
 * written it (`live.legacy: ntua`). The measurement is the device's own name, the value that of its one metric.
 */
export const LEGACY_FEEDS: ReadonlyMap<string, LegacyFeed> = new Map([
  ...RAW.map(([path, measurement]): [string, LegacyFeed] => [
    path,
    ({ flat }) => (measurement.test(nameOf(flat)) ? rowOf(flat) : undefined),
  ]),
  ['/late', ({ flat, lateMs }) => (lateMs > LATE_MS ? rowOf(flat) : undefined)],
]);

const OWN_KEYS: ReadonlySet<string> = new Set(
  'id gateway station kind timestamp clock location flags info received_at'.split(' '),
);

function infoOf({ info }: FlatRecord): Readonly<Record<string, unknown>> {
  return (info ?? {}) as Readonly<Record<string, unknown>>;
}

function nameOf(flat: FlatRecord): string {
  const { source_id } = infoOf(flat);
  return typeof source_id === 'string' ? source_id : flat.station;
}

function rowOf(flat: FlatRecord): Uint8Array | undefined {
  if (flat.kind !== 'sample') return undefined;
  const value = Object.entries(flat).find(([key, each]) => !OWN_KEYS.has(key) && typeof each === 'number')?.[1];
  if (value === undefined) return undefined;
  const { source_time } = infoOf(flat);
  const written = typeof source_time === 'string' ? source_time : flat.timestamp;
  const timestamp = written.slice(0, 'YYYY-MM-DD HH:MM'.length).replace('T', ' ');
  return Buffer.from(JSON.stringify({ measurement: nameOf(flat), value: String(value), timestamp }));
}
