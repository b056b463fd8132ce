/** House rules that a linter cannot see, as ordinary tests. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, matchesGlob } from 'node:path';
import { expect, test } from 'vitest';
import { DRIVERS } from '../drivers/index.ts';
import { ERROR_CODES } from '../runtime/errors.ts';

const root = join(import.meta.dirname, '..');
/** What git would commit: tracked files and new ones that it does not ignore. */
const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: root })
  .toString()
  .split('\n')
  .filter((path) => path !== '' && existsSync(join(root, path)));
const text = (path: string): string => readFileSync(join(root, path), 'utf8');
const isSource = (path: string): boolean => path.endsWith('.ts') && !path.includes('/fixtures/');
const isTest = (path: string): boolean => path.endsWith('.test.ts') || /^(test|bench)\//.test(path);

/** What a document links to in this tree. */
const linksIn = (path: string): string[] =>
  [...text(path).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)[^)]*\)/g)].map(([, target]) =>
    join(path, '..', target as string),
  );

/** Time, chance and the process are handed in; each has the folders that may touch the real thing. */
const HANDED_IN: readonly { readonly what: RegExp; readonly allowed: RegExp; readonly instead: string }[] = [
  { what: /\bDate\.now\(/, allowed: /^(runtime|cli)\//, instead: 'a Clock' },
  { what: /(?<!\.)\b(setTimeout|setInterval)\(/, allowed: /^runtime\/clock\.ts$/, instead: 'a Clock' },
  { what: /\bMath\.random\(/, allowed: /^$/, instead: 'a Random' },
  { what: /\bprocess\.(env|exit|argv)\b/, allowed: /^(runtime|cli)\//, instead: 'a parameter' },
];

test('time, chance and the process are handed in', () => {
  const found = files
    .filter((path) => isSource(path) && !isTest(path))
    .flatMap((path) =>
      HANDED_IN.filter(({ what, allowed }) => !allowed.test(path) && what.test(text(path))).map(
        ({ what, instead }) => `${path} uses ${what}: hand in ${instead}`,
      ),
    );
  expect(found).toEqual([]);
});

test('no test is skipped or alone, and no module is mocked', () => {
  const forbidden = /\b(it|test|describe)\.(skip|only|todo)\b|\bvi\.mock\(/;
  const found = files.filter(
    (path) =>
      isSource(path) && path !== 'test/tidy.test.ts' && path !== 'test/mosquitto.ts' && forbidden.test(text(path)),
  );
  expect(found).toEqual([]);
});

test('no source file outgrows 400 lines', () => {
  const long = files.filter(isSource).filter((path) => text(path).split('\n').length > 400);
  expect(long).toEqual([]);
});

test('every driver folder is registered and has code, a test, fixtures, a sample and a README', () => {
  const folders = readdirSync(join(root, 'drivers'), { withFileTypes: true }).filter((entry) => entry.isDirectory());
  expect(folders.map((folder) => folder.name).sort()).toEqual(DRIVERS.map((driver) => driver.name).sort());
  for (const { name } of folders) {
    const inFolder = readdirSync(join(root, 'drivers', name));
    expect(inFolder, name).toEqual(expect.arrayContaining([`${name}.ts`, 'README.md', 'sample.yaml']));
    // A simulation is held to its own truth, not to anybody's data sheet.
    if (name !== 'sim') expect(inFolder, name).toContain('fixtures');
    expect(
      inFolder.some((file) => file.endsWith('.test.ts')),
      `${name} has a test`,
    ).toBe(true);
  }
});

test('every driver stands in the table of docs/sensors.md, in order, and is counted where documents count them', () => {
  const rows = [...text('docs/sensors.md').matchAll(/^\| \[([a-z0-9-]+)\]\(\.\.\/drivers\/\1\/README\.md\) +\|/gm)];
  const names = DRIVERS.map((driver) => driver.name);
  expect(rows.map(([, name]) => name)).toEqual(names.toSorted());
  expect(text('README.md')).toContain(`the ${names.length} drivers`);
});

test('what a document of the package links to is in the package', () => {
  const { files: packed } = JSON.parse(text('package.json')) as { readonly files: readonly string[] };
  const isPacked = (path: string): boolean =>
    packed.some((entry) => matchesGlob(path, entry) || path.startsWith(`${entry}/`));
  const missing = files
    .filter((path) => path.endsWith('.md') && isPacked(path))
    .flatMap((path) =>
      linksIn(path)
        .filter((target) => !isPacked(target))
        .map((target) => `${path} → ${target}`),
    );
  expect(missing).toEqual([]);
});

test('the table of errors in ARCHITECTURE.md names exactly the codes that exist, with what to do next', () => {
  const rows = [...text('ARCHITECTURE.md').matchAll(/^\| `([A-Z0-9_]+)` +\| (now|later|never) +\|/gm)];
  expect(Object.fromEntries(rows.map(([, code, retry]) => [code, retry]))).toEqual(ERROR_CODES);
});

test('every link between documents leads somewhere', () => {
  const broken = files
    .filter((path) => path.endsWith('.md'))
    .flatMap((path) =>
      linksIn(path)
        .filter((target) => !existsSync(join(root, target)))
        .map((target) => `${path} → ${target}`),
    );
  expect(broken).toEqual([]);
});

test('the lock file names no registry', () => {
  expect(text('package-lock.json')).not.toMatch(/"resolved"/);
});
