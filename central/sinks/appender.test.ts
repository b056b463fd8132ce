import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { RunId } from '../../protocol/ids.ts';
import { SeededRandom } from '../../runtime/random.ts';
import { lines, linesOn, never, ROOT, RUNS, setUp, stateOn } from '../../test/conformance/appender.ts';
import { span } from '../../test/conformance/entries.ts';
import { Died, PowerCutDisk } from '../../test/conformance/power-cut-disk.ts';
import type { Append } from './appender.ts';

interface Step {
  readonly appends: readonly Append[];
  readonly fate: { readonly steps: number; readonly end: 'power' | 'kill' | 'full' };
}

const anyAppend: fc.Arbitrary<Append> = fc
  .record({
    run: fc.constantFrom(...RUNS),
    first: fc.integer({ min: 1, max: 30 }),
    count: fc.integer({ min: 1, max: 8 }),
    // A name has its own file for ever, as a record has its hour.
    hours: fc.integer({ min: 1, max: 3 }),
  })
  .map(({ run, first, count }) => ({
    run,
    lines: Array.from({ length: count }, (_, index) => {
      const sequence = first + index;
      return { sequence, file: `${sequence % 5 < 3 ? 'a' : 'b/c'}/${sequence % 7}.txt`, text: `${run}/${sequence}` };
    }),
  }));

const anyStep: fc.Arbitrary<Step> = fc.record({
  appends: fc.array(anyAppend, { minLength: 1, maxLength: 4 }),
  fate: fc.record({
    steps: fc.oneof(fc.integer({ min: 0, max: 60 }), fc.constant(Number.POSITIVE_INFINITY)),
    end: fc.constantFrom('power', 'kill', 'full'),
  }),
});

/** Runs the steps; after each one, a restart where it died. Returns the names that were confirmed. */
async function play(disk: PowerCutDisk, steps: readonly Step[]): Promise<Set<string>> {
  const confirmed = new Set<string>();
  let current: ReturnType<typeof setUp> | undefined;
  for (const { appends, fate } of steps) {
    Object.assign(disk.fate, fate);
    try {
      if (current === undefined) {
        const opening = setUp(disk);
        await opening.appender.open(never);
        current = opening;
      }
      await current.append(appends);
      for (const { lines: named } of appends) for (const { text } of named) confirmed.add(text);
    } catch (error) {
      if (disk.isDead) {
        disk.restart();
        current = undefined;
      } else expect(error).toMatchObject({ code: 'SINK_FAILED' });
    }
    disk.fate.steps = Number.POSITIVE_INFINITY;
  }
  await current?.appender.close();
  return confirmed;
}

test('whatever is cut, killed or full, what was confirmed is there, once, in whole lines, and repeats change nothing', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyStep, { minLength: 1, maxLength: 8 }), fc.integer(), async (steps, seed) => {
      const disk = new PowerCutDisk(new SeededRandom(seed));
      const confirmed = await play(disk, steps);

      const { appender, append } = setUp(disk);
      await appender.open(never);
      const found = linesOn(disk);
      expect(new Set(found).size).toBe(found.length);
      for (const name of confirmed) expect(found).toContain(name);
      // What the state says is committed is exactly what stands in the files.
      const committed = RUNS.flatMap((run) =>
        appender
          .committed(run)
          .ranges()
          .flatMap(([first, last]) => lines(run, first, last, '').lines.map(({ text }) => text)),
      );
      expect(committed.sort()).toEqual(found.sort());

      for (const { appends } of steps) await append(appends);
      const all = new Set(steps.flatMap(({ appends }) => appends.flatMap((a) => a.lines.map(({ text }) => text))));
      expect(linesOn(disk).sort()).toEqual([...all].sort());
      await appender.close();
    }),
    { numRuns: 400 },
  );
}, 120_000);

test('a commit that fails at any step and then a death at any step of the next one lose nothing that was confirmed', async () => {
  const run = RUNS[0] as RunId;
  for (let failAt = 0; failAt < 40; failAt += 1) {
    for (let dieAt = 0; dieAt < 32; dieAt += 1) {
      const disk = new PowerCutDisk(new SeededRandom(failAt * 100 + dieAt));
      const { appender, append } = setUp(disk);
      await appender.open(never);
      await append([lines(run, 1, 3, 'x.txt')]);
      Object.assign(disk.fate, { end: 'full', steps: failAt });
      await append([lines(run, 4, 6, 'x.txt'), lines(run, 7, 7, 'y.txt')]).catch(() => undefined);
      Object.assign(disk.fate, { end: dieAt % 2 === 0 ? 'power' : 'kill', steps: dieAt });
      await append([lines(run, 8, 9, 'x.txt')]).catch(() => undefined);
      disk.restart();

      const again = setUp(disk);
      await again.appender.open(never);
      expect(linesOn(disk)).toHaveLength(again.appender.committed(run).count);
      await again.append([lines(run, 1, 6, 'x.txt'), lines(run, 7, 7, 'y.txt'), lines(run, 8, 9, 'x.txt')]);
      expect(new Set(linesOn(disk)).size).toBe(9);
      expect(linesOn(disk)).toHaveLength(9);
    }
  }
});

