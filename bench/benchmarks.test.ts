import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { BENCHMARKS } from './benchmarks.ts';

it('every benchmark has a name of its own and a section in docs/benchmarks.md, in the order in which they run', () => {
  const text = readFileSync(new URL('../docs/benchmarks.md', import.meta.url), 'utf8');
  const sections = [...text.matchAll(/^### ([a-z-]+): /gm)].map(([, name]) => name);
  expect(sections).toEqual(BENCHMARKS.map(({ name }) => name));
});
