import fc from 'fast-check';
import { expect, test } from 'vitest';
import { REJECT_CODES } from '../../protocol/ack.ts';
import { decodeAck, encodeAck } from '../../protocol/ack-codec.ts';
import { countOf, type Range, rangesOf } from '../../protocol/intervals.ts';
import { BOUNDS } from '../../protocol/record.ts';
import { messageBytesMax } from '../../protocol/udp/frames.ts';
import { saltOf, tokenOf } from '../../test/batches.ts';
import { acksOf } from './answer.ts';

const preamble = { version: 1, salt: saltOf(1), batch: 7, token: tokenOf(7) };

test('the acks of a verdict fit the protocol, and together say exactly the verdict', () => {
  const fates = fc.constantFrom('stored', 'held', ...REJECT_CODES);
  fc.assert(
    fc.property(fc.array(fates, { minLength: 1, maxLength: BOUNDS.recordsPerBatch }), (fateOf) => {
      const sequencesOf = new Map<string, number[]>();
      for (const [index, fate] of fateOf.entries()) {
        sequencesOf.set(fate, [...(sequencesOf.get(fate) ?? []), index + 1]);
      }
      const rangesFor = (fate: (typeof fateOf)[number]): Range[] => rangesOf(sequencesOf.get(fate) ?? []);
      const acks = acksOf(preamble, {
        stored: rangesFor('stored'),
        held: rangesFor('held'),
        rejected: REJECT_CODES.map((code) => ({ code, ranges: rangesFor(code) })),
      }).map((ack) => decodeAck(encodeAck(ack)));

      const said = new Map<number, string>();
      const note = (fate: string, ranges: readonly Range[] = []): void => {
        for (const [first, last] of ranges) {
          for (let at = first; at <= last; at += 1) {
            expect(said.has(at)).toBe(false);
            said.set(at, fate);
          }
        }
      };
      for (const { stored, held, rejected, salt, batch, token } of acks) {
        expect({ salt, batch, token }).toEqual({ salt: preamble.salt, batch: 7, token: preamble.token });
        note('stored', stored);
        note('held', held?.ranges);
        for (const { code, ranges } of rejected ?? []) note(code, ranges);
      }
      expect([...said].sort(([a], [b]) => a - b)).toEqual(fateOf.map((fate, index) => [index + 1, fate]));
    }),
    { numRuns: 200 },
  );
});

test('what lies between refused records takes as many acks as its ranges need, and no more', () => {
  const every = (first: number): Range[] =>
    Array.from({ length: 512 }, (_, index) => [first + 2 * index, first + 2 * index]);
  const verdict = { stored: every(1), held: [], rejected: [{ code: 'metric_type' as const, ranges: every(2) }] };
  const acks = acksOf(preamble, verdict);
  expect(acks.map(({ stored = [], rejected = [] }) => [countOf(stored), rejected.length])).toEqual([
    [256, 0],
    [256, 0],
    [0, 1],
    [0, 1],
  ]);
  expect(acksOf(preamble, { stored: [[1, 1024]], held: [], rejected: [] })).toHaveLength(1);
});

test('held asks for no more patience than the protocol lets it', () => {
  expect(acksOf(preamble, { stored: [], held: [[1, 2]], rejected: [] })).toEqual([
    { salt: preamble.salt, batch: 7, token: preamble.token, held: { ranges: [[1, 2]], seconds: 600 } },
  ]);
});

test('however far apart its ranges lie, an ack goes into a datagram, with the longest name of a gateway', () => {
  const fates = fc.constantFrom('stored', 'held', ...REJECT_CODES);
  const gap = fc.oneof(fc.integer({ min: 2, max: 300 }), fc.integer({ min: 2, max: 2 ** 39 }));
  const step = fc.record({ gap, length: fc.integer({ min: 0, max: 2 ** 38 }), fate: fates });
  let several = 0;
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 256, size: 'max' }), (steps) => {
      let last = 0;
      const ranges = steps.map(({ gap: distance, length, fate }) => {
        const range: Range = [last + distance, last + distance + length];
        last = range[1];
        return { range, fate };
      });
      const of = (wanted: string): Range[] => ranges.flatMap(({ range, fate }) => (fate === wanted ? [range] : []));
      const verdict = {
        stored: of('stored'),
        held: of('held'),
        rejected: REJECT_CODES.map((code) => ({ code, ranges: of(code) })),
      };
      const acks = acksOf(preamble, verdict);
      if (acks.length > 1) several += 1;
      for (const ack of acks) {
        expect(encodeAck(ack).length).toBeLessThanOrEqual(messageBytesMax('x'.repeat(63)));
      }
      expect(acks.flatMap(({ stored = [] }) => stored)).toEqual(verdict.stored);
      expect(acks.flatMap(({ held }) => held?.ranges ?? [])).toEqual(verdict.held);
    }),
    { numRuns: 200, seed: 1 },
  );
  expect(several).toBeGreaterThan(20);
});