test('appends that overlap and share a commit are written once', async () => {
  const { appender, append, disk } = setUp();
  await appender.open(never);
  const run = RUNS[0] as RunId;
  await append([lines(run, 1, 5, 'x.txt'), lines(run, 3, 9, 'x.txt')]);
  await append([lines(run, 1, 9, 'x.txt')]);
  expect(linesOn(disk)).toHaveLength(9);
  expect(appender.committed(run).ranges()).toEqual([[1, 9]]);
  expect([...appender.runs()]).toEqual([run]);
});

test('what was committed is handed out as it is, without a copy, and does not change with the next commit', async () => {
  const { appender, append } = setUp();
  await appender.open(never);
  const run = RUNS[0] as RunId;
  await append([lines(run, 1, 5, 'x.txt')]);
  const before = appender.committed(run);
  expect(appender.committed(run)).toBe(before);
  await append([lines(run, 6, 6, 'x.txt')]);
  expect(before.ranges()).toEqual([[1, 5]]);
  expect(appender.committed(run).ranges()).toEqual([[1, 6]]);
});

test('the state stays small however many files there are, and late data opens any of them again', async () => {
  const { appender, append, disk } = setUp();
  await appender.open(never);
  const run = RUNS[0] as RunId;
  for (let day = 1; day <= 200; day += 1) await append([lines(run, day, day, `day-${day}.txt`)]);
  expect(Object.keys(stateOn(disk).files)).toHaveLength(64);

  disk.fate.end = 'kill';
  disk.fate.steps = 7;
  await expect(append([lines(run, 201, 210, 'day-1.txt')])).rejects.toBeInstanceOf(Died);
  disk.restart();
  const second = setUp(disk);
  await second.appender.open(never);
  await second.append([lines(run, 201, 210, 'day-1.txt')]);
  expect(disk.files(ROOT).get('day-1.txt')?.split('\n')).toHaveLength(12);
  expect(linesOn(disk)).toHaveLength(210);
});

/** How often each folder was synced from now on. */
function countSyncs(disk: PowerCutDisk): Map<string, number> {
  const counts = new Map<string, number>();
  const syncFolder = disk.syncFolder.bind(disk);
  disk.syncFolder = async (path) => {
    counts.set(path, (counts.get(path) ?? 0) + 1);
    await syncFolder(path);
  };
  return counts;
}

test('a commit syncs each folder once, however many new files it puts there', async () => {
  const { appender, append, disk } = setUp();
  await appender.open(never);
  const counts = countSyncs(disk);
  const run = RUNS[0] as RunId;
  await append(span(1, 40).map((sequence) => lines(run, sequence, sequence, `a/${sequence % 2}/${sequence}.txt`)));
  expect(counts).toEqual(
    new Map([
      [`${ROOT}/a/1`, 1],
      [`${ROOT}/a/0`, 1],
      [`${ROOT}/a`, 1],
      [ROOT, 1],
      // For the file names, then for what is committed.
      [`${ROOT}/.mooring`, 2],
    ]),
  );
  await appender.close();
});

test('backlogs of many files go one after the other, and what is live goes along with the first', async () => {
  const { appender, clock } = setUp();
  await appender.open(never);
  const [backlog, live] = RUNS as [RunId, RunId];
  const done: string[] = [];
  const write = (name: string, appends: readonly Append[]) => appender.append(appends).then(() => done.push(name));
  const files = (first: number, last: number): Append[] =>
    span(first, last).map((sequence) => lines(backlog, sequence, sequence, `${sequence}.txt`));
  const all = Promise.all([
    write('300 files', files(1, 300)),
    write('200 others', files(301, 500)),
    write('the same 200', files(301, 500)),
    write('60 others', files(501, 560)),
    write('live', [lines(live, 1, 3, 'now.txt')]),
  ]);
  await clock.advance(10);
  expect(done).toEqual(['300 files', 'live']);
  await clock.advance(1000);
  expect(done.slice(2)).toEqual(['200 others', 'the same 200']);
  await clock.advance(1000);
  await all;
  expect(done.slice(4)).toEqual(['60 others']);
  await appender.close();
});

test('the state has the offset of each log, beside files and runs', async () => {
  const { appender, append, disk } = setUp();
  await appender.open(never);
  await append([lines(RUNS[0] as RunId, 1, 3, 'x.txt')]);
  await append([lines(RUNS[0] as RunId, 2, 5, 'x.txt')]);
  expect(stateOn(disk)).toEqual({
    version: 1,
    openings: 1,
    logs: { direct: { 0: 5 } },
    files: { 'x.txt': 26 * 5 },
    runs: { [RUNS[0] as RunId]: [[1, 5]] },
  });
});

test('a commit that failed leaves no part of a line once the disk has room again', async () => {
  const { appender, append, disk } = setUp();
  await appender.open(never);
  const run = RUNS[0] as RunId;
  await append([lines(run, 1, 3, 'x.txt')]);
  for (let steps = 0; steps < 8; steps += 1) {
    Object.assign(disk.fate, { end: 'full', steps });
    await expect(append([lines(run, 4, 9, 'x.txt')])).rejects.toMatchObject({
      code: 'SINK_FAILED',
      retry: 'later',
      hint: 'The disk is full. Make room.',
    });
    disk.fate.steps = Number.POSITIVE_INFINITY;
  }
  await append([lines(run, 20, 20, 'y.txt')]);
  expect(linesOn(disk)).toEqual(['1', '2', '3', '20'].map((sequence) => `${run}/${sequence}`));
  expect(appender.committed(run).ranges()).toEqual([
    [1, 3],
    [20, 20],
  ]);
});
