/** Whatever is done to a right file, the answer is a configuration or a list of problems with places in it. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCheck } from '../../cli/check.ts';
import type { Problem } from '../../runtime/config/problem.ts';

const deploy = join(import.meta.dirname, '..', '..', 'deploy');
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mooring-mutations-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const PIECES = [
  ': ',
  '- ',
  '{',
  '}',
  '[',
  ']',
  '\n',
  '  ',
  '\t',
  '"',
  "'",
  '&a ',
  '*a',
  '#',
  '!!x ',
  '? ',
  '|',
  '~',
  '0',
  '-1',
  'x: y',
];

// A processor that is busy with other things takes some times 10 s.
const AMPLE_MS = 120_000;

test.each(['mooring.yaml', 'central.yaml'])(
  'no edit of %s makes the check do anything but answer',
  { timeout: AMPLE_MS },
  (sample) => {
    const text = readFileSync(join(deploy, sample), 'utf8').replaceAll(/^ *#.*\n/gm, '');
    const file = join(folder, sample);
    const edit = fc.record({ at: fc.nat(text.length), cut: fc.nat(12), paste: fc.constantFrom('', ...PIECES) });
    let refused = 0;
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
        const edited = edits.reduce(
          (before, { at, cut, paste }) => before.slice(0, at) + paste + before.slice(at + cut),
          text,
        );
        writeFileSync(file, edited);
        let printed = '';
        const status = runCheck(file, { json: true }, { write: (part) => (printed += part) });
        const { ok, problems } = JSON.parse(printed) as { ok: boolean; problems: Problem[] };
        expect(ok).toBe(status === 0);
        expect(ok).toBe(problems.length === 0);
        if (!ok) refused += 1;
        const lines = edited.split('\n');
        for (const { line, column, key, message } of problems) {
          expect(line).toBeLessThanOrEqual(lines.length);
          expect(column).toBeLessThanOrEqual((lines[line - 1]?.length ?? -1) + 1);
          expect(key).not.toBe('');
          expect(message).not.toMatch(/undefined|\[object|Invalid input/);
        }
      }),
      { numRuns: 400, seed: 7 },
    );
    expect(refused).toBeGreaterThan(100);
  },
);
