import fc from 'fast-check';
import { expect, test } from 'vitest';
import { WrittenIds } from './written-ids.ts';

const idOf = (number: number): string => `${number.toString(16).padStart(8, '0')}-1f2e-5a3d-9c4b-0123456789ab`;
const FILES = ['a', 'b', 'c'] as const;

test('whatever has room in memory, the answer is what stands in the file', async () => {
  const anyIds = fc.uniqueArray(fc.integer({ min: 0, max: 30 }).map(idOf), { maxLength: 8 });
  const anyStep = fc.record({ file: fc.constantFrom(...FILES), asked: anyIds });
  await fc.assert(
    fc.asyncProperty(fc.array(anyStep, { maxLength: 25 }), fc.integer({ min: 0, max: 12 }), async (steps, idsMax) => {
      const stored = new Map(FILES.map((file) => [file as string, new Set<string>()]));
      const ids = new WrittenIds({
        idsMax,
        idsIn: async function* (file) {
          for (const id of stored.get(file) ?? []) yield [id];
        },
      });
      for (const { file, asked } of steps) {
        const inFile = stored.get(file) as Set<string>;
        const there = await ids.there(file, new Set(asked));
        expect(there).toEqual(new Set(asked.filter((id) => inFile.has(id))));
        for (const id of asked) inFile.add(id);
        ids.add(file, asked);
      }
    }),
  );
});

test('a file is read once while there is room', async () => {
  let reads = 0;
  const ids = new WrittenIds({
    idsMax: 4,
    idsIn: async function* () {
      reads += 1;
      yield [idOf(1), idOf(2)];
    },
  });
  for (const file of ['a', 'b', 'a', 'b', 'a']) await ids.there(file, new Set([idOf(2)]));
  expect(reads).toBe(2);
  await ids.there('c', new Set([idOf(2)]));
  await ids.there('b', new Set([idOf(2)]));
  expect(reads).toBe(4);
});
