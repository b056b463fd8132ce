import fc from 'fast-check';
import { type Ack, REJECT_CODES } from '../../protocol/ack.ts';
import type { Range } from '../../protocol/intervals.ts';
import { BOUNDS } from '../../protocol/record.ts';
import { anyBatchName } from './records.ts';

/** Ascending, disjoint ranges, near each other or anywhere below 2^48. */
export function someRanges(maxLength: number): fc.Arbitrary<Range[]> {
  const step = fc.oneof(fc.nat(3), fc.nat(100_000), fc.nat(2 ** 32));
  return fc.array(fc.tuple(step, step), { minLength: 1, maxLength }).map((steps) => {
    let last = 0;
    return steps.map(([distance, length]): Range => {
      const first = last + 1 + distance;
      last = first + length;
      return [first, last];
    });
  });
}

/** Any acknowledgement, of any parts and none. */
export const anyAck: fc.Arbitrary<Ack> = fc
  .tuple(
    anyBatchName,
    fc.record(
      {
        stored: someRanges(80),
        held: fc.record({ ranges: someRanges(80), seconds: fc.nat(BOUNDS.heldSecondsMax) }, { noNullPrototype: true }),
        rejected: fc.array(
          fc.record(
            { ranges: someRanges(20), code: fc.constantFrom(...REJECT_CODES, 'sink:lake' as const) },
            { noNullPrototype: true },
          ),
          { minLength: 1, maxLength: 4 },
        ),
        busy: fc.record({ retryAfterMs: fc.nat(2 ** 32 - 1) }, { noNullPrototype: true }),
        unreadable: fc.constant(true as const),
        versionMax: fc.integer({ min: 1, max: 255 }),
      },
      { requiredKeys: [], noNullPrototype: true },
    ),
  )
  .map(([name, parts]) => ({ ...name, ...parts }));
