import type { FlatRecord } from '../../central/recordlog/recordlog.ts';
import type { StoreRecord } from '../../central/sinks/remote/remote-store.ts';
import { parseRecordId, type RunId } from '../../protocol/ids.ts';
import { SeededRandom } from '../../runtime/random.ts';

/** A record as a store takes it. */
export function storeRecordOf(flat: FlatRecord): StoreRecord {
  return { flat, json: JSON.stringify(flat), place: parseRecordId(flat.id) };
}

/** Ids of existing devices are UUIDs of version 5 (RFC 9562 section 5.5), which name no run. */
export function foreignOf(number: number): FlatRecord {
  const timestamp = new Date(Date.UTC(2026, 1, 3, 4, 5) + number * 1013).toISOString();
  return {
    id: `${number.toString(16).padStart(8, '0')}-1f2e-5a3d-9c4b-0123456789ab`,
    gateway: 'schools',
    station: `24e124${String(number % 7).padStart(2, '0')}`,
    kind: 'sample',
    timestamp,
    clock: 'unsynced',
    info: { source_id: `24E124:${number % 7}`, tags: { institute: 'Via Vasca Navale', classroom: `N${number % 3}` } },
    received_at: timestamp,
    co2: 400 + (number % 50),
    x_door_status: number % 2 === 0,
  };
}

/** What else a gateway has to say: nothing of it may vanish among the samples. */
export function wordsOf(place: (sequence: number) => string): FlatRecord[] {
  const common = { gateway: 'plaka', timestamp: '2026-01-31T23:59:59.999Z', clock: 'gps' } as const;
  const received_at = '2026-02-01T00:00:01.000Z';
  return [
    {
      ...{ ...common, id: place(1), station: 'buoy-7', kind: 'alarm', received_at },
      info: { alarm: 'hot', event: 'raised', level: 'critical', metric: 'temperature', value: 41.5 },
    },
    {
      ...{ ...common, id: place(2), station: '_gateway', kind: 'gap', received_at },
      info: { run: '3f2a9c1e-77b0-8d31-9e4c', ranges: [[3, 9]], count: 7, reason: 'dropped' },
    },
    {
      ...common,
      id: place(3),
      station: '_gateway',
      kind: 'event',
      received_at,
      info: { event: 'boot', previous: null },
    },
  ];
}

/** The ninth byte of a run, which has the variant of the UUID (RFC 9562 section 4.1), from 0x80 to 0xbf: a store may take some for none. */
export function variantsOf(recordOf: (run: RunId) => FlatRecord): FlatRecord[] {
  return Array.from({ length: 64 }, (_, low) => recordOf(`3f2a9c1e-77b0-8d31-${(0x80 + low).toString(16)}4c` as RunId));
}

/** Records with a clock that is anywhere from 1970 to 9999, received on one day. */
export function lostInTimeOf(place: (sequence: number) => string, count: number, seed: number): FlatRecord[] {
  const random = new SeededRandom(seed);
  const received_at = '2026-02-01T12:00:00.000Z';
  return Array.from({ length: count }, (_, index) => ({
    ...{ id: place(index + 1), gateway: 'plaka', station: 'buoy-7', kind: 'sample', clock: 'unsynced', received_at },
    timestamp: new Date(Math.floor(random.uniform() * 253_402_300_799_000)).toISOString(),
    temperature: index / 100,
  }));
}
