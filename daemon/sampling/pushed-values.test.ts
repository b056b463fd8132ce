import { beforeEach, describe, expect, it } from 'vitest';
import { PushedValues } from './pushed-values.ts';

const STALE_MS = 10_000;
const NOTHING = { metrics: {}, missing: [] };

describe('a pushed value', () => {
  let values: PushedValues;
  beforeEach(() => {
    values = new PushedValues(STALE_MS);
  });

  const say = (metrics: Record<string, number>, nowMs: number, missing: string[] = []): void =>
    values.add({ metrics, missing }, nowMs);

  it('is taken once, in the tick after it came', () => {
    say({ depth: 3.5 }, 100);
    expect(values.take(1000)).toEqual({ metrics: { depth: 3.5 }, missing: [] });
    expect(values.take(2000)).toEqual(NOTHING);
  });

  it('is the newest where there were several', () => {
    say({ depth: 3.5, heading: 10 }, 100);
    say({ depth: 3.6 }, 900);
    expect(values.take(1000)).toEqual({ metrics: { depth: 3.6, heading: 10 }, missing: [] });
  });

  it('is missing once it has been silent for longer than its stale time, at every tick, until it comes again', () => {
    say({ depth: 3.5 }, 0);
    values.take(0);
    expect(values.take(STALE_MS)).toEqual(NOTHING);
    expect(values.take(STALE_MS + 1)).toEqual({ metrics: {}, missing: ['depth'] });
    expect(values.take(STALE_MS + 1001)).toEqual({ metrics: {}, missing: ['depth'] });
    say({ depth: 0 }, STALE_MS + 1500);
    expect(values.take(STALE_MS + 2001)).toEqual({ metrics: { depth: 0 }, missing: [] });
    expect(values.take(STALE_MS + 3001)).toEqual(NOTHING);
  });

  it('that never came is absent without a flag, for ever', () => {
    say({ heading: 1 }, 0);
    values.take(1000);
    expect(values.take(100 * STALE_MS).missing).toEqual(['heading']);
  });

  it('that the device announced and could not give is missing in that tick, also where it never came', () => {
    say({}, 100, ['depth']);
    expect(values.take(1000)).toEqual({ metrics: {}, missing: ['depth'] });
    expect(values.take(100 * STALE_MS)).toEqual(NOTHING);
  });

  it('that came is not hidden by an announcement without a value, before or after it', () => {
    say({}, 100, ['depth']);
    say({ depth: 3.5 }, 200);
    say({}, 300, ['depth']);
    expect(values.take(1000)).toEqual({ metrics: { depth: 3.5 }, missing: [] });
  });

  it('goes with its own flag, and a newer value without one is not flagged', () => {
    values.add({ metrics: { depth: 99, heading: 10 }, missing: [], flags: { depth: 4, heading: 3 } }, 100);
    values.add({ metrics: { depth: 3 }, missing: [] }, 200);
    expect(values.take(1000)).toEqual({ metrics: { depth: 3, heading: 10 }, missing: [], flags: { heading: 3 } });
    expect(values.take(2000)).toEqual(NOTHING);
  });
});
