import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { RunId } from '../../protocol/ids.ts';
import { SeededRandom } from '../../runtime/random.ts';
import { lines, linesOn, never, RUNS, setUp, stateOn } from '../../test/conformance/appender.ts';
import { span } from '../../test/conformance/entries.ts';
import { PowerCutDisk } from '../../test/conformance/power-cut-disk.ts';
import type { LogPosition } from './sink.ts';

const LOG = 'MkU3OEVBNTcwNTJENDM2Qk/mooring.records';
const RUN = RUNS[0] as RunId;

const at = (offset: number, partition = 0): LogPosition => ({ log: LOG, offsets: new Map([[partition, offset]]) });

/** An appender whose commits are as fast as the steps of the clock. */
function open(disk = new PowerCutDisk(new SeededRandom(1))) {
  const { appender, clock } = setUp(disk);
  const write = async (first: number, last: number, position: LogPosition): Promise<number> => {
    const appended = appender.append(last < first ? [] : [lines(RUN, first, last, 'x.txt')], position);
    appended.catch(() => undefined);
    await clock.advance(1000);
    return await appended;
  };
  return { appender, clock, disk, write };
}

test('a position is in the same state as the lines that led to it, beside the offset of what came directly', async () => {
  const { appender, disk, write } = open();
  await appender.open(never);
  expect(appender.positions(LOG)).toEqual(new Map());
  expect(appender.logs()).toEqual([]);
  const bothOffsets = new Map([
    [0, 5],
    [7, 90],
  ]);
  await write(1, 3, at(3));
  await write(4, 5, { log: LOG, offsets: bothOffsets });
  expect(stateOn(disk)).toMatchObject({
    logs: { direct: { 0: 0 }, [LOG]: { 0: 5, 7: 90 } },
    runs: { [RUN]: [[1, 5]] },
  });
  await appender.close();
  const again = open(disk);
  await again.appender.open(never);
  expect(again.appender.positions(LOG)).toEqual(bothOffsets);
  expect(again.appender.positions('another/mooring.records')).toEqual(new Map());
  expect(again.appender.logs()).toEqual([LOG]);
  await again.appender.close();
});

test('where every line was there before, the position advances all the same, and costs no more than one commit a second', async () => {
  const { appender, clock, disk, write } = open();
  await appender.open(never);
  await write(1, 9, at(9));
  expect(await write(1, 9, at(18))).toBe(0);
  expect(stateOn(disk).logs).toMatchObject({ [LOG]: { 0: 18 } });
  let isDurable = false;
  const appended = appender.append([], at(27)).then(() => {
    isDurable = true;
  });
  await clock.advance(10);
  expect(isDurable).toBe(true);
  const next = appender.append([], at(36));
  await clock.advance(999);
  expect(stateOn(disk).logs).toMatchObject({ [LOG]: { 0: 27 } });
  await clock.advance(1);
  await Promise.all([appended, next]);
  expect(stateOn(disk).logs).toMatchObject({ [LOG]: { 0: 36 } });
  await appender.close();
});

test('a position that is known already costs no commit', async () => {
  const { appender, disk, write } = open();
  await appender.open(never);
  await write(1, 2, at(2));
  Object.assign(disk.fate, { end: 'full', steps: 0 });
  expect(await write(1, 2, at(2))).toBe(0);
  await expect(write(1, 2, at(3))).rejects.toMatchObject({ code: 'SINK_FAILED' });
  expect(appender.positions(LOG)).toEqual(new Map([[0, 2]]));
});

test('a log that has begun anew may be gone back in', async () => {
  const { appender, write } = open();
  await appender.open(never);
  await write(1, 9, at(9));
  await write(1, 2, at(2));
  expect(appender.positions(LOG)).toEqual(new Map([[0, 2]]));
});

test('a position that is handed in before the one ahead of it is durable is a bug', async () => {
  const { appender, clock } = open();
  await appender.open(never);
  const first = appender.append([lines(RUN, 1, 1, 'x.txt')], at(1));
  await expect(appender.append([lines(RUN, 2, 2, 'x.txt')], at(2))).rejects.toThrow('is durable or has failed');
  const other = appender.append([], { log: 'another/topic', offsets: new Map([[0, 4]]) });
  await clock.advance(1000);
  await Promise.all([first, other]);
  const third = appender.append([], at(3));
  await clock.advance(1000);
  await third;
  await appender.close();
});

/** One message a line: the offset of message `n` of the log is `n - 1`. */
const anyTry = fc.record({
  count: fc.integer({ min: 0, max: 6 }),
  steps: fc.oneof(fc.integer({ min: 0, max: 40 }), fc.constant(Number.POSITIVE_INFINITY)),
  end: fc.constantFrom('power' as const, 'kill' as const, 'full' as const),
});

test('whatever is cut, killed or full, all before the position is there, once, and a confirmed position is not forgotten', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyTry, { minLength: 1, maxLength: 10 }), fc.integer(), async (tries, seed) => {
      const disk = new PowerCutDisk(new SeededRandom(seed));
      let current: ReturnType<typeof open> | undefined;
      let confirmed = 0;
      for (const { count, steps, end } of tries) {
        try {
          if (current === undefined) {
            const opening = open(disk);
            await opening.appender.open(never);
            current = opening;
          }
          const next = current.appender.positions(LOG).get(0) ?? 0;
          expect(next).toBeGreaterThanOrEqual(confirmed);
          Object.assign(disk.fate, { steps, end });
          await current.write(next + 1, next + count, at(next + count));
          confirmed = next + count;
        } catch (error) {
          if (!disk.isDead) expect(error).toMatchObject({ code: 'SINK_FAILED' });
          else {
            disk.restart();
            current = undefined;
          }
        }
        disk.fate.steps = Number.POSITIVE_INFINITY;
      }
      await current?.appender.close();

      const last = open(disk);
      await last.appender.open(never);
      const position = last.appender.positions(LOG).get(0) ?? 0;
      expect(position).toBeGreaterThanOrEqual(confirmed);
      expect(linesOn(disk)).toEqual(span(1, position).map((sequence) => `${RUN}/${sequence}`));
      await last.appender.close();
    }),
    { numRuns: 400 },
  );
}, 60_000);
