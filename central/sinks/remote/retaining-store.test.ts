import { expect, test } from 'vitest';
import { MooringError } from '../../../runtime/errors.ts';
import { SteppedClock } from '../../../sim/clock.ts';
import { flatOf, runOf } from '../../../test/conformance/entries.ts';
import { storeRecordOf } from '../../../test/conformance/remote-records.ts';
import { LogLines } from '../../../test/log-lines.ts';
import { type DroppingStore, RetainingStore } from './retaining-store.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

function setUp(wall: string) {
  const clock = new SteppedClock(Date.parse(wall));
  const said = new LogLines();
  const asked: string[] = [];
  const fate: { failure: MooringError | undefined } = { failure: undefined };
  const store: DroppingStore = {
    name: 'search',
    open: async () => undefined,
    write: async () => [{ index: 0, reason: 'no' }],
    dropBefore: async (dayMs) => {
      if (fate.failure !== undefined) throw fate.failure;
      asked.push(new Date(dayMs).toISOString());
      return asked.length === 1 ? ['mooring-2025.10.01'] : [];
    },
    close: async () => undefined,
  };
  const retaining = new RetainingStore({ store, retentionMs: 90 * DAY_MS, clock, log: said });
  const write = (received_at: string) => retaining.write([storeRecordOf({ ...flatOf(runOf(1), 1), received_at })]);
  return { clock, said, asked, fate, retaining, write };
}

test('every hour, what is older than the retention is dropped, by the earlier of this clock and the latest receipt', async () => {
  const { clock, said, asked, retaining, write } = setUp('2026-02-01T00:00:00.000Z');
  await retaining.open(new AbortController().signal);
  await clock.advance(HOUR_MS);
  // Nothing was written yet that could say what the time is.
  expect(asked).toEqual([]);
  expect(await write('2026-01-31T12:00:00.000Z')).toEqual([{ index: 0, reason: 'no' }]);
  await write('2026-01-01T00:00:00.000Z');
  await clock.advance(HOUR_MS);
  await write('2099-01-01T00:00:00.000Z');
  await clock.advance(HOUR_MS);
  expect(asked).toEqual(['2025-11-02T12:00:00.000Z', '2025-11-03T03:00:00.000Z']);
  expect(said.told).toEqual(['info: dropped what is older than the retention']);
  await retaining.close();
  await clock.advance(DAY_MS);
  expect(asked).toHaveLength(2);
  expect(clock.pendingTimers).toBe(0);
});

test('a store that does not drop is told once, and asked again', async () => {
  const { clock, said, asked, fate, retaining, write } = setUp('2026-02-01T00:00:00.000Z');
  await retaining.open(new AbortController().signal);
  await write('2026-02-01T00:00:00.000Z');
  fate.failure = new MooringError('SINK_FAILED', 'away');
  await clock.advance(5 * HOUR_MS);
  fate.failure = undefined;
  await clock.advance(HOUR_MS);
  expect(asked).toHaveLength(1);
  expect(said.told).toEqual([
    'warn: what is older than the retention cannot be dropped; trying again',
    'info: dropped what is older than the retention',
  ]);
  await retaining.close();
});
