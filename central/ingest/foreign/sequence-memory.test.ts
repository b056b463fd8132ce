import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SequenceMemory } from './sequence-memory.ts';

test('each sequence is taken once; one that others have overtaken still comes, as far as 63 behind', () => {
  const memory = new SequenceMemory();
  memory.take('a', 100);
  expect([164, 101, 100, 99, 37, 36, 1].map((sequence) => memory.verdictOf('a', sequence))).toEqual([
    ...['new', 'new', 'replayed', 'new', 'new', 'older', 'older'],
  ]);
  memory.take('a', 99);
  expect(memory.verdictOf('a', 99)).toBe('replayed');
  memory.take('a', 163);
  expect([100, 99, 101].map((sequence) => memory.verdictOf('a', sequence))).toEqual(['replayed', 'older', 'new']);
  memory.take('a', Number.MAX_SAFE_INTEGER);
  expect(memory.verdictOf('a', 164)).toBe('older');
  expect(memory.verdictOf('b', 1)).toBe('new');
});

test('whatever comes in whatever order, nothing is taken twice, nor after it was kept and read again', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 300 }), { maxLength: 300 }), fc.nat(300), (sequences, cut) => {
      let memory = new SequenceMemory();
      const taken = new Set<number>();
      let last = 0;
      for (const [at, sequence] of sequences.entries()) {
        if (at === cut) memory = new SequenceMemory(JSON.parse(JSON.stringify(memory.kept())));
        const verdict = memory.verdictOf('a', sequence);
        expect(verdict === 'new').toBe(!taken.has(sequence) && sequence > last - 64);
        if (verdict !== 'new') continue;
        memory.take('a', sequence);
        taken.add(sequence);
        last = Math.max(last, sequence);
      }
    }),
  );
});

test('of a memory that is none nothing is taken over', () => {
  const kept = JSON.parse('{"a":[1.5,"1"],"b":[7,"zz"],"c":[7,"1"]}');
  expect(new SequenceMemory(kept).kept()).toEqual({ c: [7, '1'] });
});
