import fc from 'fast-check';
import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import { ConfigDocument, keyText, type Path } from './document.ts';

test('values are those of YAML 1.2: words stay text, hexadecimal is a number, a date stays text', () => {
  const { data } = new ConfigDocument('a: no\nb: 0x76\nc: 2026-01-01\nd: ~\ne: 1e3\nf: "7"\n');
  expect(data).toEqual({ a: 'no', b: 0x76, c: '2026-01-01', d: null, e: 1000, f: '7' });
});

test('a key is found where it stands, a value where it stands, in block and flow', () => {
  const document = new ConfigDocument('a:\n  - b: 1\n    c: { d: 2, e: [3, 4] }\n');
  expect(document.locate(['a'], 'key')).toEqual({ line: 1, column: 1 });
  expect(document.locate(['a', 0, 'b'], 'key')).toEqual({ line: 2, column: 5 });
  expect(document.locate(['a', 0, 'b'], 'value')).toEqual({ line: 2, column: 8 });
  expect(document.locate(['a', 0, 'c', 'e'], 'key')).toEqual({ line: 3, column: 16 });
  expect(document.locate(['a', 0, 'c', 'e', 1], 'value')).toEqual({ line: 3, column: 23 });
});

test('what is missing stands where its parent does', () => {
  const document = new ConfigDocument('# comment\nstore:\n  path: x\nlist:\n  - a: 1\n');
  expect(document.locate(['store', 'budget'], 'value')).toEqual({ line: 2, column: 1 });
  expect(document.locate(['store', 'budget', 'deeper'], 'key')).toEqual({ line: 2, column: 1 });
  expect(document.locate(['list', 0, 'b'], 'value')).toEqual({ line: 5, column: 5 });
  expect(document.locate(['gateway'], 'value')).toEqual({ line: 2, column: 1 });
});

test('an alias leads to the place of its anchor', () => {
  const document = new ConfigDocument('a: &shared { b: 1 }\nc: *shared\n');
  expect(document.data).toEqual({ a: { b: 1 }, c: { b: 1 } });
  expect(document.locate(['c', 'b'], 'value')).toEqual({ line: 1, column: 17 });
});

test('any tree that is written down is read back, and every key is found in the text', () => {
  const key = fc.stringMatching(/^[a-z]{1,8}$/);
  const tree = fc.letrec((tie) => ({
    node: fc.oneof({ depthSize: 'small' }, fc.integer(), fc.boolean(), key, tie('list'), tie('mapping')),
    list: fc.array(tie('node'), { maxLength: 4 }),
    mapping: fc.dictionary(key, tie('node'), { maxKeys: 4, noNullPrototype: true }),
  }));
  fc.assert(
    fc.property(tree.mapping, (value) => {
      const text = stringify(value);
      const lines = text.split('\n');
      const document = new ConfigDocument(text);
      expect(document.data).toEqual(value);
      for (const path of pathsOf(value)) {
        const { line, column } = document.locate(path, 'key');
        const name = path.at(-1);
        if (typeof name === 'string') expect(lines[line - 1]?.slice(column - 1)).toMatch(new RegExp(`^"?${name}"?:`));
      }
    }),
  );
});

function pathsOf(value: unknown, above: Path = []): Path[] {
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([key, child]) => {
    const path = [...above, Array.isArray(value) ? Number(key) : key];
    return [path, ...pathsOf(child, path)];
  });
}

test('every key that stands twice is told, wherever it is, with the line of the first', () => {
  const { duplicates, syntax } = new ConfigDocument('a: 1\nb:\n  - { c: 1, d: 2, c: 3 }\na: 2\na: 3\n');
  expect(syntax).toEqual([]);
  expect(duplicates.map(({ line, column, key }) => [line, column, key])).toEqual([
    [3, 19, 'b[0].c'],
    [4, 1, 'a'],
    [5, 1, 'a'],
  ]);
  expect(duplicates[2]?.message).toBe('stands twice; the first is in line 1');
});

test.each([
  ['a tab as indentation', 'a:\n\tb: 1\n', 2, 1, 'b'],
  ['a bracket that stays open', 'a: [1, 2\nb: 3\n', 1, 4, 'a'],
  ['a quote that stays open', "a: 1\nb: 'x\nc: 3\n", 2, 4, 'b'],
  ['a second colon', 'a: b: c\n', 1, 4, 'a'],
  ['a wrong indentation', 'a:\n  b: 1\n c: 2\n', 3, 2, 'c'],
  ['a key without a colon', 'a: 1\nb\n  - c: 2\n', 2, 1, '(yaml)'],
  ['a tag', 'a: !!js/function x\n', 1, 4, 'a'],
  ['an alias without an anchor', 'a: 1\nb: *a\n', 2, 4, 'b'],
  ['a second document', 'a: 1\n---\nb: 1\n', 2, 1, '(yaml)'],
])('%s is told where it is', (_, text, line, column, key) => {
  const { syntax, data } = new ConfigDocument(text);
  expect(syntax[0]).toMatchObject({ line, column, key });
  expect(data).toBeUndefined();
});

test('several broken lines are told one by one, each once', () => {
  const { syntax } = new ConfigDocument('a: @x\nb: %y\nc: !!no 1\n');
  expect(syntax.map(({ line }) => line)).toEqual([1, 2, 3]);
});

test.each([
  [
    'aliases that multiply',
    `a: &a [1, 1]\n${'bcdefgh'.replaceAll(/./g, (name) => `${name}: &${name} [${previous(name)}]\n`)}`,
  ],
  ['brackets', '['.repeat(200_000)],
  ['closed brackets', `a: ${'['.repeat(20_000)}${']'.repeat(20_000)}`],
  ['mappings in mappings', '{a: '.repeat(60_000)],
  ['indicators', '? '.repeat(100_000)],
  ['lists in lists', '- '.repeat(100_000)],
])('%s made to exhaust the reader are refused at once', (_, text) => {
  const begin = performance.now();
  expect(new ConfigDocument(text).syntax).toHaveLength(1);
  expect(performance.now() - begin).toBeLessThan(1000);
});

function previous(name: string): string {
  const before = String.fromCharCode(name.charCodeAt(0) - 1);
  return Array(10).fill(`*${before}`).join(', ');
}

test('a path is written as people write it', () => {
  expect(keyText(['stations', 0, 'sensors', 1, 'driver'])).toBe('stations[0].sensors[1].driver');
  expect(keyText(['forward', 'to the centre', ''])).toBe('forward."to the centre".""');
  expect(keyText([])).toBe('(file)');
});

test('tabs are told as tabs only, whatever else the reader stumbles over because of them', () => {
  const { syntax } = new ConfigDocument('a:\n  - b: 1\n\t  c: 2\n    d: 3\n');
  expect(syntax.map(({ line, message }) => [line, message])).toEqual([[3, 'a tab as indentation']]);
});

test('a colon without a space is told as such, and no key is missing because of it', () => {
  const { syntax, data } = new ConfigDocument('a:\n  - { driver:sim, seed: 7 }\n');
  expect(syntax).toEqual([
    { line: 2, column: 7, key: 'driver', message: 'has no space after its colon', hint: 'Write `driver: …`.' },
  ]);
  expect(data).toBeUndefined();
  expect(new ConfigDocument('gateway:sim\nb: 1\n').syntax[0]?.message).toBe('a key without its colon');
});
