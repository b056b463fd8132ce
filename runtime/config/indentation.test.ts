import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import { ConfigDocument } from './document.ts';
import { misindentedNear } from './indentation.ts';

const STATION = 'stations:\n  - name: a\n    every: 1s\n';

test.each([
  [
    'a key one space too far to the left',
    `${STATION}   sensors:\n      - { driver: sim }\n`,
    4,
    4,
    '`every` in line 3',
    5,
  ],
  ['a key one space too far to the right', `${STATION}     sensors:\n      - x\n`, 4, 6, '`every` in line 3', 5],
  ['a key at the top', 'gateway: a\n store: { path: s }\n', 2, 2, '`gateway` in line 1', 1],
  ['a key of a mapping', 'store:\n  path: s\n budget: 1GiB\n', 3, 2, '`path` in line 2', 3],
  ['a key after brackets that are closed', 'a:\n  - b: { c: 1 }\n   d: 2\n', 3, 4, '`b` in line 2', 5],
  ['an entry of a list', 'a:\n  - b: 1\n    c: 2\n - b: 3\n', 4, 2, 'the entry in line 2', 3],
])('%s is told with the line that it should stand beside', (_, text, line, column, beside, besideColumn) => {
  const { syntax } = new ConfigDocument(text);
  expect(syntax).toHaveLength(1);
  expect(syntax[0]).toMatchObject({ line, column });
  expect(syntax[0]?.message).toMatch(/^is indented differently from the (keys|entries) beside it$/);
  expect(syntax[0]?.hint).toBe(`Compare with ${beside}, which begins in column ${besideColumn}.`);
});

test('nothing is told of a text that is indented as it may be', () => {
  const texts = [
    stringify({ a: [{ b: 1, c: [{ d: 2 }, { d: 3, e: { f: 4 } }] }, { b: 5 }], g: { h: 6 } }),
    'a:\n- b: 1\n  c: 2\n- b: 3\nd: # below\n    e: 1\n    f: &x\n      g: 2\n',
    'a:\n  -\n    b: 1\n  - - c: 1\n      d: 2\n    - 3\n',
  ];
  for (const text of texts) {
    for (const line of text.split('\n').keys()) expect(misindentedNear(text, line), text).toBeUndefined();
  }
});
