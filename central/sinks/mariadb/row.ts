import type { JsonValue } from '../../../protocol/record.ts';
import { METRIC_COLUMNS } from '../remote/metric-columns.ts';
import type { StoreRecord } from '../remote/remote-store.ts';
import { Unwritable } from '../remote/unwritable.ts';

/** What is written, in the order of `rowOf`. */
export const ROW_COLUMNS: readonly string[] = [
  ...['id', 'gateway', 'station', 'kind', 'time', 'clock', 'run', 'sequence', 'received_at'],
  ...['location', 'flags', 'info'],
  ...METRIC_COLUMNS,
  'metrics',
];

const OF_THEIR_OWN: ReadonlySet<string> = new Set(METRIC_COLUMNS);

/**
 * A record as the values of one row, `(…)`. Its numbers are written so that they are read as the very same doubles; what is
 * no number under a name of `METRIC_COLUMNS` stands among the further metrics.
 * Throws `Unwritable`.
 * @param quote a text as a literal of the server that it is for
 */
export function rowOf({ flat, place }: StoreRecord, quote: (text: string) => string): string {
  const { id, gateway, station, kind, timestamp, clock, received_at, location, flags, info, ...metrics } = flat;
  const text = (value: string | undefined): string => (value === undefined ? 'NULL' : quote(value));
  const json = (value: JsonValue | undefined): string => (value === undefined ? 'NULL' : quote(JSON.stringify(value)));
  const further = Object.entries(metrics).filter(([name, value]) => !isColumn(name, value));
  const values = [
    ...[id, gateway, station, kind, dateTimeOf(timestamp), clock, place?.run].map(text),
    String(place?.sequence ?? 'NULL'),
    received_at === undefined ? 'NULL' : quote(dateTimeOf(received_at)),
    ...[location, flags, info].map(json),
    ...METRIC_COLUMNS.map((name) => doubleOf(metrics[name])),
    json(further.length === 0 ? undefined : Object.fromEntries(further)),
  ];
  return `(${values.join(',')})`;
}

function isColumn(name: string, value: JsonValue | undefined): boolean {
  return typeof value === 'number' && OF_THEIR_OWN.has(name);
}

/** With an exponent, as a number without one is a DECIMAL before it is a double. */
function doubleOf(value: JsonValue | undefined): string {
  if (typeof value !== 'number') return 'NULL';
  const digits = String(value);
  return digits.includes('e') ? digits : `${digits}e0`;
}

const TIME_PATTERN = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** As a DATETIME is written. The server would take other forms too, and make another time of them. */
function dateTimeOf(iso: string): string {
  if (!TIME_PATTERN.test(iso)) throw new Unwritable('its time is not like 2026-01-31T22:59:59.999Z');
  return iso.replace('T', ' ').slice(0, -1);
}
