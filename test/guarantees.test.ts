/** docs/guarantees.md names the tests that hold its promises: here they are looked for. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');
const PAGE = readFileSync(join(root, 'docs', 'guarantees.md'), 'utf8');
/** A file's name as code, or a title in typographic quotes, over several lines. */
const NAMED = /`(?<file>[\w./-]+\.ts)`|“(?<title>[^”]+)”/g;

interface NamedTest {
  readonly file: string;
  readonly title: string;
}

/** Every promise of the page, a list item each, with the tests that it names: a title is of the file before it. */
function promises(): { readonly text: string; readonly tests: readonly NamedTest[] }[] {
  const items = PAGE.split(/\n(?=- |#|\n)/).filter((part) => part.trimStart().startsWith('- **'));
  return items.map((text) => {
    const tests: NamedTest[] = [];
    let file = '';
    for (const { groups } of text.matchAll(NAMED)) {
      if (groups?.file !== undefined) file = groups.file;
      else if (groups?.title !== undefined) tests.push({ file, title: groups.title.replaceAll(/\s+/g, ' ') });
    }
    return { text, tests };
  });
}

/** The title as a whole, in any quotes; `…` stands for what a template puts there. */
function isIn(source: string, title: string): boolean {
  const pattern = title
    .split('…')
    .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`))
    .join('[^\\n]*');
  return new RegExp(`(?:\\(|name:|^)\\s*(['"\`])${pattern}\\1`, 'm').test(source);
}

test('every promise of docs/guarantees.md names a test', () => {
  expect(promises().length).toBeGreaterThan(40);
  const unheld = promises().filter(({ tests }) => tests.length === 0);
  expect(unheld.map(({ text }) => text)).toEqual([]);
});

test('every test that docs/guarantees.md names is there', () => {
  const missing = promises()
    .flatMap(({ tests }) => tests)
    .filter(({ file, title }) => {
      const path = join(root, file);
      return !(existsSync(path) && isIn(readFileSync(path, 'utf8'), title));
    });
  expect(missing).toEqual([]);
});
