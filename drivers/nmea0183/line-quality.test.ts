import { expect, test } from 'vitest';
import { LineQuality } from './line-quality.ts';

test('a line is noisy once one in ten is bad, clean again once they are rare, and says each once', () => {
  const quality = new LineQuality();
  const said: string[] = [];
  const add = (isBad: boolean): void => {
    const change = quality.add(isBad);
    if (change !== undefined) said.push(change);
  };
  for (let line = 0; line < 1000; line += 1) add(line % 20 === 0);
  expect(said).toEqual([]);
  for (let line = 0; line < 100; line += 1) add(line % 5 === 0);
  expect(said).toEqual(['noisy']);
  for (let line = 0; line < 100; line += 1) add(false);
  expect(said).toEqual(['noisy', 'clean']);
});

test('the torn line after opening a port is not noise', () => {
  const quality = new LineQuality();
  expect([quality.add(true), quality.add(false)]).toEqual([undefined, undefined]);
});
