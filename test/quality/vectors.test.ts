/** The rules against the flags that the published ioos_qc gives (test/fixtures/qartod/SOURCE.md). */
import { AssertionError } from 'node:assert/strict';
import { describe, expect, test } from 'vitest';
import { geodesicM } from '../../daemon/quality/geodesic.ts';
import { EXCEPTIONS, RAISED, type Reason } from '../fixtures/qartod/exceptions.ts';
import { positionsOf, RULES, VECTORS, type VectorCase } from './vectors.ts';

const ALL = Object.entries(VECTORS).flatMap(([test, { cases }]) => cases.map((each) => ({ test, each })));
const keyOf = ({ test, name }: { readonly test: string; readonly name: string }): string => `${test} ${name}`;
const listed = new Map([...EXCEPTIONS, ...RAISED].map((entry) => [keyOf(entry), entry]));
const oursOf = (test: string, each: VectorCase): number[] => (RULES[test] as (each: VectorCase) => number[])(each);
const caseOf = (entry: { readonly test: string; readonly name: string }): VectorCase => {
  const found = VECTORS[entry.test]?.cases.filter(({ name }) => name === entry.name) ?? [];
  expect(found, keyOf(entry)).toHaveLength(1);
  return found[0] as VectorCase;
};

test('all vectors are here, each test has its rule, and each of its cases a name of its own', () => {
  expect(Object.keys(VECTORS).sort()).toEqual(Object.keys(RULES).sort());
  expect(Object.fromEntries(Object.entries(VECTORS).map(([name, { cases }]) => [name, cases.length]))).toEqual({
    ...{ gross_range_test: 29, climatology_test: 27, spike_test_average: 33, spike_test_differential: 33 },
    ...{ rate_of_change_test: 32, flat_line_test: 28, attenuated_signal_test: 29, location_test: 33 },
    ...{ location_bounds_test: 12, valid_range_test: 24, speed_test: 28, aggregate: 24, time_gap_test: 14 },
    duplicate_timestamp_test: 8,
  });
  for (const { case_count: count, cases } of Object.values(VECTORS)) {
    expect(new Set(cases.map(({ name }) => name)).size).toBe(count);
  }
});

describe.each(Object.keys(VECTORS))('%s', (name) => {
  const cases = ALL.filter(({ test, each }) => test === name && !listed.has(keyOf({ test, name: each.name })));
  test.each(cases.map(({ each }) => [each.name, each] as const))('%s: flags as published', (_, each) => {
    expect(oursOf(name, each)).toEqual(each.expected);
  });
});

test('the cases that differ are those of the list, and no more of them for each reason', () => {
  const counts: Partial<Record<Reason, number>> = {};
  for (const { reason } of EXCEPTIONS) counts[reason] = (counts[reason] ?? 0) + 1;
  expect(counts).toEqual({ truncated_seconds: 6, library_defect: 7 });
  expect(listed.size).toBe(EXCEPTIONS.length + RAISED.length);
});

test.each(EXCEPTIONS.map((each) => [keyOf(each), each] as const))('%s differs, as the list says', (_, exception) => {
  const each = caseOf(exception);
  expect(oursOf(exception.test, each)).toEqual(exception.ours);
  expect(exception.ours).not.toEqual(each.expected);
});

test('a case that is listed as truncated has times that are not whole seconds apart, or are the same', () => {
  for (const exception of EXCEPTIONS.filter(({ reason }) => reason === 'truncated_seconds')) {
    const times = caseOf(exception).times.map((time) => Date.parse(time as string));
    const steps = times.slice(1).map((time, index) => time - (times[index] as number));
    expect(steps.some((step) => step % 1000 !== 0 || step === 0)).toBe(true);
  }
});

test('a case that is listed as a defect differs where a point is missing, or right behind one', () => {
  for (const exception of EXCEPTIONS.filter(({ reason }) => reason === 'library_defect')) {
    const { values, lon = [], lat = [], expected } = caseOf(exception);
    const isMissing = (index: number): boolean =>
      values === undefined ? lon[index] === null || lat[index] === null : values[index] === null;
    const wrong = exception.ours.flatMap((flag, index) => (flag === expected?.[index] ? [] : [index]));
    for (const index of wrong) expect(isMissing(index) || isMissing(index - 1)).toBe(true);
  }
});

test('where the library raises an exception, there is an answer, or an assertion, or no way to write it down', () => {
  const raising = ALL.filter(({ each }) => each.expected === null).map(({ test, each }) =>
    keyOf({ test, name: each.name }),
  );
  const expected = [...RAISED, { test: 'flat_line_test', name: 'subsecond_step' }].map(keyOf);
  expect(raising.sort()).toEqual(expected.sort());
  for (const raised of RAISED) {
    const each = caseOf(raised);
    if (raised.here === 'assertion') expect(() => oursOf(raised.test, each), raised.name).toThrow(AssertionError);
    else if (raised.here !== 'type') expect(oursOf(raised.test, each), raised.name).toEqual(raised.here);
  }
});

test('distances on the ellipsoid are those of the vectors, to a tenth of a millimetre', () => {
  let compared = 0;
  for (const each of VECTORS.speed_test?.cases ?? []) {
    const positions = positionsOf(each);
    for (const [index, published] of (each.wgs84_distance_m ?? []).entries()) {
      const [from, to] = [positions[index - 1], positions[index]];
      if (published === null || from === undefined || to === undefined) continue;
      const distance = geodesicM(from as { lat: number; lon: number }, to as { lat: number; lon: number });
      expect(Math.abs(distance - published)).toBeLessThanOrEqual(1e-4);
      compared += 1;
    }
  }
  expect(compared).toBe(93);
});
