import { expect, test } from 'vitest';
import { MooringError } from '../../../runtime/errors.ts';
import { SteppedClock } from '../../../sim/clock.ts';
import { flatOf, runOf } from '../../../test/conformance/entries.ts';
import { storeRecordOf } from '../../../test/conformance/remote-records.ts';
import { LogLines } from '../../../test/log-lines.ts';
import { SteppedCron } from '../../../test/stepped-cron.ts';
import { Schedule } from '../../schedule/schedule.ts';
import { type DroppingStore, RetainingStore } from './retaining-store.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 1440 * MINUTE_MS;

async function setUp(wall: string) {
  const clock = new SteppedClock(Date.parse(wall));
  const said = new LogLines();
  const asked: string[] = [];
  const fate: { failure: MooringError | undefined } = { failure: undefined };
  const store: DroppingStore = {
    name: 'search',
    open: async () => undefined,
    write: async () => [{ index: 0, reason: 'no' }],
    dropBefore: async (dayMs, onDropped) => {
      if (asked.length === 0) onDropped?.('mooring-2025.10.01');
      if (fate.failure !== undefined) throw fate.failure;
      asked.push(new Date(dayMs).toISOString());
      return [];
    },
    close: async () => undefined,
  };
  const file = { load: async () => undefined, save: async () => undefined };
  const jobs = new Schedule({ atMinutes: 190, file, cron: new SteppedCron(clock), clock, log: said });
  await jobs.open();
  const retaining = new RetainingStore({ store, retentionMs: 90 * DAY_MS, jobs, clock, log: said });
  const write = (received_at: string) => retaining.write([storeRecordOf({ ...flatOf(runOf(1), 1), received_at })]);
  return { clock, said, asked, fate, jobs, retaining, write };
}

test('each day what is older than the retention is dropped, by the earlier of this clock and the latest receipt', async () => {
  const { clock, said, asked, jobs, retaining, write } = await setUp('2026-02-01T00:00:00.000Z');
  await retaining.open(new AbortController().signal);
  await clock.advance(DAY_MS);
  // Nothing was written yet that could say what the time is.
  expect(asked).toEqual([]);
  expect(await write('2026-01-31T12:00:00.000Z')).toEqual([{ index: 0, reason: 'no' }]);
  await write('2026-01-01T00:00:00.000Z');
  await clock.advance(10 * MINUTE_MS);
  await write('2099-01-01T00:00:00.000Z');
  await clock.advance(DAY_MS);
  expect(asked).toEqual(['2025-11-02T12:00:00.000Z', '2025-11-04T03:10:00.000Z']);
  expect(said.told).toEqual(['info: dropped what is older than the retention']);
  await retaining.close();
  await clock.advance(2 * DAY_MS);
  expect(asked).toHaveLength(2);
  expect(jobs.status()).toEqual([]);
});

test('a store that does not drop is told, with what it had dropped before that, and asked again the next day', async () => {
  const { clock, said, asked, fate, jobs, retaining, write } = await setUp('2026-02-01T00:00:00.000Z');
  await retaining.open(new AbortController().signal);
  await write('2026-02-01T00:00:00.000Z');
  fate.failure = new MooringError('SINK_FAILED', 'away');
  await clock.advance(180 * MINUTE_MS);
  expect(jobs.status()).toMatchObject([{ kind: 'retention', sink: 'search', isFailing: true }]);
  fate.failure = undefined;
  await clock.advance(DAY_MS);
  expect(asked).toHaveLength(1);
  expect(jobs.status()).toMatchObject([{ isFailing: false }]);
  expect(said.told).toEqual([
    'info: dropped what is older than the retention',
    'error: a daily job has failed; it is tried again tomorrow',
    'info: dropped what is older than the retention',
  ]);
  await retaining.close();
});
