import { expect, test } from 'vitest';
import type { Flag, MetricValue } from '../../protocol/record.ts';
import { watchFor } from './metric-watch.ts';
import type { MetricTest } from './settings.ts';

/** What a test says of values that come a second apart; `missing` is one that could not be had. */
const judged = (looked: MetricTest, values: readonly (MetricValue | 'missing')[], flag: Flag = 1): string[] => {
  const watch = watchFor(looked, 0);
  return values.map((value, index) => {
    const nowMs = (index + 1) * 1000;
    watch.see({ value: value === 'missing' ? undefined : value, flag }, nowMs);
    const { begins, ends } = watch.judge(nowMs);
    if (begins === undefined && ends === undefined) return 'unknown';
    return begins === true ? 'begins' : ends === true ? 'ends' : 'neither';
  });
};

test('above: beyond the limit, not at it; back at `clear`, and neither in between', () => {
  expect(judged({ kind: 'above', limit: 40, clear: 38 }, [40, 40.01, 38.01, 38, 40])).toEqual([
    'neither',
    'begins',
    'neither',
    'ends',
    'neither',
  ]);
});

test('without a `clear` of its own what is at the limit is back', () => {
  expect(judged({ kind: 'above', limit: 40, clear: 40 }, [40, 40.01, 40])).toEqual(['ends', 'begins', 'ends']);
});

test('below: the same, upside down', () => {
  expect(judged({ kind: 'below', limit: 0, clear: 2 }, [0, -0.01, 1.99, 2])).toEqual([
    'neither',
    'begins',
    'neither',
    'ends',
  ]);
});

test.each([Number.NaN, Number.POSITIVE_INFINITY, 'a text', true, 'missing'])(
  'what is no number, %s, says nothing about a limit or a change',
  (value) => {
    expect(judged({ kind: 'above', limit: 40, clear: 40 }, [41, value, 39])).toEqual(['begins', 'unknown', 'ends']);
    expect(judged({ kind: 'rises', by: 5, withinMs: 1000 }, [0, 5, value])).toEqual(['ends', 'begins', 'unknown']);
  },
);

test('falls: against the highest of the window, a whole step included though its digits do not say so', () => {
  expect(512.3 - 509.3).toBeLessThan(3);
  expect(judged({ kind: 'falls', by: 3, withinMs: 3000 }, [512.2, 512.3, 509.3, 509.3, 509.31, 509])).toEqual([
    'neither',
    'neither',
    'begins',
    'begins',
    'ends',
    'ends',
  ]);
});

test('a change is over only when a whole window has been seen since the start: before, nobody knows', () => {
  expect(judged({ kind: 'rises', by: 3, withinMs: 3000 }, [1, 1, 1, 1])).toEqual([
    'neither',
    'neither',
    'ends',
    'ends',
  ]);
});

test('stale: from so long after the last value, or the start; what was never seen does not end', () => {
  const watch = watchFor({ kind: 'stale', forMs: 5000 }, 1000);
  expect(watch.dueMs).toBe(6000);
  expect(watch.judge(5999)).toEqual({ begins: false, ends: false });
  expect(watch.judge(6000)).toEqual({ begins: true, ends: false });
  expect(watch.dueMs).toBeUndefined();
  watch.see({ value: undefined, flag: 9 }, 7000);
  expect(watch.judge(7000)).toEqual({ begins: true, ends: false });
  watch.see({ value: 0, flag: 1 }, 8000);
  expect(watch.judge(8000)).toEqual({ begins: false, ends: true });
  expect(watch.dueMs).toBe(13_000);
});

test('flag: this one or worse, and missing is no flag of a value', () => {
  expect(judged({ kind: 'flag', from: 3 }, [1], 2)).toEqual(['ends']);
  expect(judged({ kind: 'flag', from: 3 }, [1], 3)).toEqual(['begins']);
  expect(judged({ kind: 'flag', from: 3 }, [1], 4)).toEqual(['begins']);
  expect(judged({ kind: 'flag', from: 4 }, [1], 3)).toEqual(['ends']);
  expect(judged({ kind: 'flag', from: 3 }, ['missing'], 9)).toEqual(['unknown']);
});

test('is: a switch, or a text', () => {
  expect(judged({ kind: 'is', value: true }, [false, true, 'missing'])).toEqual(['ends', 'begins', 'unknown']);
  expect(judged({ kind: 'is', value: 'lost' }, ['home', 'lost'])).toEqual(['ends', 'begins']);
});
