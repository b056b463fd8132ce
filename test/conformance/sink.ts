import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { FlatRecord } from '../../central/recordlog/recordlog.ts';
import type { Sink } from '../../central/sinks/sink.ts';
import { entryOf, flatOf, runOf, span } from './entries.ts';
import { writeThroughKills } from './kill.ts';

export interface SinkHarness {
  /** A sink that writes to a place; the place is an empty folder at first. Commits without long waits. */
  make(place: string): Sink;
  /** Every record that stands there now, in any order, repeats included. Fails on what is no record. */
  read(place: string): Promise<readonly FlatRecord[]>;
}

const never = new AbortController().signal;
const KILLS = 6;
const SEED = 20_260_131;

/**
 * What every sink must keep, whatever it writes to.
 * @param moduleUrl the module that exports `harness`, for processes that are to be killed
 * @param options.above the folder that places are made in
 */
export function describeSink(
  name: string,
  harness: SinkHarness,
  moduleUrl: string,
  { above = tmpdir }: { readonly above?: () => string } = {},
): void {
  describe(`sink ${name}`, () => {
    let place = '';
    beforeEach(async () => {
      place = await mkdtemp(join(above(), 'mooring-sink-'));
    });
    afterEach(() => rm(place, { recursive: true, force: true }));

    const open = async (): Promise<Sink> => {
      const sink = harness.make(place);
      await sink.open(never);
      return sink;
    };
    const expectExactly = async (expected: readonly FlatRecord[]): Promise<void> => {
      const byId = (a: FlatRecord, b: FlatRecord): number => (a.id < b.id ? -1 : 1);
      expect([...(await harness.read(place))].sort(byId)).toEqual([...expected].sort(byId));
    };

    test('every id stands there once, with every value as it was, after two replays and a new start', async () => {
      const [a, b] = [runOf(1), runOf(2)];
      const entries = [entryOf(a, span(1, 70)), entryOf(b, span(5, 40)), entryOf(a, span(100, 120))];
      const expected = entries.flatMap(({ records }) => records.map(({ flat }) => flat));

      const first = await open();
      await first.write(entries);
      await expectExactly(expected);
      await first.write(entries);
      await first.close();
      const second = await open();
      await second.write([...entries].reverse());
      await second.close();
      await expectExactly(expected);
    });

    test('what is written is committed, by run, also for the next start', async () => {
      const [a, b] = [runOf(1), runOf(2)];
      const sink = await open();
      expect([...sink.runs()]).toEqual([]);
      await sink.write([entryOf(a, [3, 4, 5, 9]), entryOf(b, [1])]);
      await sink.write([entryOf(a, [6])]);
      await sink.close();
      const again = await open();
      for (const asked of [sink, again]) {
        expect([...asked.runs()].sort()).toEqual([a, b].sort());
        expect(asked.committed(a).ranges()).toEqual([
          [3, 6],
          [9, 9],
        ]);
        expect(asked.committed(b).ranges()).toEqual([[1, 1]]);
        expect(asked.committed(runOf(3)).ranges()).toEqual([]);
      }
      await again.close();
    });

    test('writes that overlap, at once and in any order, leave every record once, and count it once', async () => {
      const run = runOf(1);
      const sink = await open();
      const starts = [40, 1, 20, 35, 10, 1, 60, 30];
      const added = await Promise.all(starts.map((start) => sink.write([entryOf(run, span(start, start + 25))])));
      expect(added.reduce((sum, each) => sum + each)).toBe(85);
      expect(sink.committed(run).count).toBe(85);
      await sink.close();
      await expectExactly(span(1, 85).map((sequence) => flatOf(run, sequence)));
    });

    test('closing finishes what was written', async () => {
      const run = runOf(1);
      const sink = await open();
      const written = Promise.all([sink.write([entryOf(run, span(1, 30))]), sink.write([entryOf(run, span(31, 50))])]);
      await sink.close();
      await written;
      await expectExactly(span(1, 50).map((sequence) => flatOf(run, sequence)));
    });

    test('one that keeps positions has each of them with the records that led to it, also for the next start', async () => {
      const run = runOf(1);
      const first = await open();
      if (first.positions === undefined) {
        await first.close();
        return;
      }
      const log = 'MkU3OEVBNTcwNTJENDM2Qk/mooring.records';
      expect(first.positions(log)).toEqual(new Map());
      await first.write([entryOf(run, span(1, 20))], { log, offsets: new Map([[0, 20]]) });
      expect(first.positions(log)).toEqual(new Map([[0, 20]]));
      expect(await first.write([entryOf(run, span(1, 20))], { log, offsets: new Map([[2, 20]]) })).toBe(0);
      await first.write([], { log, offsets: new Map([[0, 25]]) });
      await first.close();
      const second = await open();
      expect(second.positions?.(log)).toEqual(
        new Map([
          [0, 25],
          [2, 20],
        ]),
      );
      expect(second.positions?.(`${log}.of-another`)).toEqual(new Map());
      expect(second.logs?.()).toEqual([log]);
      await second.close();
      await expectExactly(span(1, 20).map((sequence) => flatOf(run, sequence)));
    });

    test(`killed ${KILLS} times in the middle of writing (seed ${SEED}), it has what it confirmed, and nothing twice`, async () => {
      const run = runOf(7);
      const stored = await writeThroughKills({ moduleUrl, place, run: 7, kills: KILLS, seed: SEED });
      const sink = await open();
      const committed = sink.committed(run).ranges();
      expect(stored.ranges().flatMap(([first, last]) => span(first, last))).toSatisfy((confirmed: number[]) =>
        confirmed.every((sequence) => committed.some(([first, last]) => first <= sequence && sequence <= last)),
      );
      await expectExactly(
        committed.flatMap(([first, last]) => span(first, last)).map((sequence) => flatOf(run, sequence)),
      );

      const all = span(1, Math.max(...committed.map(([, last]) => last)));
      for (let replay = 0; replay < 2; replay += 1) await sink.write([entryOf(run, all)]);
      await sink.close();
      await expectExactly(all.map((sequence) => flatOf(run, sequence)));
    }, 60_000);
  });
}
