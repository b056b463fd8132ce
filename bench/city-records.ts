import assert from 'node:assert/strict';
import { MetricTable } from '../daemon/sampling/metric-table.ts';
import type { MetricValue, Observation, SequencedRecord } from '../protocol/record.ts';
import { City } from '../sim/station/city.ts';

/** 2026-01-01T00:00:00Z, a whole second: where the ticks of a station of 1 s stand. */
const START_MS = 1_767_225_600_000;
const STATION = 'city-1';

/** Nine metrics a second as the sampler makes them of a simulated city station: each at the registry's resolution. */
export function cityObservations(seed: number, count: number): Observation[] {
  const city = new City({ seed });
  const table = new MetricTable();
  return Array.from({ length: count }, (_, second) => {
    const metrics: Record<string, MetricValue> = {};
    for (const [name, value] of Object.entries(city.next().values)) {
      const admitted = table.admit(name, value);
      assert(admitted !== undefined, 'every value of the city may stand in a record');
      metrics[name] = admitted;
    }
    return {
      station: STATION,
      kind: 'sample',
      timestampMs: START_MS + second * 1000,
      clock: 'synced',
      metrics,
      flags: {},
    };
  });
}

/** The same with their places in a run. */
export function cityRecords(seed: number, count: number): SequencedRecord[] {
  return cityObservations(seed, count).map((observation, index) => ({ ...observation, sequence: index + 1 }));
}
