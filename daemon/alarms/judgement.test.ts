import fc from 'fast-check';
import { expect, test } from 'vitest';
import { allOf, anyOf, type Judgement, type Truth } from './judgement.ts';

const truth = fc.constantFrom<Truth>(true, false, undefined);
const judgements = fc.array(fc.record({ begins: truth, ends: truth }) as fc.Arbitrary<Judgement>, {
  minLength: 1,
  maxLength: 4,
});

/** Everything that a list of truths may turn out to be. */
const outcomes = (truths: readonly Truth[]): boolean[][] =>
  truths.reduce<boolean[][]>(
    (before, each) =>
      before.flatMap((row) =>
        each === undefined
          ? [
              [...row, true],
              [...row, false],
            ]
          : [[...row, each]],
      ),
    [[]],
  );
const certain = (truths: readonly Truth[], of: (row: readonly boolean[]) => boolean): Truth => {
  const answers = new Set(outcomes(truths).map(of));
  return answers.size === 1 ? [...answers][0] : undefined;
};
const all = (row: readonly boolean[]): boolean => row.every((each) => each);
const some = (row: readonly boolean[]): boolean => row.some((each) => each);

test('a combination is known exactly where no value of what is missing could change it', () => {
  fc.assert(
    fc.property(judgements, (each) => {
      const begins = each.map((one) => one.begins);
      const ends = each.map((one) => one.ends);
      expect(allOf(each)).toEqual({ begins: certain(begins, all), ends: certain(ends, some) });
      expect(anyOf(each)).toEqual({ begins: certain(begins, some), ends: certain(ends, all) });
    }),
  );
});
