import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { roundTo } from '../sampling/metric-table.ts';
import {
  CalibrationHistory,
  type CalibrationPoint,
  type CalibrationTerms,
  calibrationOf,
  isStrictlyMonotone,
  slopesOf,
} from './calibration.ts';

const make = (terms: CalibrationTerms) => calibrationOf({ id: 'a', rawUnit: 'V', terms });
const slopes = (polynomial: number[], range: readonly [number, number]): [number, number] =>
  slopesOf({ polynomial }, range);
const EVERYWHERE = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY] as const;

describe('a calibration', () => {
  test('of one shape is what its name says', () => {
    expect(make({ offset: -0.3 }).apply(20)).toBe(19.7);
    expect(make({ polynomial: [0.4, 1, 0.01] }).apply(10)).toBe(11.4);
    const line = make({
      two_point: [
        [980, 981.2],
        [1030, 1030.9],
      ],
    });
    expect([line.apply(980), line.apply(1030)]).toEqual([981.2, 1030.9]);
    expect(line.apply(1005)).toBeCloseTo(1006.05, 9);
  });

  test('by a table goes in lines from point to point, and beyond its ends as it went before', () => {
    const { apply } = make({
      table: [
        [0, 0],
        [1, 10],
        [3, 20],
      ],
    });
    expect([0, 0.5, 1, 2, 3].map(apply)).toEqual([0, 5, 10, 15, 20]);
    expect([-1, 4].map(apply)).toEqual([-10, 25]);
  });

  test('may fall, and may have its two points in any order', () => {
    expect(
      make({
        table: [
          [0, 360],
          [3.3, 0],
        ],
      }).apply(1.65),
    ).toBeCloseTo(180, 9);
    expect(
      make({
        two_point: [
          [100, 1],
          [0, 0],
        ],
      }).apply(50),
    ).toBe(0.5);
  });

  test('is told in the words of the configuration', () => {
    const calibration = make({
      table: [
        [0.6, 30],
        [2.6, 130],
      ],
    });
    expect(calibration).toMatchObject({
      id: 'a',
      rawUnit: 'V',
      terms: {
        table: [
          [0.6, 30],
          [2.6, 130],
        ],
      },
    });
  });
});

describe('whether a polynomial is strictly monotone', () => {
  test.each([
    ['a line', [3, -2], EVERYWHERE, true],
    ['a constant', [3, 0], EVERYWHERE, false],
    ['a parabola on one side of its vertex', [0, 1, 0.1], [-4.99, 100], true],
    ['a parabola over its vertex', [0, 1, 0.1], [-5.01, 100], false],
    ['a parabola up to its vertex, where it has no slope', [0, 1, 0.1], [-5, 100], false],
    ['a cube, which has no slope at 0', [0, 0, 0, 1], [-1, 1], false],
    ['a cube and a line', [0, 0.001, 0, 1], EVERYWHERE, true],
    ['a dip of a thousandth, which no sample of a hundred points sees', [0, 0.25 - 1e-7, -1, 4 / 3], [0, 1], false],
    ['the same without the dip', [0, 0.25 + 1e-7, -1, 4 / 3], [0, 1], true],
    ['a fifth degree with two dips', [0, 1, 0, -5 / 3, 0, 0.8], [-2, 2], false],
    ['the same between them', [0, 1, 0, -5 / 3, 0, 0.8], [-0.49, 0.49], true],
    ['a range of one value', [0, 0, 1], [1, 1], true],
    ['coefficients that numbers do not hold', [0, 1e300, 1e-300], EVERYWHERE, false],
  ] as const)('%s', (_, polynomial, range, isMonotone) => {
    expect(isStrictlyMonotone(slopes([...polynomial], range))).toBe(isMonotone);
  });

  test('its slopes are the least and the greatest of any in the range', () => {
    const coefficient = fc.double({ min: -10, max: 10, noNaN: true });
    const ends = fc.tuple(fc.double({ min: -5, max: 5, noNaN: true }), fc.double({ min: 0.01, max: 5, noNaN: true }));
    fc.assert(
      fc.property(fc.array(coefficient, { minLength: 2, maxLength: 7 }), ends, (polynomial, [from, length]) => {
        const [least, greatest] = slopes(polynomial, [from, from + length]);
        const slack = 1e-9 * (1 + Math.abs(least) + Math.abs(greatest));
        let [lowest, highest] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
        for (let step = 0; step <= 1000; step += 1) {
          const x = from + (length * step) / 1000;
          const slope = polynomial.reduce(
            (sum, each, power) => sum + (power === 0 ? 0 : power * each * x ** (power - 1)),
            0,
          );
          lowest = Math.min(lowest, slope);
          highest = Math.max(highest, slope);
        }
        expect(lowest).toBeGreaterThanOrEqual(least - slack);
        expect(highest).toBeLessThanOrEqual(greatest + slack);
        // And they are reached: the steps of a thousandth come near.
        const near = 1e-3 * (greatest - least) + slack + 1e-6;
        expect(lowest).toBeLessThanOrEqual(least + near);
        expect(highest).toBeGreaterThanOrEqual(greatest - near);
      }),
      { numRuns: 300, seed: 3 },
    );
  });
});

