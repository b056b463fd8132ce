import { expect, test } from 'vitest';
import { countsOf, producedOf } from './produced.ts';

const message = (topic: string, partition: number) => ({ topic, partition, key: 'barn', value: '{}' });
const counts = countsOf([message('a', 1), message('b', 1), message('a', 1), message('a', 0)]);

test('each part of a send is where the broker says, whatever the order of its answer', () => {
  const answers = [
    { topic: 'b', partition: 1, offset: 7 },
    { topic: 'a', partition: 0, offset: 0 },
    { topic: 'a', partition: 1, offset: 40 },
  ];
  expect(producedOf(counts, answers)).toEqual([
    { topic: 'a', partition: 1, offset: 40, count: 2 },
    { topic: 'a', partition: 0, offset: 0, count: 1 },
    { topic: 'b', partition: 1, offset: 7, count: 1 },
  ]);
});

test('a part that the answer leaves out, or has nowhere, is not taken for stored', () => {
  const some = [
    { topic: 'b', partition: 1, offset: 7 },
    { topic: 'a', partition: 0, offset: 0 },
  ];
  expect(() => producedOf(counts, some)).toThrow(expect.objectContaining({ code: 'LOG_FAILED' }));
  for (const offset of [-1, Number.NaN]) {
    const nowhere = [...some, { topic: 'a', partition: 1, offset }];
    expect(() => producedOf(counts, nowhere)).toThrow(expect.objectContaining({ code: 'LOG_FAILED' }));
  }
});
