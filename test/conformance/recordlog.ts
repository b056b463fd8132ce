import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { FlatRecord, LogEntry, LogOutcome, RecordLog } from '../../central/recordlog/recordlog.ts';
import { IntervalSet, type Range } from '../../protocol/intervals.ts';
import { systemClock } from '../../runtime/clock.ts';
import { MooringError } from '../../runtime/errors.ts';
import { entryOf, flatOf, runOf, span } from './entries.ts';
import { writeThroughKills } from './kill.ts';

export interface RecordLogHarness {
  /** A log over a place; the place is an empty folder at first. `faults.isBroken` makes every append fail meanwhile. */
  make(place: string, faults?: { isBroken: boolean }): RecordLog;
  /** Every record that a consumer of the log finds once it has de-duplicated by id, in any order. */
  read(place: string): Promise<readonly FlatRecord[]>;
  /** A flat object as JSON of more bytes than this is more than the log takes. */
  readonly recordBytesMax: number;
  /** How long a test may take, where that is more than usual, in milliseconds. */
  readonly timeoutMs?: number;
  /** How many cases of overlapping appends are tried; 15 when left out. */
  readonly overlapRuns?: number;
  /** How long a log that was broken may go on failing, in milliseconds; not at all when left out. */
  readonly recoveryMs?: number;
}

const never = new AbortController().signal;
const KILLS = 4;
const SEED = 20_260_201;
const RUN = runOf(1);

const sequencesIn = (ranges: readonly Range[]): number[] => ranges.flatMap(([first, last]) => span(first, last));

/** Every sequence of the entry is in exactly one part. */
function expectPartition({ records }: LogEntry, { stored, held, rejected }: LogOutcome): void {
  const parts = [stored, held, ...rejected.map(({ ranges }) => ranges)].flatMap(sequencesIn);
  expect(parts.sort((a, b) => a - b)).toEqual(records.map(({ sequence }) => sequence));
}

/**
 * What every record log must keep: `direct` as well as Kafka.
 * @param moduleUrl the module that exports `harness`, for processes that are to be killed
 */
