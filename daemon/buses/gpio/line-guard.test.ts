import { expect, test } from 'vitest';
import { MooringError } from '../../../runtime/errors.ts';
import { SteppedClock } from '../../../sim/clock.ts';
import type { FoundLine } from './found-line.ts';
import { BEAT_MS, type Level, SILENCE_MS, type WordFromGuard } from './guard-words.ts';
import { LineGuard } from './line-guard.ts';
import type { LineHolder } from './line-holder.ts';

const FOUND: FoundLine = { by: 'gpiod', version: 2, chip: 'gpiochip0', offset: 17 };

/** A line that remembers when it was driven where. */
class TimedLine implements LineHolder {
  readonly levels: [atMs: number, level: Level | 'free'][] = [];
  readonly #clock: SteppedClock;
  readonly #safe: Level;
  readonly lose: (error: MooringError) => void;
  trouble: MooringError | undefined;

  constructor(clock: SteppedClock, safe: Level, onLost: (error: MooringError) => void) {
    this.#clock = clock;
    this.#safe = safe;
    this.lose = onLost;
  }

  take(): Promise<void> {
    if (this.trouble !== undefined) return Promise.reject(this.trouble);
    this.set(this.#safe);
    return Promise.resolve();
  }

  set(level: Level): void {
    if (this.levels.at(-1)?.[1] !== level) this.levels.push([this.#clock.monotonicMs(), level]);
  }

  release(): Promise<void> {
    this.set(this.#safe);
    this.levels.push([this.#clock.monotonicMs(), 'free']);
    return Promise.resolve();
  }
}

/** A guard with one line, and a daemon that says that it is alive until it is told not to. */
class Watch {
  readonly clock = new SteppedClock();
  readonly told: WordFromGuard[] = [];
  readonly guard: LineGuard;
  line: TimedLine | undefined;
  readonly trouble: MooringError | undefined;
  isDaemonAlive = true;

  constructor(trouble?: MooringError) {
    this.trouble = trouble;
    this.guard = new LineGuard({
      clock: this.clock,
      holderOf: (_line, _found, safe, onLost) => {
        this.line = new TimedLine(this.clock, safe, onLost);
        this.line.trouble = this.trouble;
        return this.line;
      },
      tell: (word) => this.told.push(word),
    });
  }

  static async opened(safe: Level = 0, on: Level = 1): Promise<Watch> {
    const watch = new Watch();
    watch.#beat();
    watch.guard.hear({ word: 'open', id: 1, line: 'GPIO17', found: FOUND, safe, on });
    await watch.clock.advance(0);
    expect(watch.told).toContainEqual({ word: 'opened', id: 1 });
    return watch;
  }

  #beat(): void {
    if (this.isDaemonAlive) this.guard.hear({ word: 'beat' });
    this.clock.after(BEAT_MS, () => this.#beat());
  }
}

test('a pattern is repeated until it is told otherwise', async () => {
  const watch = await Watch.opened();
  watch.guard.hear({ word: 'play', id: 1, pattern: [200, 800] });
  await watch.clock.advance(1500);
  watch.guard.hear({ word: 'rest', id: 1 });
  await watch.clock.advance(5000);
  expect(watch.line?.levels).toEqual([
    [0, 0],
    [0, 1],
    [200, 0],
    [1000, 1],
    [1200, 0],
  ]);
});

test('an empty pattern is on, and another pattern takes its place at once', async () => {
  const watch = await Watch.opened();
  watch.guard.hear({ word: 'play', id: 1, pattern: [] });
  await watch.clock.advance(10_000);
  expect(watch.line?.levels).toEqual([
    [0, 0],
    [0, 1],
  ]);
  watch.guard.hear({ word: 'play', id: 1, pattern: [100, 100] });
  await watch.clock.advance(250);
  expect(watch.line?.levels.slice(2)).toEqual([
    [10_100, 0],
    [10_200, 1],
  ]);
});

test('nothing is on for longer than its limit, though the daemon goes on living', async () => {
  const watch = await Watch.opened();
  watch.guard.hear({ word: 'play', id: 1, pattern: [200, 100], limitMs: 700 });
  await watch.clock.advance(60_000);
  expect(watch.line?.levels.at(-1)).toEqual([700, 0]);
  watch.guard.hear({ word: 'play', id: 1, pattern: [], limitMs: 700 });
  await watch.clock.advance(60_000);
  expect(watch.line?.levels.slice(-2)).toEqual([
    [60_000, 1],
    [60_700, 0],
  ]);
});

test('a limit counts for what it was told with, not for what came after', async () => {
  const watch = await Watch.opened();
  watch.guard.hear({ word: 'play', id: 1, pattern: [], limitMs: 500 });
  await watch.clock.advance(400);
  watch.guard.hear({ word: 'play', id: 1, pattern: [], limitMs: 1000 });
  await watch.clock.advance(5000);
  expect(watch.line?.levels.at(-1)).toEqual([1400, 0]);
});

test('a line whose safe level is on is switched off by its pattern, and on again at rest', async () => {
  const watch = await Watch.opened(0, 0);
  watch.guard.hear({ word: 'play', id: 1, pattern: [100, 300] });
  await watch.clock.advance(350);
  watch.guard.hear({ word: 'rest', id: 1 });
  expect(watch.line?.levels).toEqual([
    [0, 0],
    [100, 1],
    [350, 0],
  ]);
});

test('a daemon that stands still leaves nothing switched on, and hears of it when it is back', async () => {
  const watch = await Watch.opened();
  watch.guard.hear({ word: 'play', id: 1, pattern: [] });
  await watch.clock.advance(3000);
  watch.isDaemonAlive = false;
  await watch.clock.advance(60_000);
  expect(watch.line?.levels.at(-1)).toEqual([3000 + SILENCE_MS, 0]);
  expect(watch.told.filter(({ word }) => word === 'rested')).toEqual([{ word: 'rested', id: 1 }]);
  watch.isDaemonAlive = true;
  watch.guard.hear({ word: 'play', id: 1, pattern: [] });
  await watch.clock.advance(1);
  expect(watch.line?.levels.at(-1)).toEqual([63_000, 1]);
});

test('when the daemon is gone every line is at its safe level and free, and no timer is left', async () => {
  const watch = await Watch.opened();
  watch.guard.hear({ word: 'play', id: 1, pattern: [200, 800], limitMs: 60_000 });
  await watch.clock.advance(100);
  watch.isDaemonAlive = false;
  await watch.guard.end();
  expect(watch.line?.levels.slice(-2)).toEqual([
    [100, 0],
    [100, 'free'],
  ]);
  await watch.clock.advance(60_000);
  expect(watch.line?.levels.at(-1)).toEqual([100, 'free']);
});

test('a line that is not to be had is told, and forgotten', async () => {
  const watch = new Watch(new MooringError('PORT_BUSY', 'taken', { context: { line: 'GPIO17' } }));
  watch.guard.hear({ word: 'open', id: 7, line: 'GPIO17', found: FOUND, safe: 0, on: 1 });
  await watch.clock.advance(0);
  const error = { code: 'PORT_BUSY', message: 'taken', context: { line: 'GPIO17' } };
  expect(watch.told).toEqual([{ word: 'failed', id: 7, error }]);
  watch.guard.hear({ word: 'play', id: 7, pattern: [] });
  expect(watch.line?.levels).toEqual([]);
});

test('a line that is lost is told once, and plays no more', async () => {
  const watch = await Watch.opened();
  watch.guard.hear({ word: 'play', id: 1, pattern: [100, 100] });
  watch.line?.lose(new MooringError('ACTUATOR_FAILED', 'gone'));
  watch.line?.lose(new MooringError('ACTUATOR_FAILED', 'gone'));
  const levels = watch.line?.levels.length;
  await watch.clock.advance(1000);
  expect(watch.told.filter(({ word }) => word === 'failed')).toHaveLength(1);
  expect(watch.line?.levels).toHaveLength(levels ?? 0);
});
