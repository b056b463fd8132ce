import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LineQueue } from './line-queue.ts';

async function readAll(queue: LineQueue): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of queue.read(new AbortController().signal)) lines.push(line);
  return lines;
}

test('lines come out in the order they went in, those that waited before those that come', async () => {
  const queue = new LineQueue(8);
  queue.push('a');
  queue.push('b');
  const reading = readAll(queue);
  await Promise.resolve();
  queue.push('c');
  queue.end();
  expect(await reading).toEqual(['a', 'b', 'c']);
});

test('a reader that is too slow loses the oldest lines, and each is counted', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.string(), { maxLength: 40 }), fc.integer({ min: 1, max: 10 }), async (lines, max) => {
      const queue = new LineQueue(max);
      for (const line of lines) queue.push(line);
      queue.end();
      expect(queue.dropped).toBe(Math.max(0, lines.length - max));
      expect(await readAll(queue)).toEqual(lines.slice(-max));
    }),
  );
});

test('the error that ends the lines comes after the last of them, and the first one holds', async () => {
  const queue = new LineQueue(8);
  queue.push('a');
  queue.end(new Error('lost'));
  queue.end(new Error('later'));
  queue.push('never');
  const lines: string[] = [];
  const reading = (async () => {
    for await (const line of queue.read(new AbortController().signal)) lines.push(line);
  })();
  await expect(reading).rejects.toThrow('lost');
  expect(lines).toEqual(['a']);
});

test('a reader that is told to stop ends without an error, also while it waits', async () => {
  const stop = new AbortController();
  const queue = new LineQueue(8);
  const reading = queue.read(stop.signal).next();
  await Promise.resolve();
  stop.abort();
  expect(await reading).toEqual({ done: true, value: undefined });
});