export function describeRecordLog(name: string, harness: RecordLogHarness, moduleUrl: string): void {
  const { timeoutMs, overlapRuns = 15, recoveryMs = 0 } = harness;
  describe(`record log ${name}`, timeoutMs === undefined ? {} : { timeout: timeoutMs }, () => {
    let place = '';
    beforeEach(async () => {
      place = await mkdtemp(join(tmpdir(), 'mooring-log-'));
    });
    afterEach(() => rm(place, { recursive: true, force: true }));

    const open = async (faults?: { isBroken: boolean }): Promise<RecordLog> => {
      const log = harness.make(place, faults);
      await log.open(never);
      return log;
    };
    const append = async (log: RecordLog, entry: LogEntry): Promise<LogOutcome> => {
      const outcome = await log.append(entry);
      expectPartition(entry, outcome);
      return outcome;
    };
    /** The first append after a fault. */
    const appendOnceWhole = async (log: RecordLog, entry: LogEntry): Promise<LogOutcome> => {
      const endMs = systemClock.monotonicMs() + recoveryMs;
      for (;;) {
        try {
          return await append(log, entry);
        } catch (error) {
          if (!(error instanceof MooringError) || systemClock.monotonicMs() >= endMs) throw error;
        }
        await systemClock.sleep(50);
      }
    };
    const expectExactly = async (run: string, sequences: readonly number[]): Promise<void> => {
      const found = [...(await harness.read(place))].sort((a, b) => (a.id < b.id ? -1 : 1));
      expect(found).toEqual([...sequences].sort((a, b) => a - b).map((sequence) => flatOf(run, sequence)));
    };

    test('an entry that is repeated is stored again in word, and once in deed', async () => {
      const log = await open();
      const entry = entryOf(RUN, [1, 2, 3, 7]);
      const first = await append(log, entry);
      expect(first.rejected).toEqual([]);
      expect(first.added).toBe(4);
      for (let repeat = 0; repeat < 3; repeat += 1) expect(await append(log, entry)).toEqual({ ...first, added: 0 });
      await log.close();
      await expectExactly(RUN, [1, 2, 3, 7]);
    });

    test('of an entry that is there in part, the rest is stored', async () => {
      const log = await open();
      await append(log, entryOf(RUN, span(1, 10)));
      await append(log, entryOf(RUN, span(6, 15)));
      await append(log, entryOf(RUN, [2, 15, 16, 20]));
      await log.close();
      await expectExactly(RUN, [...span(1, 16), 20]);
    });

    test('appends at once, overlapping and in any order, come to the same', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 20 }), {
            minLength: 1,
            maxLength: 12,
          }),
          async (batches) => {
            await rm(place, { recursive: true, force: true });
            const log = await open();
            const entries = batches.map((batch) =>
              entryOf(
                RUN,
                batch.sort((a, b) => a - b),
              ),
            );
            await Promise.all(entries.map((entry) => append(log, entry)));
            await log.close();
            await expectExactly(RUN, [...new Set(batches.flat())]);
          },
        ),
        { numRuns: overlapRuns },
      );
    });

    test('runs do not touch each other', async () => {
      const other = runOf(2);
      const log = await open();
      await Promise.all([append(log, entryOf(RUN, span(1, 5))), append(log, entryOf(other, span(3, 9)))]);
      await log.close();
      const found = (await harness.read(place)).map(({ id }) => id).sort();
      const expected = [...span(1, 5).map((s) => flatOf(RUN, s).id), ...span(3, 9).map((s) => flatOf(other, s).id)];
      expect(found).toEqual(expected.sort());
    });

    test('closing finishes what was accepted, and accepts no more', async () => {
      const log = await open();
      const accepted = Promise.all([append(log, entryOf(RUN, span(1, 30))), append(log, entryOf(RUN, span(31, 60)))]);
      await log.close();
      await accepted;
      await expect(log.append(entryOf(RUN, [61]))).rejects.toMatchObject({ code: 'LOG_FAILED', retry: 'later' });
      await expectExactly(RUN, span(1, 60));
    });

    test('what is stored is still stored after a new start', async () => {
      const first = await open();
      await append(first, entryOf(RUN, span(1, 20)));
      await first.close();
      const second = await open();
      await append(second, entryOf(RUN, span(11, 30)));
      await second.close();
      await expectExactly(RUN, span(1, 30));
    });

    test('an append that failed may be repeated, and meanwhile nothing of it is acknowledged', async () => {
      const faults = { isBroken: false };
      const log = await open(faults);
      await append(log, entryOf(RUN, span(1, 5)));
      faults.isBroken = true;
      const attempts = await Promise.allSettled([
        log.append(entryOf(RUN, span(4, 9))),
        log.append(entryOf(RUN, span(8, 12))),
      ]);
      expect(attempts).toMatchObject([
        { status: 'rejected', reason: { code: 'LOG_FAILED', retry: 'later' } },
        { status: 'rejected', reason: { code: 'LOG_FAILED', retry: 'later' } },
      ]);
      faults.isBroken = false;
      await appendOnceWhole(log, entryOf(RUN, span(8, 12)));
      await append(log, entryOf(RUN, span(4, 9)));
      await log.close();
      await expectExactly(RUN, span(1, 12));
    });

    test('a record that is more than the log takes is rejected with a code, for good, and the others are stored', async () => {
      const log = await open();
      const entry = entryOf(RUN, [1, 2, 3]);
      const [one, two, three] = entry.records as [
        LogEntry['records'][0],
        LogEntry['records'][0],
        LogEntry['records'][0],
      ];
      const large = { ...two, flat: { ...two.flat, x_note: 'x'.repeat(harness.recordBytesMax) } };
      for (let repeat = 0; repeat < 2; repeat += 1) {
        const outcome = await append(log, { ...entry, records: [one, large, three] });
        expect(outcome.rejected).toMatchObject([{ ranges: [[2, 2]], code: 'too_large' }]);
      }
      await log.close();
      await expectExactly(RUN, [1, 3]);
    });

    test(
      `killed ${KILLS} times (seed ${SEED}), it has what it said it stored`,
      async () => {
        const run = runOf(9);
        const stored = await writeThroughKills({ moduleUrl, place, run: 9, kills: KILLS, seed: SEED });
        const log = await open();
        const all = span(1, stored.last as number);
        const found = new IntervalSet();
        for (const { id } of await harness.read(place)) found.add(Number.parseInt(id.slice(-12), 16));
        for (const [first, last] of stored.ranges()) expect(found.missing(first, last)).toEqual([]);

        for (let replay = 0; replay < 2; replay += 1) await append(log, entryOf(run, all));
        await log.close();
        await expectExactly(run, [...new Set([...all, ...sequencesIn(found.ranges())])]);
      },
      Math.max(60_000, timeoutMs ?? 0),
    );
  });
}
