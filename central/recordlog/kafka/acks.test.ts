import fc from 'fast-check';
import { expect, test } from 'vitest';
import { IntervalSet } from '../../../protocol/intervals.ts';
import { runOf } from '../../../test/conformance/entries.ts';
import { type AckMessage, decodeAckMessage, encodeAckMessage } from './acks.ts';

const RUN = runOf(1);
const message: AckMessage = {
  run: RUN,
  gateway: 'plaka',
  partition: 2,
  first: 10,
  last: 14,
  state: 'stored',
  ranges: [
    [1, 3],
    [7, 8],
  ],
};

test('a message is JSON that says stored or held', () => {
  const rest = { run: RUN, gateway: 'plaka', partition: 2, first: 10, last: 14 };
  const ranges = [
    [1, 3],
    [7, 8],
  ];
  expect(JSON.parse(encodeAckMessage(message))).toEqual({ ...rest, stored: ranges });
  expect(JSON.parse(encodeAckMessage({ ...message, state: 'held' }))).toEqual({ ...rest, held: ranges });
});

test('what was encoded is decoded as it was', () => {
  const range = fc.tuple(fc.integer({ min: 1, max: 2 ** 40 }), fc.nat(1000));
  fc.assert(
    fc.property(
      fc.array(range, { minLength: 1, maxLength: 40 }),
      fc.constantFrom('stored' as const, 'held' as const),
      fc.nat(),
      fc.nat(),
      (spans, state, first, more) => {
        const { ranges } = { ranges: new IntervalSet(spans.map(([from, count]) => [from, from + count])).ranges() };
        const given = { ...message, state, first, last: first + more, ranges };
        expect(decodeAckMessage(Buffer.from(encodeAckMessage(given)))).toEqual(given);
      },
    ),
  );
});

test.each([
  ['no JSON', '{'],
  ['no object', 'null'],
  ['nothing', ''],
  ['a run that is none', encodeAckMessage({ ...message, run: 'x' })],
  ['no ranges', encodeAckMessage({ ...message, ranges: [] })],
  [
    'ranges out of order',
    encodeAckMessage({
      ...message,
      ranges: [
        [5, 6],
        [1, 2],
      ],
    }),
  ],
  [
    'ranges that touch',
    encodeAckMessage({
      ...message,
      ranges: [
        [1, 2],
        [3, 4],
      ],
    }),
  ],
  ['a range backwards', encodeAckMessage({ ...message, ranges: [[2, 1]] })],
  ['a sequence zero', encodeAckMessage({ ...message, ranges: [[0, 1]] })],
  ['offsets backwards', encodeAckMessage({ ...message, first: 9, last: 8 })],
  ['a fraction', encodeAckMessage({ ...message, partition: 0.5 })],
  ['both words', JSON.stringify({ ...JSON.parse(encodeAckMessage(message)), held: [[1, 2]] })],
  ['neither word', JSON.stringify({ ...JSON.parse(encodeAckMessage(message)), stored: undefined })],
])('%s is no message', (_, text) => {
  expect(decodeAckMessage(Buffer.from(text))).toBeUndefined();
});

test('no bytes at all make it throw', () => {
  fc.assert(fc.property(fc.uint8Array(), (bytes) => void decodeAckMessage(bytes)));
  fc.assert(fc.property(fc.json(), (json) => void decodeAckMessage(Buffer.from(json))));
});