describe('the raw value', () => {
  const RANGE = [-40, 85] as const;
  const finite = (min: number, max: number): fc.Arbitrary<number> =>
    fc.integer({ min: Math.round(min * 1e4), max: Math.round(max * 1e4) }).map((each) => each / 1e4);
  const rising = fc.array(fc.tuple(finite(0.1, 20), finite(0.01, 50)), { minLength: 1, maxLength: 10 }).map((steps) => {
    const points: [number, number][] = [[-30, -7]];
    for (const [raw, truth] of steps) {
      const [lastRaw, lastTruth] = points.at(-1) as [number, number];
      points.push([lastRaw + raw, lastTruth + truth]);
    }
    return points;
  });
  const mirrored = (points: readonly CalibrationPoint[], isFalling: boolean): CalibrationPoint[] =>
    points.map(([raw, truth]) => [raw, isFalling ? -truth : truth]);
  const terms: fc.Arbitrary<CalibrationTerms> = fc.oneof(
    finite(-50, 50).map((offset): CalibrationTerms => ({ offset })),
    fc.array(finite(-2, 2), { minLength: 2, maxLength: 5 }).map(
      (each): CalibrationTerms => ({
        polynomial: each.map((coefficient, power) => coefficient / 60 ** Math.max(0, power - 1)),
      }),
    ),
    fc.tuple(rising, fc.boolean()).map(([points, isFalling]): CalibrationTerms => {
      const [one, other] = mirrored(points, isFalling) as [CalibrationPoint, CalibrationPoint];
      return { two_point: [one, other] };
    }),
    fc
      .tuple(rising, fc.boolean())
      .map(([points, isFalling]): CalibrationTerms => ({ table: mirrored(points, isFalling) })),
  );

  /** By bisection: what a reader of the record can do who knows the terms and the sensor's range. */
  function invert(apply: (raw: number) => number, truth: number, isRising: boolean): number {
    let [low, high]: [number, number] = [...RANGE];
    for (let step = 0; step < 100; step += 1) {
      const middle = (low + high) / 2;
      if (apply(middle) < truth === isRising) low = middle;
      else high = middle;
    }
    return (low + high) / 2;
  }

  test('is recoverable from the rounded one, to half a step of the resolution divided by the smallest slope', () => {
    const kinds = new Set<string>();
    fc.assert(
      fc.property(terms, finite(...RANGE), fc.constantFrom(0.001, 0.01, 0.1, 0.25, 1), (each, raw, resolution) => {
        const range = slopesOf(each, RANGE);
        fc.pre(isStrictlyMonotone(range));
        kinds.add(Object.keys(each)[0] as string);
        const { apply } = make(each);
        const smallest = Math.min(...range.map(Math.abs));
        const recovered = invert(apply, roundTo(apply(raw), resolution), range[0] > 0);
        const rounding = (1e-12 * (1 + Math.abs(apply(raw)))) / smallest + 1e-12;
        expect(Math.abs(recovered - raw)).toBeLessThanOrEqual(resolution / 2 / smallest + rounding);
      }),
      { numRuns: 500, seed: 5 },
    );
    expect([...kinds].sort()).toEqual(['offset', 'polynomial', 'table', 'two_point']);
  });

  test('becomes another true one where it changes, and a larger one a larger or a smaller, all over the range', () => {
    fc.assert(
      fc.property(terms, finite(...RANGE), finite(0.001, 10), (each, raw, more) => {
        const range = slopesOf(each, RANGE);
        fc.pre(isStrictlyMonotone(range) && raw + more <= RANGE[1]);
        const { apply } = make(each);
        const rise = (apply(raw + more) - apply(raw)) * Math.sign(range[0]);
        expect(rise).toBeGreaterThan(0);
        expect(rise).toBeGreaterThanOrEqual(more * Math.min(...range.map(Math.abs)) * (1 - 1e-6) - 1e-9);
      }),
      { numRuns: 300, seed: 6 },
    );
  });
});

test('of several calibrations the newest that has begun holds', () => {
  const [first, second] = [make({ offset: 1 }), make({ offset: 2 })];
  const always = new CalibrationHistory(
    [
      { fromMs: undefined, calibration: first },
      { fromMs: 1000, calibration: second },
    ],
    true,
  );
  expect([-1, 999, 1000, 5000].map((time) => always.at(time))).toEqual([first, first, second, second]);
  expect(always.keepsRaw).toBe(true);
  const later = new CalibrationHistory([{ fromMs: 1000, calibration: first }], false);
  expect([later.at(999), later.at(1000)]).toEqual([undefined, first]);
});
