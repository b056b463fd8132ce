import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { messageOf } from '../../test/conformance/format.ts';
import { BuoyJsonFormat } from './buoy-json/buoy-json.ts';
import { FlatJsonFormat } from './flat-json/flat-json.ts';
import { FORMAT_NAMES, type Format } from './format.ts';
import { LinesFormat } from './lines/lines.ts';
import { LorawanFormat } from './lorawan/lorawan.ts';
import { loadMapping } from './mapping/mapping-file.ts';
import { mappingSchema } from './mapping/mapping-schema.ts';
import { TIME_FORMS } from './mapping/time-rule.ts';
import { SenmlFormat } from './senml/senml.ts';
import { TimeZone } from './time-zone.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/formats.md'), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'mooring-documented-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** The first block of code below a heading. */
function exampleOf(heading: string): string {
  const [, section = ''] = page.split(`\n## ${heading}\n`);
  return /```\w*\n([\s\S]*?)```/.exec(section)?.[1] ?? '';
}

const zone = new TimeZone('Europe/Paris');

test.each<[Format, number]>([
  [new SenmlFormat(), 1],
  [new FlatJsonFormat(), 1],
  [new BuoyJsonFormat({ zone }), 1],
  [new LorawanFormat(), 1],
  [new LinesFormat({ zone }), 2],
])('the example of $name in docs/formats.md is read whole', (format, count) => {
  const { readings, refused } = format.parse(messageOf(exampleOf(format.name)));
  expect(refused).toEqual([]);
  expect(readings).toHaveLength(count);
});

test('docs/formats.md has a section for each format, and its mapping is right', () => {
  for (const name of FORMAT_NAMES) expect(page).toContain(`\n## ${name}\n`);
  const file = join(folder, 'mapping.yaml');
  writeFileSync(file, exampleOf('mapping'));
  expect(loadMapping(file).metrics.map(({ metric }) => metric)).toEqual(['temperature', 'pressure', 'presence']);
});

test('docs/formats.md has every key of a mapping and every form of its times', () => {
  const [, section = ''] = page.split('\n## mapping\n');
  const words = new Set([...section.matchAll(/`(\w+)`/g)].map(([, word]) => word));
  expect([...Object.keys(mappingSchema.shape), ...TIME_FORMS].filter((key) => !words.has(key))).toEqual([]);
});
