import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runCheck } from '../../cli/check.ts';
import { DRIVERS } from '../../drivers/index.ts';

const folder = join(import.meta.dirname, 'fixtures', 'broken');
const names = readdirSync(folder)
  .filter((file) => file.endsWith('.yaml'))
  .map((file) => file.replace(/\.yaml$/, ''));

test('there are enough broken files, and each says what is expected of it', () => {
  expect(names.length).toBeGreaterThanOrEqual(20);
  const expected = readdirSync(folder).filter((file) => file.endsWith('.expected'));
  expect(expected.sort()).toEqual(names.map((name) => `${name}.expected`).sort());
});

test.each(names)('%s: exactly these errors, with line and key', (name) => {
  let printed = '';
  const file = join(folder, `${name}.yaml`);
  const status = runCheck(file, { json: false }, { write: (text) => (printed += text) });
  const expected = readFileSync(join(folder, `${name}.expected`), 'utf8');
  // One more driver breaks no file.
  const drivers = DRIVERS.map((driver) => driver.name).join(', ');
  expect(printed.replaceAll(`${folder}/`, '')).toBe(expected.replaceAll('{drivers}', drivers));
  expect(status).toBe(2);
});
