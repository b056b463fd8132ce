import type { FlatRecord, LogEntry } from '../../central/recordlog/recordlog.ts';
import { type RunId, recordIdOf, runIdOf } from '../../protocol/ids.ts';
import type { JsonValue } from '../../protocol/record.ts';
import { SeededRandom } from '../../runtime/random.ts';

const GATEWAY = 'plaka';
const START_MS = Date.UTC(2026, 0, 31, 22, 58);
/** So that a hundred records touch several hours and a change of month. */
const SPACING_MS = 97_000;

/** What must survive as it is: zero, false, empty and absent are different things, and text is any text. */
const SHAPES: readonly Readonly<Record<string, JsonValue>>[] = [
  { kind: 'sample', temperature: 21.25, humidity: 40 },
  { kind: 'sample', rainfall: 0, wind_speed: 0, door_open: false, presence: true },
  { kind: 'sample', flags: { temperature: 9, humidity: 3 }, humidity: 99.9 },
  { kind: 'sample' },
  { kind: 'sample', temperature: -0.001, pressure: 1e-7, location: { lat: -0.0000001, lon: 180, alt: 0 } },
  { kind: 'sample', modem_state: 'línea "1"\n\t{\u2028}\u0000 \\ 東京 🌊', x_note: '' },
  { kind: 'event', info: { event: 'config', empty: [], nothing: null, deep: { a: [0, false, ''] } } },
];

/** A run of the suites, by number. */
export function runOf(number: number): RunId {
  return runIdOf(GATEWAY, new SeededRandom(number).bytes(16));
}

/** The record that a run has at a sequence: always the same one. */
export function flatOf(run: RunId, sequence: number): FlatRecord {
  const timestamp = new Date(START_MS + sequence * SPACING_MS).toISOString();
  const shape = SHAPES[sequence % SHAPES.length] as { readonly kind: string };
  const { kind, ...rest } = shape;
  return {
    id: recordIdOf(run, sequence),
    gateway: GATEWAY,
    station: 'buoy-7',
    kind,
    timestamp,
    clock: 'synced',
    ...rest,
    received_at: new Date(START_MS + sequence * SPACING_MS + 250).toISOString(),
  };
}

/** Some sequences of a run, as ingest hands them over. */
export function entryOf(run: RunId, sequences: readonly number[]): LogEntry {
  return {
    gateway: GATEWAY,
    run,
    records: sequences.map((sequence) => ({ sequence, flat: flatOf(run, sequence) })),
  };
}

/** `first..last`. */
export function span(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}
