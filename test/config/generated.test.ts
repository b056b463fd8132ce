import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { runCheck } from '../../cli/check.ts';
import { runSchema } from '../../cli/schema.ts';
import { READMES, REFERENCE, SCHEMAS } from './generated.ts';
import { withMetrics } from './metric-tables.ts';
import { withReference } from './reference.ts';

const REMEDY = 'write it anew: npm run generate';
const deploy = join(import.meta.dirname, '..', '..', 'deploy');
const broken = join(import.meta.dirname, 'fixtures', 'broken');
/** Compose's own file beside them has a test of its own. */
const samples = readdirSync(deploy).filter((file) => file.endsWith('.yaml') && file !== 'compose.yaml');
const kindOf = (text: string): 'gateway' | 'central' => (/^(gateway|stations):/m.test(text) ? 'gateway' : 'central');

const printedBy = (kind: 'gateway' | 'central'): string => {
  let printed = '';
  expect(runSchema(kind, { write: (text) => (printed += text) })).toBe(0);
  return printed;
};
const validators = { gateway: validatorOf('gateway'), central: validatorOf('central') };
function validatorOf(kind: 'gateway' | 'central') {
  return new Ajv2020({ strict: true, strictTypes: false, strictRequired: false, allErrors: true }).compile(
    JSON.parse(printedBy(kind)) as object,
  );
}

test.each(SCHEMAS.map(({ path, schema }) => [basename(path), path, schema] as const))(
  '%s in the tree is the schema of this version',
  (_, path, schema) => {
    expect(JSON.parse(readFileSync(path, 'utf8')), REMEDY).toEqual(schema());
  },
);

test('`mooring schema` prints what is in the tree', () => {
  for (const kind of ['gateway', 'central'] as const) {
    const file = join(deploy, 'schema', `${kind}.schema.json`);
    expect(JSON.parse(printedBy(kind))).toEqual(JSON.parse(readFileSync(file, 'utf8')));
  }
});

test.each(READMES)('the tables of readings in %s are what the driver declares', (path) => {
  const written = readFileSync(path, 'utf8');
  expect(withMetrics(written) === written, REMEDY).toBe(true);
});

test('the tables of docs/configuration.md are those of the schemas', () => {
  const written = readFileSync(REFERENCE, 'utf8');
  expect(withReference(written) === written, REMEDY).toBe(true);
});

test('every key that an editor offers is described', () => {
  const undescribed: string[] = [];
  const walk = (node: unknown, path: string): void => {
    if (node === null || typeof node !== 'object') return;
    for (const [key, child] of Object.entries((node as { properties?: object }).properties ?? {})) {
      if ((child as { description?: string }).description === undefined) undescribed.push(`${path}.${key}`);
    }
    for (const [key, child] of Object.entries(node)) walk(child, `${path}.${key}`);
  };
  for (const { schema } of SCHEMAS) walk(schema(), '');
  expect(undescribed).toEqual([]);
});

test('no editor offers a key that is not in this version', () => {
  for (const key of ['local']) expect(printedBy('gateway')).not.toContain(`"${key}":`);
});

test.each(samples)('deploy/%s passes the check and the schema that its first line names', (sample) => {
  const file = join(deploy, sample);
  const text = readFileSync(file, 'utf8');
  let printed = '';
  runCheck(file, { json: false }, { write: (part) => (printed += part) });
  expect(printed).toMatch(/: ok \(.*\)\n(note: .*\n)*$/);
  const kind = kindOf(text);
  expect(text.split('\n')[0]).toBe(`# yaml-language-server: $schema=./schema/${kind}.schema.json`);
  const validate = validators[kind];
  expect(validate(parse(text)), JSON.stringify(validate.errors)).toBe(true);
});

/** What only the program can see: the schema knows one key at a time, and no second key of the same name. */
const BEYOND_A_SCHEMA: ReadonlySet<string> = new Set([
  'alarm-reach',
  'ack-kafka-without-kafka',
  'ack-leaves-out',
  'ack-store',
  'ack-names-ack-log',
  'ack-unknown-sink',
  'cadence',
  'duplicate-key',
  'kafka-ack',
  'kafka-ack-without-ingest',
  'multiplexer',
  'one-place-twice',
  'store-without-kafka',
  'two-sensors-one-metric',
]);

/** What is not even YAML. */
const BEYOND_YAML: ReadonlySet<string> = new Set(['alias-bomb', 'syntax', 'tab-indentation', 'two-documents']);

const brokenNames = readdirSync(broken)
  .filter((file) => file.endsWith('.yaml'))
  .map((file) => file.replace(/\.yaml$/, ''));

test.each(brokenNames.filter((name) => !BEYOND_YAML.has(name)))(
  'the schema refuses %s too, as far as a schema can',
  (name) => {
    const text = readFileSync(join(broken, `${name}.yaml`), 'utf8');
    const data: unknown = parse(text, { uniqueKeys: false });
    expect(validators[kindOf(text)](data)).toBe(BEYOND_A_SCHEMA.has(name));
  },
);
