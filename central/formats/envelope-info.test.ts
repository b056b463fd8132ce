import { expect, test } from 'vitest';
import { envelopeInfo } from './envelope-info.ts';

const none = new Set<string>();

test('keys that fold to one name are apart, in whatever order they come', () => {
  const info = envelopeInfo({ aB: 1, a_b: 2, 'A b': 3 }, none);
  expect(info).toMatchObject({ a_b: 2 });
  expect(Object.values(info).sort()).toEqual([1, 2, 3]);
  expect(envelopeInfo({ 'A b': 3, a_b: 2, aB: 1 }, none)).toEqual(info);
});

test('a text that is too long is left out and named, and half a character costs nothing', () => {
  const info = envelopeInfo({ note: 'x'.repeat(513), half: '\ud800', sn: 'a' }, none);
  expect(info).toEqual({ half: '\ufffd', sn: 'a', left_out: ['note'] });
});

test('what is beyond 32 is the same in whatever order it comes', () => {
  const entries = Array.from({ length: 40 }, (_, index) => [`k${index}`, index] as const);
  const info = envelopeInfo(Object.fromEntries(entries), none);
  expect(Object.keys(info)).toHaveLength(32);
  expect(envelopeInfo(Object.fromEntries(entries.toReversed()), none)).toEqual(info);
});
