import { describe, expect, it } from 'vitest';
import { lineOf } from './figure.ts';

const FIGURE = { name: 'append/batches-of-100', unit: 'records/s', value: 70, limit: 100 } as const;

describe('a figure as a line', () => {
  it('has the keys that programs read, in their order, and null for what there is not', () => {
    const { limit, ...alone } = FIGURE;
    expect(JSON.stringify(lineOf(alone))).toBe(
      '{"figure":"append/batches-of-100","value":70,"unit":"records/s","limit":null,"ratio":null,"goal":null,"ok":true}',
    );
    expect(lineOf(FIGURE)).toMatchObject({ limit, ratio: 0.7, goal: null, ok: true });
  });

  it('meets a goal that its ratio just reaches, from either side', () => {
    expect(lineOf({ ...FIGURE, goal: { atLeast: 0.7 } })).toMatchObject({ goal: 0.7, ok: true });
    expect(lineOf({ ...FIGURE, goal: { atMost: 0.7 } })).toMatchObject({ goal: 0.7, ok: true });
  });

  it('misses a goal by the ratio as it is and not as it is printed', () => {
    const close = { ...FIGURE, value: 69.9999999 };
    expect(lineOf({ ...close, goal: { atLeast: 0.7 } })).toMatchObject({ ratio: 0.7, ok: false });
    expect(lineOf({ ...FIGURE, value: 71, goal: { atMost: 0.7 } }).ok).toBe(false);
  });

  it('misses every goal with a ratio that is no number', () => {
    const empty = { ...FIGURE, value: 0, limit: 0 };
    expect(lineOf({ ...empty, goal: { atLeast: 0 } }).ok).toBe(false);
    expect(lineOf({ ...empty, goal: { atMost: 1 } }).ok).toBe(false);
  });
});
